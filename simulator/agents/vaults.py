"""The vaults endpoints (docs/reference/managed-agents.md#vaults)."""

from __future__ import annotations

from typing import Any

from anthropic.types.beta import (
    BetaManagedAgentsDeletedVault,
    BetaManagedAgentsVault,
    VaultCreateParams,
    VaultListParams,
    VaultUpdateParams,
)

from simulator.agents.asking import Ask, Route
from simulator.agents.credentials import purge
from simulator.agents.errors import bad_request, not_found
from simulator.agents.ids import check_id, new_id
from simulator.agents.pages import page_of
from simulator.agents.rules import check_length, check_metadata, live, patched
from simulator.agents.schemas import answer
from simulator.agents.state import Vault, World

Json = dict[str, Any]


class Vaults:
    """The vaults of the API, by id; names need not be unique."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        one = "/v1/vaults/{vault_id}"
        return [
            ("POST", "/v1/vaults", self.create),
            ("GET", "/v1/vaults", self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("DELETE", one, self.delete),
            ("POST", one + "/archive", self.archive),
        ]

    def find(self, vault_id: str) -> Vault:
        """Return the vault. Raises 400, 404."""
        vault = self._world.vaults.get(check_id("vlt", vault_id))
        if vault is None:
            raise not_found(f"Vault `{vault_id}` not found.")
        return vault

    def usable(self, vault_id: str) -> Vault:
        """Return the vault for a new session or credential. Raises 400 for an archived one."""
        vault = self.find(vault_id)
        if vault.archived_at is not None:
            raise bad_request(f"Vault `{vault_id}` is archived.")
        return vault

    @staticmethod
    def _show(vault: Vault) -> Json:
        same = ("id", "display_name", "metadata", "created_at", "updated_at", "archived_at")
        return answer(BetaManagedAgentsVault, {name: getattr(vault, name) for name in same} | {"type": "vault"})

    async def create(self, ask: Ask) -> Json:
        """Create."""
        body = ask.body(VaultCreateParams)
        check_length("display_name", body["display_name"], 1, 255)
        check_metadata(body.get("metadata", {}))
        now = self._world.now()
        vault = Vault(new_id("vlt"), self._world.serial(), now, now, body["display_name"], body.get("metadata") or {})
        self._world.vaults[vault.id] = vault
        self._world.webhooks.note("vault.created", vault.id)
        self._world.on_vault(vault)
        return self._show(vault)

    async def retrieve(self, ask: Ask) -> Json:
        """Return one."""
        return self._show(self.find(ask.path("vault_id")))

    async def update(self, ask: Ask) -> Json:
        """Rename or patch the metadata."""
        vault = self.usable(ask.path("vault_id"))
        body = ask.body(VaultUpdateParams)
        check_length("display_name", body.get("display_name"), 1, 255)
        vault.metadata = patched(vault.metadata, body.get("metadata"))
        vault.display_name = body.get("display_name") or vault.display_name
        vault.updated_at = self._world.now()
        return self._show(vault)

    async def list(self, ask: Ask) -> Json:
        """List the newest first; there is no metadata filter."""
        query = ask.query(VaultListParams)
        return page_of([self._show(vault) for vault in live(self._world.vaults.values(), query)], query)

    async def archive(self, ask: Ask) -> Json:
        """Archive the vault with its credentials, whose secrets are erased."""
        ask.no_body()
        vault = self.find(ask.path("vault_id"))
        vault.archived_at = vault.archived_at or self._world.now()
        for credential in vault.credentials.values():
            purge(credential, vault.archived_at)
        self._world.webhooks.note("vault.archived", vault.id)
        return self._show(vault)

    async def delete(self, ask: Ask) -> Json:
        """Delete the vault with its credentials."""
        vault = self.find(ask.path("vault_id"))
        del self._world.vaults[vault.id]
        self._world.webhooks.note("vault.deleted", vault.id)
        return answer(BetaManagedAgentsDeletedVault, {"id": vault.id, "type": "vault_deleted"})
