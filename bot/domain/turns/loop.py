"""The loop of one turn: takes events from the inbox, lets `reducer.step` decide, performs its actions.

It decides nothing itself: `reducer`, `policy` and `approvals` do, and `watchdog` says how long to wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from bot.domain.approvals.lifecycle import ApprovalLifecycle
from bot.domain.context import DomainContext
from bot.domain.ports import Answer
from bot.domain.sessions import tool_titles
from bot.domain.turns import reducer
from bot.domain.turns.inbox import Inbox
from bot.domain.turns.reducer_state import Action, Hold, Interrupt, LookFor, ReducerState, Refuse, Step
from bot.domain.turns.watchdog import SilenceTimer, StopOverdue, StopTimer
from bot.model.agent_prompts import CALL_UNREADABLE
from bot.model.commands import Verdict
from bot.model.errors import AgentsUnavailable, AlreadyDecided, SlackUnavailable, Unavailable
from bot.model.events import (
    AgentEvent,
    ConnectionBack,
    ConnectionLost,
    DecisionEchoed,
    DecisionsNeeded,
    ToolCall,
    ToolStarted,
)
from bot.model.progress import Activity, Outcome, OutcomeKind, TaskState
from store import turns
from store.records import EventId, SessionId, Thread, Turn, TurnState

log = structlog.get_logger(__name__)

RETRY = 3.0
"""Seconds until what the API or Slack would not take is tried again; nothing is lost, it is all kept."""
RESTS_UNHEARD = 2
"""How often a session is found at rest that has not said so before the turn ends: one look may be too early."""
SILENT = "silent"
"""What an outcome says of a session that rests and has not said why."""
UNCONFIRMED = "unconfirmed"
"""What it says of a stop that the session has not taken up: a step that runs may come to its end."""


OnCall = Callable[[Thread, ToolCall], Awaitable[None]]
"""Told of each call, also of one that nobody is asked about: it may be of a tool that nobody knows."""


@dataclass(frozen=True, slots=True)
class LoopContext:
    """What every loop needs."""

    domain: DomainContext
    approvals: ApprovalLifecycle
    on_call: OnCall


@dataclass(frozen=True, slots=True)
class FollowedTurn:
    """The turn that a loop follows, and where."""

    thread: Thread
    turn: Turn
    session_id: SessionId


class TurnLoop:
    """One follower, one writer (docs/architecture.md#rules-of-the-house)."""

    def __init__(
        self, context: LoopContext, followed: FollowedTurn, *, answer: Answer, watch: StopTimer, state: ReducerState
    ) -> None:
        self._database, self._clock = context.domain.database, context.domain.clock
        self._agents = context.domain.agents
        self._approvals, self._on_call = context.approvals, context.on_call
        self._thread, self._turn, self._session_id = followed.thread, followed.turn, followed.session_id
        self._answer = answer
        self._watch = watch
        self.state = state
        """What is known of the turn, also after `run` was left by an error."""
        self._silence = SilenceTimer(self._clock.steady())
        self._is_paused = False
        self._is_interrupted = False
        self._refusing: dict[EventId, ToolCall] = {}
        self._titles: dict[str, Mapping[str, str]] = {}
        """Service → tool → title, as they were at the service's first call: a line is not renamed while it is read."""
        self._unseen: list[EventId] = []
        """Calls that the session waits for and that did not come, or could not be read."""
        self._was_waiting = False
        self._is_owing = True
        """True while something decided may not be delivered: at the start, and after a failure."""
        self._has_tried_to_stop = False
        self._due: datetime | None = None
        """When an approval has to be looked at again; None while nobody is asked."""
        self._not_before: datetime | None = None
        """When what is owed is tried again; no event makes that sooner."""
        self._not_shown_before: datetime | None = None

    async def run(self, inbox: Inbox) -> ReducerState:
        """Return the turn's last state, once it has ended."""
        # First of all, a stop that was asked for before a restart: what is listed now is from before it.
        await self._discharge()
        until: datetime | None = self._clock.steady()
        while not self.state.has_ended:
            for taken in await inbox.take(until):
                event = await self._titled(taken)
                if not isinstance(event, ConnectionLost | ConnectionBack):
                    self._silence.heard(self._clock.steady())
                await self._take(reducer.step(self.state, event))
                if isinstance(event, DecisionEchoed) and event.tool_use_id in self._unseen:
                    self._unseen.remove(event.tool_use_id)  # denied before a restart
                if isinstance(event, ToolStarted):
                    await self._on_call(self._thread, event.call)
            await self._discharge()
            if not self.state.has_ended:
                # What waits for us is silent by right: for a card that Slack does not take, too.
                look = await self._look(inbox, is_ours_to_act=self._due is not None or self._is_owing)
                # What cannot be done now is not due: else the loop would run in a circle until it can.
                due = _sooner(self._not_before or self._due, look, self._watch.until)
            if not self.state.has_ended:
                await self._record_waiting()
                until = _sooner(await self._show(), due)
        return self.state

    async def _titled(self, event: AgentEvent) -> AgentEvent:
        """Return a call with the title that its service gives the tool, every other event as it is."""
        if not isinstance(event, ToolStarted) or (service := event.call.service) is None:
            return event
        if service not in self._titles:
            async with self._database.transaction() as tx:
                workspace_id = self._thread.owner.workspace_id
                self._titles[service] = await tool_titles.read_titles(tx, workspace_id, service)
        return replace(event, call=replace(event.call, title=self._titles[service].get(event.call.name, "")))

    async def _take(self, step: Step) -> None:
        self.state, actions = step
        for action in actions:
            await self._perform(action)

    async def _discharge(self) -> None:
        """Do what is owed: a stop, decisions, cards. What fails is owed still, and tried again at `_not_before`."""
        await self._watch.look()
        if self._watch.is_overdue and not self.state.has_ended:
            self._end_stopped()
        if self.state.has_ended:
            return
        is_stop_news = self._watch.by is not None and not self._has_tried_to_stop
        if self._not_before is not None and self._clock.steady() < self._not_before and not is_stop_news:
            return
        try:
            self._due = await self._watch.guard(self._do_owed)
        except StopOverdue:
            self._end_stopped()
            return
        except Unavailable as error:
            self._is_owing = True
            seconds = error.retry_after or RETRY
            log.warning("owed_still", turn=self._turn.id, error=type(error).__name__, retry_in=seconds, **error.facts)
            self._not_before = self._clock.steady() + timedelta(seconds=seconds)
            return
        self._is_owing, self._not_before = False, None

    async def _do_owed(self) -> datetime | None:
        await self._stop()
        for call_id in tuple(self._refusing):
            await self._agents.refuse_call(self._session_id, call_id)
            del self._refusing[call_id]
        while self._unseen and not self.state.has_ended:
            await self._look_for(self._unseen[0])
            del self._unseen[0]
        holds = any(task.state is TaskState.HELD for task in self.state.progress.tasks)
        if self._is_interrupted or not (holds or self._is_owing):
            return None
        if holds and self.state.progress.activity is Activity.WAITING:
            await self._show()  # what was said before a call stands above its card
        due = await self._approvals.attend(self._thread, self._turn)
        return None if due is None else self._clock.steady() + (due - self._clock.now())

    async def _perform(self, action: Action) -> None:
        match action:
            case Hold(call):
                await self._approvals.hold(self._thread, self._turn, self._session_id, call)
            case Refuse(call):
                self._refusing[call.id] = call
            case LookFor(call_id):
                self._unseen = [*dict.fromkeys((*self._unseen, call_id))]
            case Interrupt():
                self._is_interrupted = False
            case _:
                assert_never(action)

    async def _look_for(self, call_id: EventId) -> None:
        """Ask about a call that came late; deny one that nobody can read, so that the session goes on."""
        call = await self._agents.find_call(self._session_id, call_id)
        if call is not None:
            # As if it had come in its order: the call, then the wait for it, which makes it a held one.
            started = await self._titled(ToolStarted(call_id, call))
            for event in (started, DecisionsNeeded(call_id, (call_id,))):
                await self._take(reducer.step(self.state, event))
            return await self._on_call(self._thread, call)
        log.warning("call_not_readable", turn=self._turn.id, call=call_id)
        try:
            await self._agents.send_decision(self._session_id, call_id, Verdict.DENY, CALL_UNREADABLE)
        except AlreadyDecided:
            # One of those that are answered with a result, or none at all: it waits for what nobody here can give.
            await self._agents.refuse_call(self._session_id, call_id)
            self.state = reducer.end(self.state, Outcome(OutcomeKind.UNKNOWN_STOP, detail="requires_action"))

    async def _stop(self) -> None:
        """Interrupt the session once somebody asked for it; the idle that follows ends the turn."""
        if self._watch.by is None or self._is_interrupted:
            return
        self._has_tried_to_stop = True
        await self._approvals.close_pending(self._thread, self._turn)
        await self._agents.interrupt(self._session_id)
        self._is_interrupted = True
        self.state = reducer.stopping(self.state)

    def _end_stopped(self) -> None:
        """End a turn whose session has not come to rest in time: whoever stopped it need not wait for that."""
        log.warning("stopped_unheard", turn=self._turn.id, is_interrupted=self._is_interrupted)
        detail = None if self._is_interrupted else UNCONFIRMED
        self.state = reducer.end(self.state, Outcome(OutcomeKind.STOPPED, detail))

    async def _look(self, inbox: Inbox, *, is_ours_to_act: bool) -> datetime | None:
        """Ask a session that has been silent for long whether it rests; return when to look again.

        One that rests may have said so on a stream that is dead: the past is listed again before that ends the turn.
        """
        if not inbox.is_caught_up:
            self._silence.put_off(self._clock.steady())
        if is_ours_to_act:
            self._silence.heard(self._clock.steady())  # what they decide is news, and the session takes it up after it
        when = self._silence.next_look(self.state, is_ours_to_act=is_ours_to_act)
        if when is None or self._clock.steady() < when:
            return when
        try:
            is_at_rest = await self._watch.guard(lambda: self._agents.is_at_rest(self._session_id))
        except StopOverdue:
            self._end_stopped()
            return None
        except AgentsUnavailable as error:
            log.warning("session_not_seen", turn=self._turn.id, **error.facts)
            is_at_rest = False
        self._silence.looked(self._clock.steady(), is_at_rest=is_at_rest)
        log.warning("session_silent", turn=self._turn.id, is_at_rest=is_at_rest, waits_for=self._waits_for)
        if is_at_rest:
            claimed = reducer.claim(self.state)
            if claimed[0] is not self.state:
                self._silence.heard(self._clock.steady())
                await self._take(claimed)
                return self._clock.steady()  # what it asks of people is owed now
            if self._silence.rests < RESTS_UNHEARD:
                inbox.doubt()
            else:
                self.state = reducer.end(self.state, Outcome(OutcomeKind.UNKNOWN_STOP, detail=SILENT))
        return self._silence.next_look(self.state, is_ours_to_act=is_ours_to_act)

    @property
    def _waits_for(self) -> str:
        if self.state.has_begun:
            return self.state.progress.activity
        return "the request to be taken up" if self.state.is_queued else "the request to be seen"

    async def _record_waiting(self) -> None:
        is_waiting = self.state.progress.activity is Activity.WAITING
        if is_waiting == self._was_waiting:
            return
        self._was_waiting = is_waiting
        old, new = (TurnState.RUNNING, TurnState.WAITING) if is_waiting else (TurnState.WAITING, TurnState.RUNNING)
        async with self._database.transaction() as tx:
            await turns.change_state(tx, self._turn.id, from_=old, to=new)

    async def _show(self) -> datetime | None:
        """Let people see what is known; return when to come again even if nothing happens."""
        if self._not_shown_before is not None and self._clock.steady() < self._not_shown_before:
            return self._not_shown_before
        self._not_shown_before = None
        try:
            seconds = await self._drawn()
        except SlackUnavailable as error:
            seconds = error.retry_after or RETRY
            log.warning("not_shown_yet", retry_in=seconds, **error.facts)
            self._not_shown_before = self._clock.steady() + timedelta(seconds=seconds)
        return None if seconds is None else self._clock.steady() + timedelta(seconds=seconds)

    async def _drawn(self) -> float | None:
        if self.state.progress.activity is not Activity.WAITING:
            self._is_paused = False
            return await self._answer.show(self.state.progress)
        if not self._is_paused:
            await self._answer.pause(self.state.progress)
            self._is_paused = True
        return None


def _sooner(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
