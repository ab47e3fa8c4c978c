"""Connect and disconnect in Slack: sends the link, and the message that says how it ended.

`oauth` does the browser's part. Implements `oauth.ports.Outcomes`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.domain.access import policy
from bot.domain.access.admission import Admission
from bot.domain.connections.expiry import ConnectionExpiry, is_ending
from bot.domain.connections.service_lookup import find_service, nearest_names
from bot.domain.context import DomainContext
from bot.model.commands import ConfirmCode, ConnectService, DisconnectService, OpenCodeForm, TellAttempt
from bot.model.errors import GIVEN_MAX, DeputyError, Judgement, Misunderstood, NotPermitted, Refusal, Refused
from bot.model.notices import (
    CodeWanted,
    Connected,
    ConnectFailed,
    ConnectLink,
    Disconnected,
    LinkSent,
    ServiceChoice,
    ServicePicker,
    TokenWanted,
)
from oauth.catalog.catalog import Catalog
from oauth.catalog.service import Service
from oauth.connect.connections import Connections
from oauth.errors import AttemptEnded, CodeMissed, CodeWrong, NotConnected, TooManyTickets, UnknownService
from oauth.ports import Failure
from oauth.protocol.url_policy import get_host
from store import connections, tickets
from store.database import Tx
from store.records import LINK_LIFE, Connection, ConnectionState, Member, ServiceName, Ticket

log = structlog.get_logger(__name__)

MINUTE = timedelta(minutes=1)

MayConnect = Callable[[ServiceName], Judgement]


async def choices_in(
    tx: Tx, catalog: Catalog, member: Member, may_connect: MayConnect, now: datetime
) -> tuple[ServiceChoice, ...]:
    """Return every service that the member may connect or has connected, with their connection to it."""
    known = {connection.service: connection for connection in await connections.list_for(tx, member)}
    offered = (
        service
        for service in catalog.services
        # A connection that the member may no longer make stays listed, so that they can disconnect it.
        if service.is_available and (service.name in known or not isinstance(may_connect(service.name), Refused))
    )
    return tuple(_chosen(service, known.get(service.name), now) for service in offered)


class ConnectionOutcomes:
    """Stores how members' attempts to connect ended, and tells them. `Connections` reports to it."""

    def __init__(self, context: DomainContext, expiry: ConnectionExpiry) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._outbox, self._home_changes = context.outbox, context.home_changes
        self._catalog = context.catalog
        self._expiry = expiry

    async def connected(self, tx: Tx, ticket: Ticket, connection: Connection) -> None:
        """Store the good news, in the transaction of the connection; it replaces the link button when it is sent."""
        await self._owe(tx, TellAttempt(ticket.owner, ticket.id, ticket.service, self._now(), connection.id))

    async def failed(self, tx: Tx, ticket: Ticket, failure: Failure, reference: str) -> None:
        """Store what went wrong; it replaces the link button when it is sent, with a way to try again."""
        words = TellAttempt(ticket.owner, ticket.id, ticket.service, self._now(), failure=failure, reference=reference)
        await self._owe(tx, words)

    def send(self, ticket: Ticket) -> None:
        """Have what was stored sent now, and shown in the App Home."""
        self._home_changes.add(ticket.owner.workspace_id, ticket.owner.user_id)
        self._outbox.send()

    async def tell(self, words: TellAttempt) -> None:
        """Send a stored result, unless the connection has ended meanwhile. Raises what `Screen` raises."""
        async with self._database.transaction() as tx:
            ticket = await tickets.find(tx, words.member, words.ticket_id)
            made = words.connection_id and await connections.get(tx, words.member, words.connection_id)
        # “Connected” would be wrong by now, and what ended it is told by itself.
        if made and made.state is not ConnectionState.CONNECTED:
            return
        notice = await self._connected(made) if made else self._failed(words)
        since = datetime.fromisoformat(words.settled_at)
        card = ticket.card if ticket else None
        await self._screen.message_once(words.member, notice, words.ticket_id, since, card)

    async def _owe(self, tx: Tx, words: TellAttempt) -> None:
        await self._outbox.put(tx, f"attempt:{words.ticket_id}", words)

    def _now(self) -> str:
        return self._clock.now().isoformat()

    async def _connected(self, connection: Connection) -> Connected:
        choice = self._choice(connection.service, connection)
        offers = await self._expiry.offers(connection.owner)
        before = await self._account_before(connection)
        return Connected(choice, connection.account, offers, _withheld(connection), before)

    def _failed(self, words: TellAttempt) -> ConnectFailed:
        return ConnectFailed(self._choice(words.service), Failure(words.failure), words.reference)

    async def _account_before(self, connection: Connection) -> str | None:
        if connection.account is None:
            return None
        async with self._database.transaction() as tx:
            before = await connections.find_account_before(tx, connection)
        # The usual case, connecting the same account again, is no news.
        return None if before == connection.account else before

    async def code_wanted(self, ticket: Ticket, until: datetime) -> None:
        """Replace the link button by a button that opens the form for the code."""
        notice = CodeWanted(self._choice(ticket.service), ticket.id, until)
        try:
            await self._screen.message(ticket.owner, notice, ticket.card)
        except DeputyError as error:
            # The attempt expires in a few minutes, and the member is told that.
            log.warning("code_form_not_offered", ticket=ticket.id, error=type(error).__name__)

    def _choice(self, service: ServiceName, connection: Connection | None = None) -> ServiceChoice:
        try:
            title = self._catalog.get(service).title
        except UnknownService:
            title = service  # an admin has removed it since the link was sent
        return ServiceChoice(service, title, connection)


