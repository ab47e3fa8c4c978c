"""Runs the turns of one thread, one after the other, from request to shown outcome.

It picks, starts, ends and records turns; `session_run` is the middle of one. A turn that was begun is ended exactly
once, and what is stored suffices to continue it after a restart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, repeat
from typing import TypeVar

import structlog

from bot.domain.access.admission import Admission
from bot.domain.access.post_failures import refusal_of
from bot.domain.approvals.lifecycle import ApprovalLifecycle
from bot.domain.filters.apply import FilteredAnswer, FilterService, found_by, sifted
from bot.domain.filters.engine import FilterMatch
from bot.domain.keyed_locks import KeyedLocks
from bot.domain.outbox import Outbox
from bot.domain.ports import SLACK_PATIENCE, Agents, Answer, Clock, Screen
from bot.domain.quoting import own_words
from bot.domain.sessions.sessions import ThreadSessions
from bot.domain.stored_replies import as_stored
from bot.domain.supervisor import Supervisor
from bot.domain.turns import reducer
from bot.domain.turns.file_transfer import FileTransfer
from bot.domain.turns.guarded_answer import WATCHED_EVERY, GuardedAnswer
from bot.domain.turns.loop import OnCall
from bot.domain.turns.reducer import ReducerState
from bot.domain.turns.send_request import RequestSender
from bot.domain.turns.session_run import LONG_PATIENCE, RunContext, SessionRun, leave, not_permitted
from bot.model.commands import Place
from bot.model.errors import (
    NotPermitted,
    Refused,
    SlackRejected,
    SlackUnavailable,
)
from bot.model.progress import MAY_BE_TRIED_AGAIN, Outcome, OutcomeKind, Progress
from store import retries, threads, turns
from store.database import Database, Tx
from store.records import (
    ACTIVE_TURN_STATES,
    OPEN_TURN_STATES,
    Retry,
    SendState,
    Thread,
    ThreadId,
    Turn,
    TurnId,
    TurnState,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

ENDED_AS = {OutcomeKind.ANSWERED: TurnState.ENDED, OutcomeKind.STOPPED: TurnState.STOPPED}


@dataclass(frozen=True, slots=True)
class TurnPorts:
    """The three ports of the domain, for those who need all of them."""

    agents: Agents
    screen: Screen
    clock: Clock


class TurnDriver:
    """The way of a turn. One `drive` per thread at a time, which the supervisor sees to."""

    def __init__(
        self,
        *,
        database: Database,
        outside: TurnPorts,
        sessions: ThreadSessions,
        admission: Admission,
        approvals: ApprovalLifecycle,
        supervisor: Supervisor,
        bringing: FileTransfer,
        filtering: FilterService,
        outbox: Outbox,
        on_reconnect: Callable[[Thread, Turn, Progress], Awaitable[None]],
        on_call: OnCall,
        on_end: Callable[[Turn, str], None],
    ) -> None:
        self._database = database
        self._screen, self._clock = outside.screen, outside.clock
        self._sessions = sessions
        self._admission = admission
        self._approvals = approvals
        self._supervisor = supervisor
        self._on_reconnect = on_reconnect
        self._on_end = on_end
        self._posting = KeyedLocks()
        self._admitted: dict[ThreadId, TurnId] = {}
        self._means = RunContext(
            database=database,
            agents=outside.agents,
            clock=outside.clock,
            sessions=sessions,
            admission=admission,
            approvals=approvals,
            supervisor=supervisor,
            requests=RequestSender(database=database, agents=outside.agents, clock=outside.clock, bringing=bringing),
            on_call=on_call,
        )
        self._bringing = bringing
        self._filtering = filtering
        self._outbox = outbox

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
            thread = await self._patiently(lambda: self._entered(turn, is_judged=is_judged))
        except NotPermitted as error:
            return await self._keep_back(turn, error.refused)
        except SlackRejected as error:
            return await self.abandon(turn, error.code, Refused(refusal_of(error.code)))
        turn = await self._patiently(lambda: self.show_control(thread, turn))
        sieve = await self._filtering.sieve(turn.owner)
        try:
            opened = await self._patiently(lambda: self._screen.open_answer(thread, turn))
        except SlackRejected as error:
            return await self.abandon(turn, error.code, Refused(refusal_of(error.code)))
        judged_at = turn.created_at if is_judged else self._clock.now()
        answer = GuardedAnswer(FilteredAnswer(opened, sieve), thread, self._admission, self._clock, judged_at)
        pursuit = SessionRun(self._means, turn, answer)
        state = await pursuit.run()
        unshown = await self._finish(answer, state.progress)
        untold = answer.refused or unshown  # why it may not be shown explains why it could not be, too
        if pursuit.is_leaving:
            await self._tidy_control(turn)
        await pursuit.left()
        shown = await sifted(sieve, state.progress)
        if not untold and await answer.may_be_read():
            await self._bringing.deliver(turn, shown)
        await self._end(thread, turn, shown, await found_by(sieve, state.progress), untold=untold)
        return None

    async def _entered(self, turn: Turn, *, is_judged: bool) -> Thread:
        """Return the turn's thread, where it may be shown now. Raises `NotPermitted`."""
        if not is_judged:
            thread, turn = await self._again(turn)
            await self._admission.require_audience(thread)
        return await self.rooted(turn)

    async def _keep_back(self, turn: Turn, refused: Refused) -> None:
        """End a turn that may not be shown where it would be, and let only its owner know why."""
        log.info("turn_kept_back", turn=turn.id, refusal=refused.refusal)
        thread, turn = await self._again(turn)
        is_left = await leave(self._means, turn.id)
        # What an earlier process left open is closed by this, and says nothing more.
        await self._patiently(lambda: self._screen.open_answer(thread, turn))
        state = reducer.end(ReducerState(turn.id), not_permitted(refused))
        if not is_left:
            await self._tidy_control(turn)
            await self._leave(turn)
        await self._end(thread, turn, state.progress, untold=refused)

    async def _owe(self, tx: Tx, thread: Thread, turn: Turn, refused: Refused) -> None:
        """Owe the owner alone, there or by message, why they cannot be shown the end where they asked."""
        place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
        words = replace(refused, kept=own_words(turn.task) or None)
        await self._outbox.put(tx, f"end:{turn.id}", as_stored(turn.owner, place, words))

    async def _leave(self, turn: Turn) -> None:
        """See that the session does not act on unseen; until then the turn is not over, also after a restart."""
        if not await leave(self._means, turn.id, LONG_PATIENCE):
            log.error("session_not_interrupted", turn=turn.id)

    async def abandon(self, turn: Turn, code: str, untold: Refused | None = None) -> None:
        """End a turn that has no place in Slack to be shown at; nobody can see what its session does."""
        log.warning("turn_abandoned", turn=turn.id, code=code)
        await self._leave(turn)
        thread, turn = await self._again(turn)
        await self._approvals.withdraw(thread, turn)
        async with self._database.transaction() as tx:
            if untold:
                await self._owe(tx, thread, turn, untold)
            await turns.end(
                tx,
                turn.id,
                TurnState.FAILED,
                outcome="not_shown",
                cost_cents=_cost(await turns.get(tx, turn.id), None),
                now=self._clock.now(),
            )
        self._outbox.send()

    async def rooted(self, turn: Turn) -> Thread:
        """Return the turn's thread, its root message posted, or found if a crash came after the posting.

        One at a time: after a restart the request that is carried out again and the turn that is
        taken up again both come here.
        """
        async with self._posting.of(turn.thread_id):
            async with self._database.transaction() as tx:
                thread = await threads.get(tx, turn.thread_id)
            if thread.thread_ts is not None:
                return thread
            offered = await self._sessions.services_of(thread)
            ts = await self._screen.post_root(thread, own_words(turn.task), offered)
            async with self._database.transaction() as tx:
                await threads.set_root(tx, thread.id, ts)
                return await threads.get(tx, thread.id)

    async def show_control(self, thread: Thread, turn: Turn) -> Turn:
        """Show the turn's line with the Stop button as its state is now, and remember where it is."""
        async with self._posting.of(turn.thread_id):
            async with self._database.transaction() as tx:
                turn = await turns.get(tx, turn.id)
            if turn.state not in OPEN_TURN_STATES:
                return await self._without_control(thread, turn)
            try:
                ref = await self._screen.post_control(thread, turn, turn.state is TurnState.QUEUED)
            except SlackRejected as error:
                log.info("no_control_line", turn=turn.id, code=error.code)
                return turn
            async with self._database.transaction() as tx:
                await turns.set_notice(tx, turn.id, ref)
                turn = await turns.get(tx, turn.id)
            if turn.state not in OPEN_TURN_STATES:  # it ended while its line was on the way
                return await self._without_control(thread, turn)
            return turn

    async def clear_control(self, turn: Turn) -> None:
        """Take the turn's line away, once whoever may be showing it just now knows where it is. Idempotent."""
        async with self._posting.of(turn.thread_id):
            await self._screen.remove_control(*await self._again(turn))

    async def _without_control(self, thread: Thread, turn: Turn) -> Turn:
        if turn.notice is not None:
            await self._screen.remove_control(thread, turn)
        return turn

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
        for seconds in chain(SLACK_PATIENCE, repeat(SLACK_PATIENCE[-1])):
            try:
                return await act()
            except SlackUnavailable as error:
                log.warning("slack_unavailable", retry_in=error.retry_after or seconds)
                pause = timedelta(seconds=error.retry_after or seconds)
                await self._clock.sleep_until(self._clock.steady() + pause)
        raise AssertionError("patience has no end")

    async def _end(
        self,
        thread: Thread,
        turn: Turn,
        progress: Progress,
        found: Sequence[FilterMatch] = (),
        *,
        untold: Refused | None = None,
    ) -> None:
        outcome = progress.outcome or Outcome(OutcomeKind.UNKNOWN_STOP)
        await self._approvals.withdraw(thread, turn)
        # Before the end is stored: after a crash in between, the next start comes here again.
        await self._tidied(thread, turn, progress)
        async with self._database.transaction() as tx:
            if outcome.kind in MAY_BE_TRIED_AGAIN and turn.is_readable:
                await retries.keep(tx, Retry(turn.id, turn.owner, (), turn.task, self._clock.now(), turn.files))
            await turns.end(
                tx,
                turn.id,
                ENDED_AS.get(outcome.kind, TurnState.FAILED),
                outcome=outcome.kind,
                cost_cents=_cost(await turns.get(tx, turn.id), progress),
                now=self._clock.now(),
            )
            await self._filtering.record(tx, turn, found, is_withheld=progress.withheld_by is not None)
            if untold:
                await self._owe(tx, thread, turn, untold)
        self._outbox.send()
        self._on_end(turn, outcome.kind)
        log.info("turn_ended", turn=turn.id, outcome=outcome.kind)

    async def _tidied(self, thread: Thread, turn: Turn, progress: Progress) -> None:
        """Take the control line away and offer reconnecting; the turn is over whether or not that works."""
        if progress.outcome and progress.outcome.kind is OutcomeKind.SESSION_GONE:
            await self._sessions.lose(thread)
        await self._tidy_control(turn)
        if not progress.needs_reconnect:
            return
        try:
            await self._on_reconnect(thread, turn, progress)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("reconnect_not_offered", turn=turn.id, error=type(error).__name__)

    async def _tidy_control(self, turn: Turn) -> None:
        try:
            await self.clear_control(turn)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("not_tidied", turn=turn.id, error=type(error).__name__)

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
            is_left = await leave(self._means, turn.id)
            state = reducer.end(ReducerState(turn.id), Outcome(OutcomeKind.BROKEN, detail=reference))
            try:
                await self._finish(await self._screen.open_answer(thread, turn), state.progress)
            except SlackRejected as error:
                log.warning("answer_not_shown", turn=turn.id, code=error.code)
            if not is_left:
                await self._tidy_control(turn)
                await self._leave(turn)
            await self._end(thread, turn, state.progress)
        if any(turn.state is TurnState.QUEUED for turn in waiting):
            self.wake(thread_id)


UNTOLD_ENDS = frozenset(
    {OutcomeKind.LOST_TOUCH, OutcomeKind.BROKEN, OutcomeKind.SESSION_GONE, OutcomeKind.NOT_PERMITTED}
)
"""Ends whose session did not say what it cost in all; what it said before is not all of it."""
UNTAKEN_ENDS = frozenset({OutcomeKind.AGENTS_UNAVAILABLE, OutcomeKind.BUDGET_REACHED})
"""Ends of a request that was on its way and that the session does not have: it was looked for there, or refused."""


def _cost(turn: Turn, progress: Progress | None) -> float | None:
    """Return what a turn has cost, None where nobody knows: then it is charged what it was allowed."""
    outcome = progress.outcome if progress else None
    is_untaken = turn.send_state is SendState.SENDING and outcome is not None and outcome.kind in UNTAKEN_ENDS
    if turn.send_state is SendState.UNSENT or is_untaken:
        return 0.0
    if progress is None or outcome is None or outcome.kind in UNTOLD_ENDS:
        return None
    is_unheard = outcome.kind is OutcomeKind.STOPPED and outcome.detail is not None
    return None if is_unheard else progress.usage.cost_cents
