"""Personal tokens: tried at the service, put into the member's vault, then forgotten.

A token is only held in memory, from the form to the vault: never stored, shown or logged.
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
    """Connections by a token that a member made at the service; stateless."""

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
        """Connect the owner with their token, if the service takes it: its tools are listed with it first.

        Raises `TokenUnreadable`, `CredentialRefused` (by the service), `CredentialNotStored`, `NoRoom`,
        `NotPermittedNow`, `Unreachable`, and what `get_service` raises. Then nothing is kept.
        """
        service = self.get_service(name)
        if not _TOKEN.fullmatch(token.reveal()):
            raise TokenUnreadable(name)
        listed = await self._listing.list_tools(service.mcp_url, token)
        # A link that is out would replace this connection by another one.
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