def _withheld(connection: Connection) -> tuple[str, ...]:
    """Return the scopes that were asked for and not granted; a server may grant less and says so (RFC 6749 §3.3)."""
    granted = (connection.scope or "").split()
    return tuple(scope for scope in (connection.asked_scope or "").split() if scope not in granted)


class ConnectionCommands:
    """The commands about connections, from `/agent connect` to `/agent disconnect`."""

    def __init__(self, context: DomainContext, *, connections: Connections, admission: Admission) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._catalog = context.catalog
        self._connections = connections
        self._admission = admission

    async def connect(self, command: ConnectService) -> None:
        """Send the link by direct message; without a name, offer the services.

        Raises `Misunderstood` for an unknown service, `NotPermitted` if the member may not connect it.
        """
        self._admission.require_sign_in(command.member)
        if command.service is None:
            return await self._screen.tell(
                command.member, command.place, ServicePicker(await self.choices(command.member))
            )
        service = self._offered(command.service)
        policy.require((await self._admission.connecting(command.member))(service.name))
        if not service.takes_oauth:
            choice = await self._choice(command.member, service)
            wanted = TokenWanted(choice, get_host(service.mcp_url), service.token_page)
            return await self._screen.tell(command.member, command.place, wanted)
        return await self._send_link(command, service)

    async def _send_link(self, command: ConnectService, service: Service) -> None:
        try:
            # The link is for this member alone, so it goes by direct message and never into a channel.
            ticket, url = await self._connections.issue(command.member, service.name, self._clock.now())
        except TooManyTickets as error:
            raise NotPermitted(Refused(Refusal.TOO_MANY_LINKS)) from error
        choice = await self._choice(command.member, service)
        card = await self._screen.message(
            command.member, ConnectLink(choice, url, LINK_LIFE // MINUTE, service.takes_token)
        )
        async with self._database.transaction() as tx:
            # The result replaces this message, so that no dead link stays behind.
            await tickets.set_card(tx, ticket.id, card)
        if not command.place.is_direct:
            await self._screen.tell(command.member, command.place, LinkSent(choice))

    async def open_code_form(self, command: OpenCodeForm) -> None:
        """Open the form for the code in the member's browser. Whose ticket it is, is checked when the code comes."""
        await self._screen.ask_code(command.trigger_id, command.ticket_id, await self._title_of(command))

    async def confirm(self, command: ConfirmCode) -> None:
        """Connect if the code is the one in the member's browser; `ConnectionOutcomes` tells the result."""
        try:
            await self._connections.callback.confirm(command.member, command.ticket_id, command.code)
        except CodeMissed as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error
        except CodeWrong as error:
            # Without tries left the attempt has ended, and `ConnectionOutcomes` tells that.
            if error.left:
                choice = ServiceChoice(ServiceName(""), await self._title_of(command), None)
                wanted = CodeWanted(choice, command.ticket_id, tries_left=error.left)
                await self._screen.message(command.member, wanted)
        except AttemptEnded:
            log.info("code_after_attempt_ended", ticket=command.ticket_id)  # the member was told when the attempt ended

    async def _title_of(self, command: OpenCodeForm | ConfirmCode) -> str:
        async with self._database.transaction() as tx:
            ticket = await tickets.find(tx, command.member, command.ticket_id)
        if ticket is None:
            raise NotPermitted(Refused(Refusal.GONE))
        return self._catalog.get(ticket.service).title

    async def disconnect(self, command: DisconnectService) -> None:
        """Delete the credential, and point to the service's own page for revoking access.

        Raises `Misunderstood` for an unknown service, `NotPermitted` if it is not connected.
        """
        if command.service is None:
            # Only what they have connected can be disconnected, so only that is suggested.
            raise Misunderstood("service", "", await self._connected_names(command.member))
        service = self._service(command.service)
        try:
            await self._connections.disconnect(command.member, service.name)
        except NotConnected as error:
            raise NotPermitted(Refused(Refusal.NOT_CONNECTED, service.title)) from error
        choice = ServiceChoice(service.name, service.title, None)
        await self._screen.tell(command.member, command.place, Disconnected(choice, service.manage_url))

    async def choices(self, member: Member) -> tuple[ServiceChoice, ...]:
        """Return every service that the member may connect or has connected, with their connection to it."""
        may_connect = await self._admission.connecting(member)
        async with self._database.transaction() as tx:
            return await choices_in(tx, self._catalog, member, may_connect, self._clock.now())

    async def _choice(self, member: Member, service: Service) -> ServiceChoice:
        async with self._database.transaction() as tx:
            return _chosen(service, await connections.find(tx, member, service.name), self._clock.now())

    async def _connected_names(self, member: Member) -> tuple[str, ...]:
        return tuple(choice.name for choice in await self.choices(member) if choice.connection)

    def _service(self, given: str) -> Service:
        """Return the service that is meant. Raises `Misunderstood` with the nearest ones on offer."""
        service = find_service(given, self._catalog.services)
        if service is None:
            offered = [each for each in self._catalog.services if each.is_available]
            raise Misunderstood("service", given.strip()[:GIVEN_MAX], nearest_names(given, offered))
        return service

    def _offered(self, given: str) -> Service:
        """Return the service that is meant if it is set up. Raises `Misunderstood`, or `NotPermitted` if it is not."""
        service = self._service(given)
        if not service.is_available:
            raise NotPermitted(Refused(Refusal.SERVICE_NOT_READY))
        return service


def _chosen(service: Service, connection: Connection | None, now: datetime) -> ServiceChoice:
    return ServiceChoice(service.name, service.title, connection, is_ending(connection, now), get_host(service.mcp_url))
