"""Connects and disconnects services: what the bot calls, and what the browser's routes use.

`authorize` and `callback` are the steps of an attempt; the ports reach vaults and people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from oauth.catalog.catalog import Catalog
from oauth.connect.attempt_store import LINK_LIFE, AttemptStore, Clock
from oauth.connect.authorize import AuthorizationStart
from oauth.connect.browser import SlackIdentity, SlackSignIn, hash_secret, new_secret
from oauth.connect.callback import AuthorizationCallback, OnHold, OnToken
from oauth.connect.service_client import ServiceClient
from oauth.errors import NotConnected, TooManyTickets
from oauth.ports import CredentialStore, Outcomes
from store import audit, connections, registrations, tickets
from store.database import Database, Tx
from store.ids import new_id
from store.records import (
    AuditEntry,
    Connection,
    ConnectionState,
    Member,
    ServiceName,
    Ticket,
    TicketId,
    TicketState,
    WorkspaceId,
)

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender

MOST_OPEN = 3
"""Open links of a member."""
MOST_ISSUED = 30
"""Links that a member gets in the time that one link lives."""
MOST_IN_WORKSPACE = 300
"""The same for all members of a workspace together."""

OVERDUE = timedelta(minutes=5)
"""How long after its link's end an exchange may still be going on: no call of it takes so long."""


class Connections:
    """Every member's connections; one per process, stateless but for the database."""

    def __init__(
        self,
        *,
        database: Database,
        catalog: Catalog,
        sender: GuardedSender,
        vaults: CredentialStore,
        outcomes: Outcomes,
        identity: SlackIdentity | None,
        base_url: str,
        clock: Clock,
        on_token: OnToken | None = None,
        on_hold: OnHold | None = None,
    ) -> None:
        """`identity` None: no Sign in with Slack; a code typed into Slack proves instead, which needs `on_hold`."""
        if (identity is None) is not (on_hold is not None):
            raise ValueError("who is at the browser is proved by Sign in with Slack or by a code, never by nothing")
        self.is_by_code = identity is None
        self.base_url, self.catalog = base_url.rstrip("/"), catalog
        self._database = database
        self._vaults = vaults
        self._attempts = AttemptStore(database=database, outcomes=outcomes, clock=clock)
        self.servers = ServiceClient(sender=sender, database=database, base_url=self.base_url)
        self.departures = AuthorizationStart(
            attempts=self._attempts,
            catalog=catalog,
            servers=self.servers,
            vaults=vaults,
            sign_in=_sign_in(identity, sender, self.base_url),
            issuer=identity.issuer if identity else "",
            proceed_url=f"{self.base_url}/connect/proceed",
        )
        self.arrivals = AuthorizationCallback(
            attempts=self._attempts,
            catalog=catalog,
            servers=self.servers,
            vaults=vaults,
            on_token=on_token,
            on_hold=on_hold,
        )

    async def issue(self, owner: Member, service: ServiceName, now: datetime) -> tuple[Ticket, str]:
        """Return a new ticket and its link, good for ten minutes and one browser; an older one is superseded.

        The link is the secret: it is stored as a hash only and must reach nobody but the owner.

        Raises:
            UnknownService, ServiceNotAvailable: as the catalogue says.
            TooManyTickets: too many links are open, or were given in the last minutes.
        """
        self.catalog.get_available(service)
        link = new_secret()
        ticket = Ticket(TicketId(new_id("tkt")), owner, service, TicketState.NEW, now + LINK_LIFE, None)
        async with self._database.transaction() as tx:
            await tickets.issue(tx, ticket, hash_secret(link))
            await _require_modesty(tx, owner, now)
            await audit.record(tx, _entry(owner, "connect.issued", service, now))
        return ticket, f"{self.base_url}/connect/{link}"

    async def disconnect(self, owner: Member, service: ServiceName) -> Connection:
        """Remove the owner's connection and its credential; return it as it is now. Raises `NotConnected`.

        A link that is still out leads nowhere from then on, also where there is no connection yet.
        """
        async with self._database.transaction() as tx:
            await tickets.void_for(tx, owner, service)
            connection = await connections.find(tx, owner, service)
        if connection is None:
            raise NotConnected(service)
        await self._vaults.remove(connection)
        async with self._database.transaction() as tx:
            await audit.record(tx, _entry(owner, "connect.disconnected", service, self._attempts.now()))
        return replace(connection, state=ConnectionState.DISCONNECTED)

    async def void(self, owner: Member) -> None:
        """Void the owner's open links and attempts (deactivation)."""
        async with self._database.transaction() as tx:
            await tickets.void_for(tx, owner)
            await audit.record(tx, _entry(owner, "connect.voided", "*", self._attempts.now()))

    async def void_workspace(self, workspace_id: WorkspaceId) -> None:
        """Void every open link of a workspace that Deputy was removed from."""
        now = self._attempts.now()
        async with self._database.transaction() as tx:
            count = await tickets.void_workspace(tx, workspace_id)
            details = {"links": str(count)}
            await audit.record(tx, AuditEntry(now, workspace_id, "deputy", "connect.voided", "*", details))

    async def forget_client(self, by: Member, service: ServiceName) -> int:
        """Let the next attempt register with the service afresh; return how many clients were forgotten.

        Connections that there are go on: each vault has the client that its token was given to.
        """
        async with self._database.transaction() as tx:
            count = await registrations.forget(tx, service)
            details = {"clients": str(count)}
            now = self._attempts.now()
            entry = AuditEntry(now, by.workspace_id, by.user_id, "service.client_forgotten", service, details)
            await audit.record(tx, entry)
        return count

    def now(self) -> datetime:
        """Return the current time."""
        return self._attempts.now()

    async def recover(self) -> None:
        """End what a crash cut off, and tell the members; once, before the routes are served."""
        await self._repair(await self._attempts.recover())

    async def recover_overdue(self) -> None:
        """End what was cut off while others went on: what is exchanged for longer than anything takes; any time."""
        await self._repair(await self._attempts.recover(self._attempts.now() - OVERDUE))

    async def _repair(self, failed: tuple[Ticket, ...]) -> None:
        for ticket in failed:
            await self._vaults.repair(ticket.owner, ticket.service)


async def _require_modesty(tx: Tx, owner: Member, now: datetime) -> None:
    # In the transaction that issued the link: refused, it is as if it had never been.
    counts = (
        (await tickets.count_open(tx, owner, now), MOST_OPEN),
        (await tickets.count_issued(tx, owner.workspace_id, now, owner), MOST_ISSUED),
        (await tickets.count_issued(tx, owner.workspace_id, now), MOST_IN_WORKSPACE),
    )
    for count, most in counts:
        if count > most:
            raise TooManyTickets(most)


def _entry(owner: Member, action: str, subject: str, now: datetime) -> AuditEntry:
    return AuditEntry(now, owner.workspace_id, owner.user_id, action, subject, {})


def _sign_in(identity: SlackIdentity | None, sender: GuardedSender, base_url: str) -> SlackSignIn | None:
    if identity is None:
        return None
    return SlackSignIn(identity=identity, sender=sender, redirect_uri=f"{base_url}/connect/slack/callback")
