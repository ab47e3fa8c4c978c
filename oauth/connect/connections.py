"""Connects and disconnects services: what the bot calls, and what the browser's routes use.

`authorize` and `callback` are the steps of an attempt; the ports reach vaults and people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from oauth.connect.attempt_store import LINK_LIFE, AttemptStore
from oauth.connect.authorize import AuthorizationStart
from oauth.connect.browser import SlackIdentity, SlackSignIn, hash_secret, new_secret
from oauth.connect.callback import AuthorizationCallback, OnToken
from oauth.connect.connect_context import CodeInSlack, ConnectContext
from oauth.connect.service_client import ServiceClient
from oauth.errors import NotConnected, TooManyTickets
from oauth.ports import Outcomes
from store import audit, connections, registrations, tickets
from store.database import Tx
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
        context: ConnectContext,
        *,
        outcomes: Outcomes,
        proof: SlackIdentity | CodeInSlack,
        on_token: OnToken | None = None,
    ) -> None:
        """`proof`: how it is proved who is at the browser; one of the two, never both and never nothing."""
        self.base_url, self.catalog = context.base_url, context.catalog
        self._database = context.database
        self._vaults = context.vaults
        self._attempts = AttemptStore(database=context.database, outcomes=outcomes, clock=context.clock)
        self.service_client = ServiceClient(sender=context.sender, database=context.database, base_url=context.base_url)
        sign_in = on_hold = None
        if isinstance(proof, CodeInSlack):
            on_hold = proof.on_hold
        else:
            redirect_uri = f"{self.base_url}/connect/slack/callback"
            sign_in = SlackSignIn(identity=proof, sender=context.sender, redirect_uri=redirect_uri)
        self.is_by_code = sign_in is None
        self.authorize = AuthorizationStart(
            context, attempts=self._attempts, service_client=self.service_client, sign_in=sign_in
        )
        self.callback = AuthorizationCallback(
            context, attempts=self._attempts, service_client=self.service_client, on_token=on_token, on_hold=on_hold
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
