"""Connects a service by a personal token: tries it at the service, then puts it into the member's vault.

The token is only in memory, from the form to the vault: never stored, shown or logged (docs/decisions/0018).
"""

from __future__ import annotations

import re

from oauth.catalog.service import Service
from oauth.connect.connect_context import ConnectContext
from oauth.connect.tool_inventory import ToolInventory
from oauth.connect.vault_refusals import refusing
from oauth.errors import ServiceNotAvailable, TokenUnreadable
from oauth.mcp.list_tools import ToolLister
from oauth.ports import Credential
from store import audit, tickets
from store.records import AuditEntry, Connection, Member, Secret, ServiceName

_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")  # RFC 6750 §2.1, as a header must carry it


class PersonalTokens:
    """Connects members by tokens that they made at the service; one per process, stateless."""

    def __init__(self, context: ConnectContext, *, listing: ToolLister, inventory: ToolInventory) -> None:
        self._database = context.database
        self._catalog = context.catalog
        self._vaults = context.vaults
        self._clock = context.clock
        self._listing = listing
        self._inventory = inventory

    def get_service(self, name: ServiceName) -> Service:
        """Return a service that takes a personal token.

        Raises `UnknownService`, `ServiceNotAvailable`.
        """
        service = self._catalog.get(name)
        if not service.takes_token:
            raise ServiceNotAvailable(name)
        return service

    async def connect(self, owner: Member, name: ServiceName, token: Secret) -> Connection:
        """Connect the owner with their token, if the service accepts it.

        Raises `TokenUnreadable`, `CredentialRefused` (by the service), `CredentialNotStored`, `NoRoom`,
        `NotPermittedNow`, `Unreachable`, and what `get_service` raises. Then nothing is stored.
        """
        service = self.get_service(name)
        if not _TOKEN.fullmatch(token.reveal()):
            raise TokenUnreadable(name)
        # The only way to try it: the API validates OAuth credentials alone (docs/decisions/0018).
        listed = await self._listing.list_tools(service.mcp_url, token)
        # A link that is still open would replace this connection with another one.
        async with self._database.transaction() as tx:
            await tickets.void_for(tx, owner, name)
        connection = await self._put(owner, service, token)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            details = {"connection": connection.id, "way": "token"}
            entry = AuditEntry(now, owner.workspace_id, owner.user_id, "connect.connected", name, details)
            await audit.record(tx, entry)
        await self._inventory.keep(service.name, connection, listed)
        return connection

    async def _put(self, owner: Member, service: Service, token: Secret) -> Connection:
        credential = Credential(service.mcp_url, token, expires_at=None, refresh=None, scope=None, is_personal=True)
        with refusing(service.name):
            return await self._vaults.put(owner, service.name, credential)
