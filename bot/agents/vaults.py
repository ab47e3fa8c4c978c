"""Vaults and credentials at the API. The only module that reveals a token, to send it.

Nothing here chooses a vault: the caller passes the one that the store has for its owner.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from anthropic import AsyncAnthropic

from bot.agents.client import LIST_PAGE, errors_translated, status_of, text_of
from bot.model.errors import AgentsRejected, AgentsUnavailable
from oauth.ports import Credential, Refresh, Validity
from store.records import CredentialId, Member, Vault, VaultId, VaultState

MOST = 20
"""Most credentials in a vault (docs/reference/managed-agents.md#vaults)."""
FULL = "vault_full"
"""Our own error code; the API has none for a full vault."""
# Characters of a vault's or credential's `display_name`.
_DISPLAY_NAME_MAX = 255
_DEFAULT_PORTS = {"http": 80, "https": 443}


class VaultsApi:
    """The vaults of the API workspace, one per member."""

    def __init__(self, client: AsyncAnthropic) -> None:
        self._vaults = client.beta.vaults
        self._once = client.with_options(max_retries=0).beta.vaults

    async def create(self, owner: Member, marker: str) -> VaultId:
        """See `Agents.create_vault`."""
        with errors_translated():
            vault = await self._once.create(
                display_name=f"Deputy {_external_id(owner)}"[:_DISPLAY_NAME_MAX],
                metadata={"deputy_vault": marker, "external_user_id": _external_id(owner)},
            )
        return VaultId(text_of(vault, "id"))

    async def find(self, owner: Member, marker: str) -> VaultId | None:
        """See `Agents.find_vault`."""
        return next((VaultId(vault.id) for vault in await self._marked(owner, marker)), None)

    async def settle(self, owner: Member, marker: str) -> VaultId | None:
        """See `Agents.settle_vault`."""
        kept, *twins = await self._marked(owner, marker) or [None]
        for twin in twins:
            try:
                with errors_translated():
                    await self._vaults.delete(twin.id)
            except AgentsRejected as refusal:
                _unless_gone(refusal)
        return VaultId(kept.id) if kept else None

    async def _marked(self, owner: Member, marker: str) -> list[Any]:
        """Return the owner's vaults that carry the marker, oldest first. After a race there may be more than one."""
        wanted = {"deputy_vault": marker, "external_user_id": _external_id(owner)}
        with errors_translated():
            listed = [vault async for vault in self._vaults.list(limit=LIST_PAGE)]
        marked = [vault for vault in listed if wanted.items() <= (vault.metadata or {}).items()]
        # By id as well, so that two processes that see the same vaults keep the same one.
        return sorted(marked, key=lambda vault: (vault.created_at, vault.id))

    async def delete(self, vault: Vault) -> None:
        """See `Agents.delete_vault`."""
        if vault.vault_id is not None:
            try:
                with errors_translated():
                    await self._vaults.delete(vault.vault_id)
            except AgentsRejected as refusal:
                _unless_gone(refusal)

    async def add_credential(self, vault: Vault, credential: Credential, service: str) -> CredentialId:
        """See `Agents.add_credential`. After a lost answer it looks for the mark of this very attempt."""
        vault_id = _active(vault)
        # Secrets are never given back, so a stored credential can only be recognised by a mark in its metadata.
        attempt = secrets.token_hex(16)
        # Archived before the new one is created, since the API takes one active credential per server
        # (docs/reference/managed-agents.md#credentials).
        if await self._archive_for(vault_id, credential.mcp_server_url) >= MOST:
            raise AgentsRejected(FULL)
        try:
            return await self._create_credential(vault_id, credential, service, attempt)
        except AgentsRejected as refusal:
            if status_of(refusal) != 409:
                raise
        except AgentsUnavailable:
            if found := await self._find_attempt(vault_id, attempt):
                return found
        # The first attempt was lost, or another one stored a credential meanwhile (409). The latest wins, so make room
        # again.
        await self._archive_for(vault_id, credential.mcp_server_url)
        return await self._create_credential(vault_id, credential, service, attempt)

    async def validate_credential(self, vault: Vault, credential_id: CredentialId) -> Validity:
        """See `Agents.validate_credential`. A credential that is gone counts as invalid."""
        try:
            with errors_translated():
                verdict = await self._vaults.credentials.mcp_oauth_validate(credential_id, vault_id=_active(vault))
        except AgentsRejected as refusal:
            _unless_gone(refusal)
            return Validity.INVALID
        try:
            return Validity(verdict.status)
        except ValueError:
            return Validity.UNKNOWN  # a value of a later API

    async def remove_credential(self, vault: Vault, credential_id: CredentialId) -> None:
        """See `Agents.remove_credential`."""
        if vault.vault_id is not None:
            try:
                with errors_translated():
                    await self._vaults.credentials.delete(credential_id, vault_id=vault.vault_id)
            except AgentsRejected as refusal:
                _unless_gone(refusal)

    async def _create_credential(
        self, vault_id: VaultId, credential: Credential, service: str, attempt: str
    ) -> CredentialId:
        auth: Any = build_auth(credential)
        with errors_translated():
            created = await self._once.credentials.create(
                vault_id, auth=auth, display_name=service[:_DISPLAY_NAME_MAX], metadata={"deputy_attempt": attempt}
            )
        return CredentialId(text_of(created, "id"))

    async def list_credentials(self, vault: Vault) -> tuple[CredentialId, ...]:
        """See `Agents.list_credentials`."""
        return tuple(CredentialId(found.id) for found in await self._active_credentials(_active(vault)))

    async def _archive_for(self, vault_id: VaultId, url: str) -> int:
        """Archive the credential for a server, since there may be one only; return how many others the vault has."""
        wanted = normalise_url(url)
        others = 0
        for credential in await self._active_credentials(vault_id):
            if normalise_url(getattr(credential.auth, "mcp_server_url", None)) == wanted:
                try:
                    with errors_translated():
                        await self._vaults.credentials.archive(credential.id, vault_id=vault_id)
                except AgentsRejected as refusal:
                    _unless_gone(refusal)
            else:
                others += 1
        return others

    async def _find_attempt(self, vault_id: VaultId, attempt: str) -> CredentialId | None:
        for credential in await self._active_credentials(vault_id):
            if (credential.metadata or {}).get("deputy_attempt") == attempt:
                return CredentialId(credential.id)
        return None

    async def _active_credentials(self, vault_id: VaultId) -> list[Any]:
        with errors_translated():
            listed = [item async for item in self._vaults.credentials.list(vault_id, limit=LIST_PAGE)]
        return [item for item in listed if item.archived_at is None]


def build_auth(credential: Credential) -> dict[str, Any]:
    """Return a credential in the API's form, tokens in clear (docs/reference/managed-agents.md#credentials)."""
    if credential.is_personal:
        token = credential.access_token.reveal()
        return {"type": "static_bearer", "mcp_server_url": credential.mcp_server_url, "token": token}
    auth: dict[str, Any] = {
        "type": "mcp_oauth",
        "mcp_server_url": credential.mcp_server_url,
        "access_token": credential.access_token.reveal(),
    }
    if credential.expires_at is not None:
        auth["expires_at"] = credential.expires_at.isoformat()
    if credential.refresh is not None:
        auth["refresh"] = _build_refresh(credential.refresh)
    return auth


def normalise_url(url: object) -> str | None:
    """Return a URL as the API compares it, None if it is no string (docs/reference/managed-agents.md#credentials).

    Case of scheme and host, the default port and a final slash do not count.
    """
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    host = (parts.hostname or "") if ":" not in (parts.hostname or "") else f"[{parts.hostname}]"
    scheme = parts.scheme.lower()
    netloc = host if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{host}:{port}"
    return urlunsplit((scheme, netloc, parts.path.rstrip("/"), parts.query, ""))


def _build_refresh(refresh: Refresh) -> dict[str, Any]:
    optional = {"resource": refresh.resource, "scope": refresh.scope}
    return {
        "client_id": refresh.client_id,
        "refresh_token": refresh.refresh_token.reveal(),
        "token_endpoint": refresh.token_endpoint,
        "token_endpoint_auth": _build_client_auth(refresh),
        **{name: value for name, value in optional.items() if value},
    }


def _build_client_auth(refresh: Refresh) -> dict[str, str]:
    if refresh.auth_method == "none":
        return {"type": "none"}
    if refresh.auth_method not in ("client_secret_basic", "client_secret_post") or not refresh.client_secret:
        raise ValueError(f"cannot refresh with client authentication {refresh.auth_method!r}")
    return {"type": refresh.auth_method, "client_secret": refresh.client_secret.reveal()}


def _external_id(owner: Member) -> str:
    return f"{owner.workspace_id}/{owner.user_id}"


def _active(vault: Vault) -> VaultId:
    if vault.state is not VaultState.ACTIVE or vault.vault_id is None:
        raise ValueError("the vault is not active")
    return vault.vault_id


def _unless_gone(refusal: AgentsRejected) -> None:
    """Raise the refusal unless it is a 404: what was to be removed is gone already."""
    if status_of(refusal) != 404:
        raise refusal
