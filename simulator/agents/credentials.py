"""The credentials endpoints: unique keys, rotation, validation (docs/reference/managed-agents.md#credentials)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx2
from anthropic.types.beta.vaults import (
    BetaManagedAgentsCredential,
    BetaManagedAgentsCredentialValidation,
    BetaManagedAgentsDeletedCredential,
    CredentialCreateParams,
    CredentialListParams,
    CredentialUpdateParams,
)

from simulator.agents.asking import Ask, Route
from simulator.agents.errors import bad_request, conflict, not_found
from simulator.agents.ids import check_id, new_id
from simulator.agents.mcp_calls import AUTHENTICATION, Connection, McpTrouble, normalised
from simulator.agents.pages import page_of
from simulator.agents.refreshing import excerpt, is_expired, refresh
from simulator.agents.rules import as_time, check_length, check_metadata, live, patched
from simulator.agents.schemas import answer
from simulator.agents.state import Credential, Vault, World

Json = dict[str, Any]
VAULT = frozenset({"vault_id"})
SECRETS = ("access_token", "token", "secret_value", "refresh_token", "client_secret")
MOST = 20


def without_secrets(value: Any) -> Any:
    """Return a copy without any secret at any depth."""
    if not isinstance(value, dict):
        return value
    return {key: without_secrets(inner) for key, inner in value.items() if key not in SECRETS}


def purge(credential: Credential, when: datetime) -> None:
    """Archive a credential: the record stays, its secrets are erased, and its server URL can be used again."""
    credential.archived_at = credential.archived_at or when
    credential.auth = without_secrets(credential.auth)


def _key(auth: Json) -> str:
    return normalised(auth["mcp_server_url"]) if "mcp_server_url" in auth else f"secret:{auth['secret_name']}"


def _rotated(stored: Json, change: Json) -> Json:
    """Return the auth with an update applied: None or absent keeps a field, an empty scope clears it."""
    merged = dict(stored)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(stored.get(key), dict) and key != "networking":
            merged[key] = _rotated(stored[key], value)
        elif value is not None:
            merged[key] = None if (key, value) == ("scope", "") else value
    return merged


class Credentials:
    """The credentials of all vaults."""

    def __init__(
        self,
        world: World,
        http: httpx2.AsyncClient,
        find_vault: Callable[[str], Vault],
        usable_vault: Callable[[str], Vault],
    ) -> None:
        self._world = world
        self._http = http
        self._find_vault = find_vault
        self._usable_vault = usable_vault

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        every = "/v1/vaults/{vault_id}/credentials"
        one = every + "/{credential_id}"
        return [
            ("POST", every, self.create),
            ("GET", every, self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("DELETE", one, self.delete),
            ("POST", one + "/archive", self.archive),
            ("POST", one + "/mcp_oauth_validate", self.validate),
        ]

    def _find(self, ask: Ask) -> Credential:
        vault = self._find_vault(ask.path("vault_id"))
        credential = vault.credentials.get(check_id("vcrd", ask.path("credential_id")))
        if credential is None:
            raise not_found(f"Credential `{ask.path('credential_id')}` not found.")
        return credential

    @staticmethod
    def _show(credential: Credential) -> Json:
        same = ("id", "vault_id", "display_name", "metadata", "created_at", "updated_at", "archived_at")
        data = {name: getattr(credential, name) for name in same}
        shown = data | {"type": "vault_credential", "auth": without_secrets(credential.auth)}
        return answer(BetaManagedAgentsCredential, shown)

    def _check_auth(self, auth: Json) -> None:
        url = auth.get("mcp_server_url")
        if url is not None and not url.startswith(("https://", "http://")):
            raise bad_request("auth.mcp_server_url: must be an http(s) URL")
        self._check_expiry(auth)
        for name in SECRETS:
            check_length(f"auth.{name}", auth.get(name), 1, 100_000)

    def _check_expiry(self, auth: Json) -> None:
        if auth.get("expires_at") is not None and as_time(auth["expires_at"]) <= self._world.now():
            raise bad_request("auth.expires_at: must be in the future")

    async def create(self, ask: Ask) -> Json:
        """Create: at most 20, one active per server URL."""
        vault = self._usable_vault(ask.path("vault_id"))
        body = ask.body(CredentialCreateParams)
        check_length("display_name", body.get("display_name"), 1, 255)
        check_metadata(body.get("metadata", {}))
        self._check_auth(body["auth"])
        active = [credential for credential in vault.credentials.values() if credential.archived_at is None]
        if any(_key(credential.auth) == _key(body["auth"]) for credential in active):
            raise conflict("A credential already exists for this MCP server URL.")
        if len(active) >= MOST:
            raise bad_request(f"A vault can have at most {MOST} credentials.")
        now = self._world.now()
        auth = dict(body["auth"])
        if auth["type"] == "environment_variable":
            auth["injection_location"] = {"header": True, "body": False} | auth.get("injection_location", {})
        credential = Credential(
            id=new_id("vcrd"),
            serial=self._world.serial(),
            vault_id=vault.id,
            created_at=now,
            updated_at=now,
            auth=auth,
            display_name=body.get("display_name"),
            metadata=body.get("metadata") or {},
        )
        vault.credentials[credential.id] = credential
        self._note("created", credential)
        return self._show(credential)

    async def retrieve(self, ask: Ask) -> Json:
        """Return one, without secrets."""
        return self._show(self._find(ask))

    async def update(self, ask: Ask) -> Json:
        """Rotate in place; what identifies the credential cannot change."""
        credential = self._find(ask)
        body = ask.body(CredentialUpdateParams, path=VAULT)
        if credential.archived_at is not None:
            raise bad_request(f"Credential `{credential.id}` is archived.")
        auth = body.get("auth", {"type": credential.auth["type"]})
        if auth["type"] != credential.auth["type"]:
            raise bad_request("auth.type must match the stored credential")
        self._check_expiry(auth)
        if auth.get("refresh") and not credential.auth.get("refresh"):
            raise bad_request("auth.refresh: the credential was created without refresh")
        check_length("display_name", body.get("display_name"), 1, 255)
        credential.metadata = patched(credential.metadata, body.get("metadata"))
        credential.auth = _rotated(credential.auth, auth)
        credential.display_name = body.get("display_name") or credential.display_name
        credential.updated_at = self._world.now()
        return self._show(credential)

    async def list(self, ask: Ask) -> Json:
        """List the newest first."""
        query = ask.query(CredentialListParams)
        vault = self._find_vault(ask.path("vault_id"))
        return page_of([self._show(credential) for credential in live(vault.credentials.values(), query)], query)

    async def archive(self, ask: Ask) -> Json:
        """Archive; secrets are purged."""
        ask.no_body()
        credential = self._find(ask)
        purge(credential, self._world.now())
        self._note("archived", credential)
        return self._show(credential)

    def _note(self, what: str, credential: Credential) -> None:
        self._world.webhooks.note(f"vault_credential.{what}", credential.id, vault_id=credential.vault_id)

    async def delete(self, ask: Ask) -> Json:
        """Delete for good."""
        credential = self._find(ask)
        del self._find_vault(credential.vault_id).credentials[credential.id]
        self._note("deleted", credential)
        return answer(BetaManagedAgentsDeletedCredential, {"id": credential.id, "type": "vault_credential_deleted"})

    async def validate(self, ask: Ask) -> Json:
        """Try the credential at its MCP server; refresh it first if it has expired, or once if it is refused."""
        ask.no_body()
        credential = self._find(ask)
        if credential.auth["type"] != "mcp_oauth" or credential.archived_at is not None:
            raise bad_request("Only an active mcp_oauth credential can be validated.")
        refreshed: Json | None = None
        if is_expired(credential, self._world.now()):
            refreshed = await refresh(self._world, self._http, credential)
        status, probe = "invalid", None
        if refreshed is None or refreshed["status"] == "succeeded":
            status, probe = await self._probe(credential)
        elif refreshed["status"] == "connect_error":
            status = "unknown"
        if status == "invalid" and refreshed is None and credential.auth.get("refresh"):
            refreshed = await refresh(self._world, self._http, credential)
            if refreshed["status"] == "succeeded":
                status, probe = await self._probe(credential)
        return answer(
            BetaManagedAgentsCredentialValidation,
            {
                "type": "vault_credential_validation",
                "credential_id": credential.id,
                "vault_id": credential.vault_id,
                "validated_at": self._world.now(),
                "has_refresh_token": bool(credential.auth.get("refresh")),
                "status": status,
                "mcp_probe": probe,
                "refresh": refreshed,
            },
        )

    async def _probe(self, credential: Credential) -> tuple[str, Json | None]:
        connection = Connection(self._http, credential.auth["mcp_server_url"], credential.auth["access_token"])
        method = "initialize"
        try:
            await connection.open()
            method = "tools/list"
            await connection.ask("tools/list", {})
        except McpTrouble as trouble:
            status = "invalid" if trouble.kind == AUTHENTICATION else "unknown"
            response = excerpt(trouble.response) if trouble.response is not None else None
            return status, {"method": method, "http_response": response}
        finally:
            await connection.close()
        return "valid", None
