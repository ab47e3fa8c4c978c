"""Runs the turns of one thread, one after the other, from request to shown outcome.

It picks, starts, ends and records turns; `session_run` is the middle of one. A turn that was begun is ended exactly
once, and what is stored suffices to continue it after a restart.
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
    """The way of a turn. One `drive` per thread at a time, which the supervisor sees to."""

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
        """See that the thread's turns are being driven, and that their driver looks at the store again.

        `admitted`: the turn whose admission was judged a moment ago; if it begins at once, that holds.
        """
        thread_key = ThreadId(thread_id)
        if admitted is not None:
            self._admitted[thread_key] = admitted.id
        self._supervisor.drive(thread_id, lambda: self._drive(thread_key), lambda ref: self._broke(thread_key, ref))

    async def resume(self) -> None:
        """Take up every thread that has open turns and no driver: at the start, and whatever lost it its driver."""
        async with self._database.transaction() as tx:
            threads_open = await turns.list_threads_open(tx)
        for thread_id in threads_open:
            if not self._supervisor.is_driven(thread_id):
                self.wake(thread_id)

    async def _drive(self, thread_id: ThreadId) -> None:
        begins_at_once = True
        while turn := await self._next(thread_id):
            admitted = self._admitted.pop(thread_id, None)
            is_recent = abs(self._clock.now() - turn.created_at) < WATCHED_EVERY
            await self._run(turn, is_judged=begins_at_once and is_recent and admitted == turn.id)
            begins_at_once = False

    async def _next(self, thread_id: ThreadId) -> Turn | None:
        """Return the turn that was running before a restart, else claim the oldest in the queue."""
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
        untold = answer.refused or unshown  # why it may not be shown explains why it could not be, too
        if run.is_leaving:
            await self._messages.clear_control(turn)
        await run.left()
        shown = await sifted(sieve, state.progress)
        if not untold and await answer.may_be_read():
            await self._files.deliver(turn, shown)
        await self._end(thread, turn, shown, await found_by(sieve, state.progress), untold=untold)
        return None

    async def _enter(self, turn: Turn, *, is_judged: bool) -> Thread:
        """Return the turn's thread, where it may be shown now. Raises `NotPermitted`."""
        if not is_judged:
            thread, turn = await self._again(turn)
            await self._context.admission.require_audience(thread)
        return await self._messages.ensure_root(turn)

    async def _keep_back(self, turn: Turn, refused: Refused) -> None:
        """End a turn that may not be shown where it would be, and let only its owner know why."""
        log.info("turn_kept_back", turn=turn.id, refusal=refused.refusal)
        thread, turn = await self._again(turn)
        is_left = await leave(self._context, turn.id)
        # What an earlier process left open is closed by this, and says nothing more.
        await self._patiently(lambda: self._screen.open_answer(thread, turn))
        state = reducer.end(ReducerState(turn.id), not_permitted(refused))
        if not is_left:
            await self._messages.clear_control(turn)
            await self._leave(turn)
        await self._end(thread, turn, state.progress, untold=refused)

    async def _leave(self, turn: Turn) -> None:
        """See that the session does not act on unseen; until then the turn is not over, also after a restart."""
        if not await leave(self._context, turn.id, SESSION_LEFT):
            log.error("session_not_interrupted", turn=turn.id)

    async def abandon(self, turn: Turn, code: str, untold: Refused | None = None) -> None:
        """End a turn that has no place in Slack to be shown at; nobody can see what its session does."""
        log.warning("turn_abandoned", turn=turn.id, code=code)
        await self._leave(turn)
        thread, turn = await self._again(turn)
        await self._patiently(lambda: self._context.loop.approvals.withdraw(thread, turn))
        await self._ends.record_unshown(thread, turn, untold)

    async def _finish(self, answer: Answer, progress: Progress) -> Refused | None:
        """Show the end: a turn is only over once its owner can see it. Return why it cannot be shown there."""
        try:
            await self._patiently(lambda: answer.finish(progress))
        except SlackRejected as error:
            # The channel or thread is gone or closed to us.
            log.warning("answer_not_shown", code=error.code)
            return Refused(refusal_of(error.code))
        return None

    async def _patiently(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it again for as long as Slack is out: nothing that was asked is given up for an outage."""

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
        # Before the end is stored: after a crash in between, the next start comes here again. Who finds buttons on a
        # card believes that somebody waits for them, so an outage is waited out.
        await self._patiently(lambda: self._context.loop.approvals.withdraw(thread, turn))
        if progress.outcome and progress.outcome.kind is OutcomeKind.SESSION_GONE:
            await self._context.sessions.lose(thread)
        await self._messages.clear_control(turn)
        await self._messages.offer_reconnect(thread, turn, progress)
        await self._ends.record(thread, turn, progress, found, untold=untold)

    async def _again(self, turn: Turn) -> tuple[Thread, Turn]:
        async with self._database.transaction() as tx:
            return await threads.get(tx, turn.thread_id), await turns.get(tx, turn.id)

    async def _broke(self, thread_id: ThreadId, reference: str) -> None:
        """A bug ended the driver: end the active turn with words and a reference, keep the queue."""
        async with self._database.transaction() as tx:
            waiting = await turns.list_open_in(tx, thread_id)
            thread = await threads.get(tx, thread_id)
        for turn in waiting:
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
