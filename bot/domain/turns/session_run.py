"""One turn in its session: opens it, sends, follows, and leaves it idle. Whatever fails ends the turn, once.

`loop` handles the events in between; `driver` stores and shows how the turn ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog

from bot.domain.access.admission import Admission
from bot.domain.access.post_failures import refusal_of
from bot.domain.context import DomainContext
from bot.domain.ports import BUDGET_REACHED, Answer
from bot.domain.sessions.sessions import ThreadSessions
from bot.domain.turns import reducer
from bot.domain.turns.inbox import Inbox
from bot.domain.turns.loop import UNCONFIRMED, FollowedTurn, LoopContext, TurnLoop
from bot.domain.turns.reducer_state import ReducerState
from bot.domain.turns.send_request import RequestSender
from bot.domain.turns.watchdog import LEAVE_WITHIN, StopOverdue, StopTimer
from bot.model.errors import (
    AgentsUnavailable,
    DeputyError,
    NotPermitted,
    Refusal,
    Refused,
    Rejected,
    SessionLost,
    SlackRejected,
    SlackUnavailable,
)
from bot.model.progress import Activity, Outcome, OutcomeKind, Progress
from bot.model.retry_policy import ONCE, SESSION, SESSION_AT_WORK, SESSION_LEFT, RetryPolicy
from bot.retry import retry
from store import threads, turn_sending, turns
from store.records import SendState, SessionId, Thread, Turn, TurnId, UserId

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunContext:
    """Collaborators shared by all turns."""

    domain: DomainContext
    sessions: ThreadSessions
    admission: Admission
    requests: RequestSender
    loop: LoopContext


class SessionRun:
    """Runs one turn; `state` is what is known about it, even after an error."""

    def __init__(self, context: RunContext, turn: Turn, answer: Answer) -> None:
        self._context = context
        self._database, self._clock = context.domain.database, context.domain.clock
        self._agents, self._supervisor = context.domain.agents, context.domain.supervisor
        self._turn = turn
        self._turn_id = turn.id
        self._thread_id = turn.thread_id
        self._answer = answer
        self.state = ReducerState(turn.id)
        self._leaving: asyncio.Event | None = None
        self._is_left = True

    async def run(self) -> ReducerState:
        """Follow the turn to its end and return its state; errors of the API or Slack become outcomes too.

        Raises nothing but bugs.
        """
        if not self._turn.is_readable and self._turn.send_state is not SendState.SENT:
            self._end(self._unreadable())
        else:
            await self._follow()
        # Whatever ended the turn, its session must not act on with nobody watching
        # (docs/decisions/0035-a-turn-always-ends.md).
        if not self.state.is_at_rest:
            await self._leave_soon()
        return self.state

    async def _follow(self) -> None:
        with self._supervisor.listen(self._thread_id) as signal:
            watch = StopTimer(supervisor=self._supervisor, clock=self._clock, signal=signal, read=self._stopped_by)
            try:
                await self._with_session(watch)
            except StopOverdue:
                # A request that was sent may be worked on still, and the owner is told so.
                detail = None if (await self._again())[1].send_state is SendState.UNSENT else UNCONFIRMED
                self._end(Outcome(OutcomeKind.STOPPED, detail))
            except DeputyError as error:
                self._end(await self._outcome_of(error))

    def _unreadable(self) -> Outcome:
        """Return the outcome of a turn whose request can no longer be decrypted; others wait behind it."""
        log.error("turn_not_readable", turn=self._turn_id, send_state=self._turn.send_state)
        is_kept = self._turn.send_state is SendState.UNSENT
        return Outcome(OutcomeKind.UNREADABLE if is_kept else OutcomeKind.LOST_TOUCH)

    async def _leave_soon(self) -> None:
        """Interrupt a session that is not idle; if that takes long, the end is shown first (`left` waits for it)."""
        self._leaving = leaving = asyncio.Event()

        async def work() -> None:
            try:
                self._is_left = await leave(self._context, self._turn_id, SESSION_LEFT)
            finally:
                leaving.set()

        self._is_left = False
        self._supervisor.start(work)
        await self._clock.wait_for(leaving, self._clock.steady() + LEAVE_WITHIN)
        outcome = self.state.progress.outcome
        if self._is_left and outcome is not None and outcome.detail == UNCONFIRMED:
            progress = replace(self.state.progress, outcome=replace(outcome, detail=None))
            self.state = replace(self.state, progress=progress)

    @property
    def is_leaving(self) -> bool:
        """Return whether the session may still be working with nobody following it."""
        return self._leaving is not None and not self._leaving.is_set()

    async def left(self) -> None:
        """Return once the session has taken the interrupt, or the attempts are used up; only then the turn is over."""
        if self._leaving is not None:
            await self._leaving.wait()
        if not self._is_left:
            log.error("session_not_interrupted", turn=self._turn_id)

    def _end(self, outcome: Outcome) -> None:
        self.state = reducer.end(self.state, outcome)

    async def _outcome_of(self, error: DeputyError) -> Outcome:
        """Return the outcome for an error that ended the turn."""
        if isinstance(error, SessionLost):
            return Outcome(OutcomeKind.SESSION_GONE)
        if isinstance(error, AgentsUnavailable):
            return Outcome(await self._how_unavailable(error))
        if isinstance(error, NotPermitted):
            # The owner was deactivated, or an admin has changed the settings, while the turn was starting.
            return not_permitted(error.refused)
        if isinstance(error, SlackRejected):
            return not_permitted(Refused(refusal_of(error.code)))
        code = error.code if isinstance(error, Rejected) else None
        if code == BUDGET_REACHED:
            return Outcome(OutcomeKind.BUDGET_REACHED)
        status = error.status if isinstance(error, Rejected) else None
        log.error(
            "turn_rejected", turn=self._turn_id, by=type(error).__name__, code=code, status=status, exc_info=error
        )
        return Outcome(OutcomeKind.BROKEN, detail=self._supervisor.new_reference())

    async def _how_unavailable(self, error: AgentsUnavailable) -> OutcomeKind:
        """Find out whether the session has the request, which its owner must know before asking again."""
        thread, turn = await self._again()
        log.error("agents_given_up", turn=turn.id, send_state=turn.send_state, **error.facts)
        if turn.send_state is SendState.UNSENT:
            return OutcomeKind.AGENTS_UNAVAILABLE
        if turn.send_state is SendState.SENDING and thread.session_id is not None:
            try:
                if await self._agents.find_request(thread.session_id, turn) is None:
                    return OutcomeKind.AGENTS_UNAVAILABLE
            except DeputyError as unseen:
                log.warning("request_not_looked_for", turn=turn.id, error=type(unseen).__name__)
        return OutcomeKind.LOST_TOUCH

    async def _with_session(self, watch: StopTimer) -> None:
        """Run in the thread's session; if it was lost before it got the request, run in a new one.

        A request that a session has died with is not sent again: it would end the next session too
        (docs/reference/managed-agents.md#ended-sessions).
        """
        try:
            return await self._in_session(watch)
        except SessionLost:
            thread, turn = await self._again()
            if turn.send_state is SendState.SENT:
                raise
            await self._context.sessions.lose(thread)
        return await self._in_session(watch)

    async def _in_session(self, watch: StopTimer) -> None:
        session_id = await self._patiently(self._session, watch)
        thread, turn = await self._again()  # the session may have been stored just now
        async with AsyncExitStack() as stack:
            events = await self._patiently(
                lambda: stack.enter_async_context(self._agents.follow(session_id, None, is_from_last_request=True)),
                watch,
            )
            # Somebody may have pressed Stop while the session was being opened: then nothing is sent at all.
            await watch.look()
            if watch.by is not None and turn.send_state is SendState.UNSENT:
                return self._end(Outcome(OutcomeKind.STOPPED))
            await self._patiently(lambda: self._ask(session_id), watch)
            inbox = Inbox(self._supervisor.signal_of(self._thread_id), self._clock, events)
            followed = FollowedTurn(thread, (await self._again())[1], session_id)
            loop = TurnLoop(self._context.loop, followed, answer=self._answer, watch=watch, state=self.state)
            # In a task of its own: while Slack is slow, events are still read and the stream is not dropped.
            async with self._supervisor.beside(lambda: inbox.feed(events)):
                try:
                    await loop.run(inbox)
                finally:
                    self.state = loop.state
        return None

    async def _session(self) -> SessionId:
        """Return the session to follow; if the request was sent, it must be the one that has it."""
        thread, turn = await self._again()
        admitted = await self._context.admission.admit(thread, turn)
        if turn.send_state is SendState.SENT:
            return await self._context.sessions.take_up(thread, admitted)
        is_new_turn = turn.send_state is SendState.UNSENT
        return await self._context.sessions.open_for(thread, admitted, is_new_turn=is_new_turn)

    async def _ask(self, session_id: SessionId) -> None:
        thread, turn = await self._again()
        async with self._database.transaction() as tx:
            is_afresh = await turn_sending.is_afresh(tx, turn, session_id)
        base = await self._context.requests.ensure_sent(session_id, thread, turn, is_afresh=is_afresh)
        self.state = replace(self.state, usage_base=base, progress=Progress(has_forgotten=is_afresh))

    async def _patiently(self, act: Callable[[], Coroutine[None, None, T]], watch: StopTimer) -> T:
        """Repeat `act` until the API answers, patience runs out or the member stops it, and show that meanwhile."""

        async def say(error: AgentsUnavailable, pause: float) -> None:
            log.warning("agents_unavailable", turn=self._turn_id, retry_in=pause, **error.facts)
            await self._show_retrying()

        policy = await self._policy()
        guarded = partial(watch.guard, act)
        return await retry(guarded, policy, self._clock, on=AgentsUnavailable, before_rest=say, rest=watch.rest)

    async def _policy(self) -> RetryPolicy:
        _, turn = await self._again()
        return SESSION if turn.send_state is SendState.UNSENT else SESSION_AT_WORK

    async def _show_retrying(self) -> None:
        progress = replace(self.state.progress, activity=Activity.RETRYING)
        try:
            await self._answer.show(progress)
        except SlackUnavailable as error:
            # Only a status line: Slack's outage must not end the wait for the API.
            log.warning("not_shown_yet", **error.facts)

    async def _stopped_by(self) -> UserId | None:
        return (await self._again())[1].stop_requested_by

    async def _again(self) -> tuple[Thread, Turn]:
        async with self._database.transaction() as tx:
            return await threads.get(tx, self._thread_id), await turns.get(tx, self._turn_id)


async def leave(context: RunContext, turn_id: TurnId, policy: RetryPolicy = ONCE) -> bool:
    """Interrupt a session that nobody follows any more, so that it does not act on; return False if it failed.

    A request that may still be arriving is interrupted again: it would be taken up after the first interrupt.
    """
    async with context.domain.database.transaction() as tx:
        turn = await turns.get(tx, turn_id)
        thread = await threads.get(tx, turn.thread_id)
    if thread.session_id is None or turn.send_state is SendState.UNSENT:
        return True

    async def say(error: AgentsUnavailable, pause: float | None) -> None:
        log.warning("not_interrupted_yet", turn=turn.id, retry_in=pause, **error.facts)

    interrupt = partial(_interrupt, context, thread, thread.session_id, turn)
    try:
        await retry(interrupt, policy, context.domain.clock, on=AgentsUnavailable, before_rest=say)
    except AgentsUnavailable as error:
        await say(error, None)
        return False
    except DeputyError as error:
        log.warning("not_interrupted", turn=turn.id, error=type(error).__name__)
    return True


async def _interrupt(context: RunContext, thread: Thread, session_id: SessionId, turn: Turn) -> None:
    # A session with another vault is not this member's, so it is not touched at all.
    if not await context.sessions.is_owners(thread, session_id):
        return
    await context.domain.agents.interrupt(session_id)
    if turn.send_state is SendState.SENDING and await context.domain.agents.find_request(session_id, turn):
        await context.domain.agents.interrupt(session_id)


def not_permitted(refused: Refused) -> Outcome:
    """Return the outcome of a turn whose owner may no longer ask, or may not be answered in the thread."""
    # Somebody who has left needs no reason; their turn just stops.
    if refused.refusal is Refusal.DEACTIVATED:
        return Outcome(OutcomeKind.STOPPED)
    return Outcome(OutcomeKind.NOT_PERMITTED, detail=refused.refusal)
