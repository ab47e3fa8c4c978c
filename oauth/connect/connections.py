"""Connects and disconnects services; the bot and the browser's routes call it.

`oauth/connect/authorize.py` and `oauth/connect/callback.py` have the steps of an attempt.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from oauth.connect.attempt_store import AttemptStore
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
    LINK_LIFE,
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
"""Links of one member that may be open at once."""
MOST_ISSUED = 30
"""Links that one member may be issued within `LINK_LIFE`."""
MOST_IN_WORKSPACE = 300
"""Links that all members of a workspace together may be issued within `LINK_LIFE`."""

# An exchange begins before its link expires, and none of its calls takes this long.
OVERDUE = timedelta(minutes=5)
"""How long after its link has expired an exchange may still be going on."""


class Connections:
    """The connections of all members; one per process, with no state outside the database."""

    def __init__(
        self,
        context: ConnectContext,
        *,
        outcomes: Outcomes,
        proof: SlackIdentity | CodeInSlack,
        on_token: OnToken | None = None,
    ) -> None:
        """`proof` is how it is proved who is at the browser: one of the two, never both, so nobody picks the weaker."""
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
        """Return a new ticket and its link, valid for `LINK_LIFE` and one browser; an older link is superseded.

        The link is a secret: only its hash is stored, and it must reach nobody but the owner.

        Raises:
            UnknownService, ServiceNotAvailable: as the catalogue says.
            TooManyTickets: too many links are open, or were issued in the last minutes.
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
        """Remove the owner's connection and its credential; return it as it is now. Raises `NotConnected`."""
        async with self._database.transaction() as tx:
            # Also where nothing is connected yet: an attempt that is under way would connect it after all.
            await tickets.void_for(tx, owner, service)
            connection = await connections.find(tx, owner, service)
        if connection is None:
            raise NotConnected(service)
        # Between two transactions, since it calls the API.
        await self._vaults.remove(connection)
        async with self._database.transaction() as tx:
            await audit.record(tx, _entry(owner, "connect.disconnected", service, self._attempts.now()))
        return replace(connection, state=ConnectionState.DISCONNECTED)

    async def void(self, owner: Member) -> None:
        """Void the owner's open links and attempts, because Deputy no longer serves them."""
        async with self._database.transaction() as tx:
            await tickets.void_for(tx, owner)
            await audit.record(tx, _entry(owner, "connect.voided", "*", self._attempts.now()))

    async def void_workspace(self, workspace_id: WorkspaceId) -> None:
        """Void the open links and attempts of a workspace that Deputy was removed from."""
        now = self._attempts.now()
        async with self._database.transaction() as tx:
            count = await tickets.void_workspace(tx, workspace_id)
            details = {"links": str(count)}
            await audit.record(tx, AuditEntry(now, workspace_id, "deputy", "connect.voided", "*", details))

    async def forget_client(self, by: Member, service: ServiceName) -> int:
        """Forget our dynamic registrations, so that the next attempt registers anew; return how many there were."""
        async with self._database.transaction() as tx:
            # Connections are not touched: each vault keeps the client that its tokens were issued to.
            count = await registrations.forget(tx, service)
            details = {"clients": str(count)}
            now = self._attempts.now()
            entry = AuditEntry(now, by.workspace_id, by.user_id, "service.client_forgotten", service, details)
            await audit.record(tx, entry)
        return count

    def now(self) -> datetime:
        """Return the clock's time, aware UTC."""
        return self._attempts.now()

    async def recover(self) -> None:
        """End the exchanges that a crash interrupted, and tell the members; call once, before routes are served."""
        await self._repair(await self._attempts.recover())

    async def recover_overdue(self) -> None:
        """End the exchanges that another process's crash interrupted, by their age (`OVERDUE`); call at any time."""
        await self._repair(await self._attempts.recover(self._attempts.now() - OVERDUE))

    async def _repair(self, failed: tuple[Ticket, ...]) -> None:
        for ticket in failed:
            await self._vaults.repair(ticket.owner, ticket.service)


async def _require_modesty(tx: Tx, owner: Member, now: datetime) -> None:
    # Counted after the link was issued, in its transaction: a refusal rolls the link back, and also what it superseded.
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
