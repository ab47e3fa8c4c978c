"""Runs the turns of a thread, one after the other, from request to shown outcome.

It picks, starts, ends and records turns; `session_run` is the middle of one. A turn that has begun is ended exactly
once, and the store has everything that is needed to continue it after a restart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from bot.domain.access.post_failures import refusal_of
from bot.domain.filters.apply import FilteredAnswer, FilterService, found_by, sifted
from bot.domain.filters.engine import FilterMatch
from bot.domain.ports import Answer
from bot.domain.turns import reducer
from bot.domain.turns.file_transfer import FileTransfer
from bot.domain.turns.guarded_answer import WATCHED_EVERY, GuardedAnswer
from bot.domain.turns.reducer_state import ReducerState
from bot.domain.turns.session_run import RunContext, SessionRun, leave, not_permitted
from bot.domain.turns.thread_messages import ThreadMessages
from bot.domain.turns.turn_end import TurnEnds
from bot.model.errors import (
    NotPermitted,
    Refused,
    SlackRejected,
    SlackUnavailable,
)
from bot.model.progress import Outcome, OutcomeKind, Progress
from bot.model.retry_policy import SESSION_LEFT, TURN_IN_SLACK
from bot.retry import retry
from store import threads, turns
from store.records import (
    ACTIVE_TURN_STATES,
    Thread,
    ThreadId,
    Turn,
    TurnId,
    TurnState,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")


class TurnDriver:
    """Drives turns; the supervisor runs one driver per thread at a time."""

    def __init__(
        self,
        context: RunContext,
        *,
        messages: ThreadMessages,
        ends: TurnEnds,
        files: FileTransfer,
        filtering: FilterService,
    ) -> None:
        self._database, self._clock = context.domain.database, context.domain.clock
        self._screen, self._supervisor = context.domain.screen, context.domain.supervisor
        self._context = context
        self._messages = messages
        self._ends = ends
        self._files = files
        self._filtering = filtering
        self._admitted: dict[ThreadId, TurnId] = {}

    def wake(self, thread_id: str, admitted: Turn | None = None) -> None:
        """Make sure that the thread has a driver, and that it looks at the store again.

        `admitted` is the turn whose audience was checked a moment ago: if it begins at once, it is not checked again.
        """
        thread_key = ThreadId(thread_id)
        if admitted is not None:
            self._admitted[thread_key] = admitted.id
        self._supervisor.drive(thread_id, lambda: self._drive(thread_key), lambda ref: self._broke(thread_key, ref))

    async def resume(self) -> None:
        """Start a driver for every thread that has open turns and none: after a restart, a bug or an outage."""
        async with self._database.transaction() as tx:
            threads_open = await turns.list_threads_open(tx)
        for thread_id in threads_open:
            # A running driver looks at the store by itself; there is no need to wake it every few seconds.
            if not self._supervisor.is_driven(thread_id):
                self.wake(thread_id)

    async def _drive(self, thread_id: ThreadId) -> None:
        begins_at_once = True
        while turn := await self._next(thread_id):
            admitted = self._admitted.pop(thread_id, None)
            is_recent = abs(self._clock.now() - turn.created_at) < WATCHED_EVERY
            await self._run(turn, is_judged=begins_at_once and is_recent and admitted == turn.id)
            # The turns after the first have waited in line, so their audience is checked again.
            begins_at_once = False

    async def _next(self, thread_id: ThreadId) -> Turn | None:
        """Return the turn that was running before a restart, or else claim the oldest queued one."""
        async with self._database.transaction() as tx:
            waiting = await turns.list_open_in(tx, thread_id)
            active = next((turn for turn in waiting if turn.state in ACTIVE_TURN_STATES), None)
            return active or await turns.claim_next(tx, thread_id, self._clock.now())

    async def _run(self, turn: Turn, *, is_judged: bool) -> None:
        try:
            thread = await self._patiently(lambda: self._enter(turn, is_judged=is_judged))
        except NotPermitted as error:
            return await self._keep_back(turn, error.refused)
        except SlackRejected as error:
            return await self.abandon(turn, error.code, Refused(refusal_of(error.code)))
        turn = await self._patiently(lambda: self._messages.show_control(thread, turn))
        sieve = await self._filtering.sieve(turn.owner)
        try:
            opened = await self._patiently(lambda: self._screen.open_answer(thread, turn))
        except SlackRejected as error:
            return await self.abandon(turn, error.code, Refused(refusal_of(error.code)))
        judged_at = turn.created_at if is_judged else self._clock.now()
        answer = GuardedAnswer(FilteredAnswer(opened, sieve), thread, self._context.admission, self._clock, judged_at)
        run = SessionRun(self._context, turn, answer)
        state = await run.run()
        unshown = await self._finish(answer, state.progress)
        untold = answer.refused or unshown  # “may not be shown” explains “could not be shown” too
        # The end is shown already; the line with Stop must not stay while the interrupt is tried on.
        if run.is_leaving:
            await self._messages.clear_control(turn)
        await run.left()
        shown = await sifted(sieve, state.progress)
        # The files are as readable as the answer, so their audience is checked again too.
        if not untold and await answer.may_be_read():
            await self._files.deliver(turn, shown)
        await self._end(thread, turn, shown, await found_by(sieve, state.progress), untold=untold)
        return None

    async def _enter(self, turn: Turn, *, is_judged: bool) -> Thread:
        """Return the turn's thread with its root posted, if it may be shown there now. Raises `NotPermitted`."""
        if not is_judged:
            thread, turn = await self._again(turn)
            await self._context.admission.require_audience(thread)
        return await self._messages.ensure_root(turn)

    async def _keep_back(self, turn: Turn, refused: Refused) -> None:
        """End a turn that may not be shown in its thread, and tell only its owner why."""
        log.info("turn_not_shown", turn=turn.id, refusal=refused.refusal)
        thread, turn = await self._again(turn)
        is_left = await leave(self._context, turn.id)
        # Opening the answer closes a message that an earlier process left open, without adding to it.
        await self._patiently(lambda: self._screen.open_answer(thread, turn))
        state = reducer.end(ReducerState(turn.id), not_permitted(refused))
        if not is_left:
            await self._messages.clear_control(turn)
            await self._leave(turn)
        await self._end(thread, turn, state.progress, untold=refused)

    async def _leave(self, turn: Turn) -> None:
        """Interrupt the session so that it does not act on unseen; the turn is not over before that."""
        if not await leave(self._context, turn.id, SESSION_LEFT):
            log.error("session_not_interrupted", turn=turn.id)

    async def abandon(self, turn: Turn, code: str, untold: Refused | None = None) -> None:
        """End a turn that cannot be shown anywhere in Slack, so that nobody could see what its session does."""
        log.warning("turn_abandoned", turn=turn.id, code=code)
        await self._leave(turn)
        thread, turn = await self._again(turn)
        await self._patiently(lambda: self._context.loop.approvals.withdraw(thread, turn))
        await self._ends.record_unshown(thread, turn, untold)

    async def _finish(self, answer: Answer, progress: Progress) -> Refused | None:
        """Show the turn's end, waiting out outages of Slack; return why it cannot be shown, None if it was."""
        try:
            await self._patiently(lambda: answer.finish(progress))
        except SlackRejected as error:
            # The channel or thread is gone, or closed to us: waiting would not help.
            log.warning("answer_not_shown", code=error.code)
            return Refused(refusal_of(error.code))
        return None

    async def _patiently(self, act: Callable[[], Awaitable[T]]) -> T:
        """Repeat `act` for as long as Slack is out: no request is given up because of an outage."""

        async def say(_: SlackUnavailable, pause: float) -> None:
            log.warning("slack_unavailable", retry_in=pause)

        return await retry(act, TURN_IN_SLACK, self._clock, on=SlackUnavailable, before_rest=say)

    async def _end(
        self,
        thread: Thread,
        turn: Turn,
        progress: Progress,
        found: Sequence[FilterMatch] = (),
        *,
        untold: Refused | None = None,
    ) -> None:
        # Before the end is stored: after a crash in between, the next start comes here again. Outages are waited out,
        # since buttons that stay on a card make people believe that the turn still waits for them.
        await self._patiently(lambda: self._context.loop.approvals.withdraw(thread, turn))
        # The next turn then starts a new session at once instead of failing in this one first.
        if progress.outcome and progress.outcome.kind is OutcomeKind.SESSION_GONE:
            await self._context.sessions.lose(thread)
        await self._messages.clear_control(turn)
        await self._messages.offer_reconnect(thread, turn, progress)
        await self._ends.record(thread, turn, progress, found, untold=untold)

    async def _again(self, turn: Turn) -> tuple[Thread, Turn]:
        async with self._database.transaction() as tx:
            return await threads.get(tx, turn.thread_id), await turns.get(tx, turn.id)

    async def _broke(self, thread_id: ThreadId, reference: str) -> None:
        """End the active turn with a reference after a bug ended its driver; queued turns go on."""
        async with self._database.transaction() as tx:
            waiting = await turns.list_open_in(tx, thread_id)
            thread = await threads.get(tx, thread_id)
        for turn in waiting:
            # Queued turns have not met the bug.
            if turn.state not in ACTIVE_TURN_STATES:
                continue
            is_left = await leave(self._context, turn.id)
            state = reducer.end(ReducerState(turn.id), Outcome(OutcomeKind.BROKEN, detail=reference))
            try:
                await self._finish(await self._screen.open_answer(thread, turn), state.progress)
            except SlackRejected as error:
                log.warning("answer_not_shown", turn=turn.id, code=error.code)
            if not is_left:
                await self._messages.clear_control(turn)
                await self._leave(turn)
            await self._end(thread, turn, state.progress)
        if any(turn.state is TurnState.QUEUED for turn in waiting):
            self.wake(thread_id)
