"""Messages around a thread's answers: the root message, the line with Stop, the offer to reconnect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bot.domain.context import DomainContext
from bot.domain.keyed_locks import KeyedLocks
from bot.domain.quoting import own_words
from bot.domain.sessions.sessions import ThreadSessions
from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.progress import Progress
from store import threads, turns
from store.records import OPEN_TURN_STATES, Thread, Turn, TurnState

log = structlog.get_logger(__name__)

OnReconnect = Callable[[Thread, Turn, Progress], Awaitable[None]]
"""Offers the owner to reconnect services that refused their credential in a turn."""


class ThreadMessages:
    """Posts and deletes these messages, one at a time per thread."""

    def __init__(self, context: DomainContext, sessions: ThreadSessions, on_reconnect: OnReconnect) -> None:
        self._database, self._screen = context.database, context.screen
        self._sessions = sessions
        self._on_reconnect = on_reconnect
        self._posting = KeyedLocks()

    async def ensure_root(self, turn: Turn) -> Thread:
        """Return the turn's thread with its root message, posted now or found if it was posted before a crash.

        One at a time per thread: after a restart, the request that is carried out again and the driver that continues
        the turn both call this.
        """
        async with self._posting.of(turn.thread_id):
            async with self._database.transaction() as tx:
                thread = await threads.get(tx, turn.thread_id)
            # Looked at inside the lock: another task may just have posted it.
            if thread.thread_ts is not None:
                return thread
            offered = await self._sessions.services_of(thread)
            ts = await self._screen.post_root(thread, own_words(turn.task), offered)
            async with self._database.transaction() as tx:
                await threads.set_root(tx, thread.id, ts)
                return await threads.get(tx, thread.id)

    async def show_control(self, thread: Thread, turn: Turn) -> Turn:
        """Post or update the turn's line with the Stop button, and store where it is."""
        async with self._posting.of(turn.thread_id):
            async with self._database.transaction() as tx:
                turn = await turns.get(tx, turn.id)
            if turn.state not in OPEN_TURN_STATES:
                return await self._without_control(thread, turn)
            try:
                ref = await self._screen.post_control(thread, turn, turn.state is TurnState.QUEUED)
            except SlackRejected as error:
                # The turn goes on without the line: people can still write `stop`.
                log.info("control_not_posted", turn=turn.id, code=error.code)
                return turn
            async with self._database.transaction() as tx:
                await turns.set_notice(tx, turn.id, ref)
                turn = await turns.get(tx, turn.id)
            if turn.state not in OPEN_TURN_STATES:  # it ended while its line was being posted
                return await self._without_control(thread, turn)
            return turn

    async def clear_control(self, turn: Turn) -> None:
        """Delete the turn's line with the Stop button. Idempotent; failures are only logged, for the turn is over."""
        try:
            # The lock waits for a line that is being posted right now: only then it is known where it is.
            async with self._posting.of(turn.thread_id):
                async with self._database.transaction() as tx:
                    thread, turn = await threads.get(tx, turn.thread_id), await turns.get(tx, turn.id)
                await self._screen.remove_control(thread, turn)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("control_not_removed", turn=turn.id, error=type(error).__name__)

    async def offer_reconnect(self, thread: Thread, turn: Turn, progress: Progress) -> None:
        """Offer to reconnect services that refused a credential; failures are only logged, for the turn is over."""
        if not progress.needs_reconnect:
            return
        try:
            await self._on_reconnect(thread, turn, progress)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("reconnect_not_offered", turn=turn.id, error=type(error).__name__)

    async def _without_control(self, thread: Thread, turn: Turn) -> Turn:
        if turn.notice is not None:
            await self._screen.remove_control(thread, turn)
        return turn
