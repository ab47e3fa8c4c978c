"""Handles connections that end by themselves: refused, expired, or removed elsewhere.

Whether Deputy learns of it from a webhook, a turn or the clock, the member is told once, in private. Once they have
connected again they can repeat the request that failed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.domain.connections.vaults import MemberVaults
from bot.domain.context import DomainContext
from bot.domain.keyed_locks import KeyedLocks
from bot.model.commands import LookAtCredential, LookAtVault, Place
from bot.model.errors import DeputyError, SlackRejected, SlackUnavailable
from bot.model.notices import ConnectionEnding, Lapse, OfferedAgain, ReconnectNeeded, ServiceChoice
from bot.model.progress import OutcomeKind, Progress
from oauth.errors import UnknownService
from store import connections, retries, threads, turns
from store.database import Tx
from store.records import Connection, ConnectionState, Member, Retry, ServiceName, Thread, Turn, TurnId

log = structlog.get_logger(__name__)

AHEAD = timedelta(days=3)
"""How long before its expiry a connection counts as ending and its member is reminded, once."""
SHORT = timedelta(days=4)
"""Connections that last less than this get no reminder: their members know them as short."""
KEEP_RETRIES = timedelta(days=7)
MOST_OFFERED = 3


class ConnectionExpiry:
    """Tells members about connections that have ended or soon will, and keeps the requests that failed."""

    def __init__(self, context: DomainContext, vaults: MemberVaults) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._catalog = context.catalog
        self._vaults = vaults
        self._telling = KeyedLocks()

    async def look_at_credential(self, command: LookAtCredential) -> None:
        """Check a credential to which something happened; one that was replaced meanwhile is ignored."""
        async with self._database.transaction() as tx:
            connection = await connections.find_by_credential(tx, command.credential_id)
        if connection:
            await self._look_at(connection)

    async def look_at_vault(self, command: LookAtVault) -> None:
        """Check every connection in a vault to which something happened."""
        async with self._database.transaction() as tx:
            affected = await connections.list_in_vault(tx, command.vault_id)
        for connection in affected:
            await self._look_at(connection)

    async def _look_at(self, connection: Connection) -> None:
        if await self._vaults.is_dead(connection):
            await self._told_broken(connection, Lapse.REFUSED)

    async def _told_broken(self, connection: Connection, lapse: Lapse) -> None:
        """Mark a connection as broken and tell its owner, once."""
        async with self._database.transaction() as tx:
            # One compare-and-set: a webhook, a turn and the clock may all find out at the same time.
            is_news = await connections.lapse(tx, connection.id, lapse, self._clock.now())
        if is_news:
            await self._tell(connection)

    async def tell_again(self) -> None:
        """Tell members who could not be told before, because of a crash or an outage; at the start and hourly."""
        async with self._database.transaction() as tx:
            untold = await connections.list_untold(tx)
        for connection in untold:
            await self._tell(connection)

    async def _tell(self, connection: Connection) -> None:
        """Tell the owner of a broken connection unless they were told; if Slack is out, a later call does.

        The message carries the connection's id, so one that was sent before a crash is found and not sent twice.
        """
        async with self._telling.of(connection.id):
            async with self._database.transaction() as tx:
                owed = await connections.find_untold(tx, connection.id)
            # Somebody else has told them meanwhile; looked at inside the lock.
            if owed is None:
                return
            lapse, since = owed
            notice = self._reconnect(connection, Lapse(lapse))
            try:
                await self._screen.message_once(connection.owner, notice, connection.id, since)
            except SlackUnavailable as error:
                log.warning("reconnect_notice_not_sent_yet", connection=connection.id, error=type(error).__name__)
                return
            except SlackRejected as error:
                log.warning("reconnect_notice_not_sent", connection=connection.id, code=error.code)
            async with self._database.transaction() as tx:
                await connections.set_told(tx, connection.id)

    async def met_refusal(self, thread: Thread, turn: Turn, progress: Progress) -> None:
        """Handle a turn that met refused credentials: keep its request, mark the connections, offer to reconnect.

        The request is kept first: a message can be sent again after a crash, but the words are erased with the turn.
        """
        is_wanted = progress.outcome is None or progress.outcome.kind is not OutcomeKind.STOPPED
        async with self._database.transaction() as tx:
            found = [await connections.find(tx, thread.owner, ServiceName(s)) for s in progress.needs_reconnect]
            broken = [c for c in found if c and await connections.lapse(tx, c.id, Lapse.REFUSED, self._clock.now())]
            if is_wanted and turn.is_readable:
                # After a stop nothing is kept: that was the owner's decision
                # (docs/decisions/0030-what-failed-is-kept-to-be-asked-again.md).
                kept = Retry(turn.id, turn.owner, progress.needs_reconnect, turn.task, self._clock.now(), turn.files)
                await retries.keep(tx, kept)
        place = Place(thread.channel, thread.thread_ts)
        for service in progress.needs_reconnect:
            choice = ServiceChoice(ServiceName(service), self._title(service), None)
            await self._screen.tell(thread.owner, place, ReconnectNeeded(choice, Lapse.REFUSED, offers_again=is_wanted))
        if thread.is_private:  # the notice above was a direct message already, so no second one is needed
            async with self._database.transaction() as tx:
                for connection in broken:
                    await connections.set_told(tx, connection.id)
        for connection in broken:
            await self._tell(connection)

    async def look_at_clock(self) -> None:
        """Remind members of connections that end soon, and tell them about those that have ended; each once."""
        await self.tell_again()
        now = self._clock.now()
        async with self._database.transaction() as tx:
            ending = await connections.list_ending(tx, now + AHEAD)
            await retries.purge(tx, now - KEEP_RETRIES)
        for connection in ending:
            try:
                await self._look_at_end(connection, now)
            # One member whom Slack cannot reach must not keep the others from being told.
            except DeputyError as error:
                log.warning("expiry_notice_not_sent", connection=connection.id, error=type(error).__name__)

    async def _look_at_end(self, connection: Connection, now: datetime) -> None:
        if connection.expires_at is None:
            return
        if connection.expires_at <= now:
            await self._told_broken(connection, Lapse.ENDED)
        elif connection.expires_at - connection.connected_at >= SHORT:
            await self._remind(connection, connection.expires_at, now)

    async def _remind(self, connection: Connection, end: datetime, now: datetime) -> None:
        """Remind a member once; a message that was sent before a crash is found. Raises `SlackUnavailable`."""
        async with self._database.transaction() as tx:
            if await connections.is_reminded(tx, connection.id):
                return
        choice = ServiceChoice(connection.service, self._title(connection.service), connection, is_ending=True)
        # Not the connection's id alone, under which its end is told later.
        marker = f"{connection.id}:ending"
        await self._screen.message_once(connection.owner, ConnectionEnding(choice), marker, end - AHEAD)
        async with self._database.transaction() as tx:
            await connections.set_reminded(tx, connection.id, now)

    async def offers(self, owner: Member) -> tuple[OfferedAgain, ...]:
        """Return the kept requests that can be asked again: all connections that they need work again."""
        async with self._database.transaction() as tx:
            known = {c.service: c for c in await connections.list_for(tx, owner)}
            kept = [retry for retry in await retries.list_for(tx, owner) if _is_renewed(retry, known)]
            return tuple([await _offered(tx, retry.turn_id) for retry in kept[:MOST_OFFERED]])

    def _reconnect(self, connection: Connection, lapse: Lapse) -> ReconnectNeeded:
        return ReconnectNeeded(ServiceChoice(connection.service, self._title(connection.service), connection), lapse)

    def _title(self, name: str) -> str:
        try:
            return self._catalog.get(ServiceName(name)).title
        except UnknownService:
            return name  # an admin has removed it meanwhile


def _is_renewed(retry: Retry, known: dict[ServiceName, Connection]) -> bool:
    held = [known.get(ServiceName(service)) for service in retry.services]
    # A request may need several services; it would fail again if only one of them were renewed.
    return bool(held) and all(
        c and c.state is ConnectionState.CONNECTED and c.connected_at > retry.created_at for c in held
    )


async def _offered(tx: Tx, turn_id: TurnId) -> OfferedAgain:
    turn = await turns.get(tx, turn_id)
    return OfferedAgain(turn_id, (await threads.get(tx, turn.thread_id)).title)


def is_ending(connection: Connection | None, now: datetime) -> bool:
    """Tell whether a connection works now but ends soon unless it is renewed."""
    if connection is None or connection.expires_at is None or connection.state is not ConnectionState.CONNECTED:
        return False
    is_long = connection.expires_at - connection.connected_at >= SHORT
    return is_long and connection.expires_at <= now + AHEAD
