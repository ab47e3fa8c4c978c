"""One run of one turn: takes events from the inbox, lets `following.step` decide, performs it.

The loop only performs; every decision is in `following`, `policy` or `approvals`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.domain import following
from bot.domain.approvals import Approvals
from bot.domain.following import Action, Following, Hold, Interrupt, Refuse
from bot.domain.inbox import Inbox
from bot.domain.ports import Agents, Answer, Clock
from bot.errors import SlackUnavailable, Unavailable
from bot.events import ToolCall, ToolStarted
from bot.progress import Activity, Outcome, OutcomeKind, TaskState
from store import turns
from store.database import Database
from store.records import EventId, SessionId, Thread, Turn, TurnState

log = structlog.get_logger(__name__)

SILENCE_AFTER_STOP = 10.0
"""Seconds until a session that was interrupted while it waited counts as stopped without saying so."""
RETRY = 3.0
"""Seconds until what the API or Slack would not take is tried again; nothing is lost, it is all kept."""


OnCall = Callable[[Thread, ToolCall], Awaitable[None]]
"""Told of each call, also of one that nobody is asked about: it may be of a tool that nobody knows."""


class TurnLoop:
    """One follower, one writer (architecture, rule 4)."""

    def __init__(
        self,
        *,
        database: Database,
        agents: Agents,
        approvals: Approvals,
        clock: Clock,
        answer: Answer,
        state: Following,
        on_call: OnCall,
    ) -> None:
        self._database = database
        self._agents = agents
        self._approvals = approvals
        self._clock = clock
        self._answer = answer
        self.state = state
        """What is known of the turn, also after `run` was left by an error."""
        self._on_call = on_call
        self._is_paused = False
        self._stopping_since: datetime | None = None
        self._refusing: dict[EventId, ToolCall] = {}
        self._was_waiting = False
        self._is_owing = True
        """True while something decided may not be delivered: at the start, and after a failure."""

    async def run(self, thread: Thread, turn: Turn, session_id: SessionId, inbox: Inbox) -> Following:
        """Return the turn's last state, once it has ended."""
        # First of all, a stop that was asked for before a restart: what is listed now is from before it.
        await self._discharge(thread, turn, session_id)
        until: datetime | None = self._clock.now()
        while not self.state.has_ended:
            for event in await inbox.take(until):
                self.state, actions = following.step(self.state, event)
                for action in actions:
                    await self._perform(action, thread, turn, session_id)
                if isinstance(event, ToolStarted):
                    await self._on_call(thread, event.call)
            due = await self._discharge(thread, turn, session_id)
            if not self.state.has_ended:
                await self._record_waiting(turn)
                until = _sooner(await self._show(), due)
        return self.state

    async def _discharge(self, thread: Thread, turn: Turn, session_id: SessionId) -> datetime | None:
        """Do what is owed: a stop, decisions, cards. What fails is owed still; return when to come again."""
        try:
            await self._stop(thread, turn, session_id)
            await self._refuse(session_id)
            due = await self._attend(thread, turn)
        except Unavailable as error:
            self._is_owing = True
            log.warning("owed_still", turn=turn.id, error=type(error).__name__)
            return self._clock.now() + timedelta(seconds=error.retry_after or RETRY)
        self._is_owing = False
        return self._sooner_if_silent(due)

    async def _perform(self, action: Action, thread: Thread, turn: Turn, session_id: SessionId) -> None:
        if isinstance(action, Hold):
            await self._approvals.hold(thread, turn, session_id, action.call)
        elif isinstance(action, Refuse):
            self._refusing[action.call.id] = action.call
        elif isinstance(action, Interrupt):
            self._stopping_since = None

    async def _stop(self, thread: Thread, turn: Turn, session_id: SessionId) -> None:
        """Interrupt the session once somebody asked for it; the idle that follows ends the turn."""
        if self._stopping_since or self.state.has_ended:
            return
        async with self._database.transaction() as tx:
            by = (await turns.get(tx, turn.id)).stop_requested_by
        if by is None:
            return
        await self._approvals.withdraw(thread, turn)
        await self._agents.interrupt(session_id)
        self._stopping_since = self._clock.now()
        self.state = following.stopping(self.state, by)

    async def _refuse(self, session_id: SessionId) -> None:
        for call_id in tuple(self._refusing):
            await self._agents.refuse_call(session_id, call_id)
            del self._refusing[call_id]

    async def _attend(self, thread: Thread, turn: Turn) -> datetime | None:
        holds = any(task.state is TaskState.HELD for task in self.state.progress.tasks)
        if self._stopping_since or not (holds or self._is_owing):
            return None
        return await self._approvals.attend(thread, turn)

    def _sooner_if_silent(self, due: datetime | None) -> datetime | None:
        """End a turn whose session was interrupted, waits and says nothing (managed-agents-api.md §10 no. 16)."""
        is_waiting = self.state.progress.activity is Activity.WAITING
        if not (self._stopping_since and is_waiting) or self.state.has_ended:
            return due
        silent_at = self._stopping_since + timedelta(seconds=SILENCE_AFTER_STOP)
        if self._clock.now() >= silent_at:
            self.state = following.end(self.state, Outcome(OutcomeKind.STOPPED, by=self.state.stopping_by))
        return silent_at

    async def _record_waiting(self, turn: Turn) -> None:
        is_waiting = self.state.progress.activity is Activity.WAITING
        if is_waiting == self._was_waiting:
            return
        self._was_waiting = is_waiting
        old, new = (TurnState.RUNNING, TurnState.WAITING) if is_waiting else (TurnState.WAITING, TurnState.RUNNING)
        async with self._database.transaction() as tx:
            await turns.change_state(tx, turn.id, from_=old, to=new)

    async def _show(self) -> datetime | None:
        """Let people see what is known; return when to come again even if nothing happens."""
        try:
            seconds = await self._drawn()
        except SlackUnavailable as error:
            seconds = error.retry_after or RETRY
        return None if seconds is None else self._clock.now() + timedelta(seconds=seconds)

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
