"""One run of one turn: takes events from the inbox, lets `following.step` decide, performs it.

The loop only performs; every decision is in `following`, `policy` or `approvals`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.domain import following
from bot.domain.approvals import Approvals
from bot.domain.following import Action, Following, Hold
from bot.domain.inbox import Inbox
from bot.domain.ports import Agents, Answer, Clock
from bot.errors import SlackUnavailable, Unavailable
from bot.progress import Activity, TaskState
from store import turns
from store.database import Database
from store.records import SessionId, Thread, Turn, TurnState

log = structlog.get_logger(__name__)

RETRY = 3.0
"""Seconds until what the API or Slack would not take is tried again; nothing is lost, it is all kept."""


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
    ) -> None:
        self._database = database
        self._agents = agents
        self._approvals = approvals
        self._clock = clock
        self._answer = answer
        self._is_paused = False
        self._is_stopping = False
        self._was_waiting = False
        self._is_owing = True
        """True while something decided may not be delivered: at the start, and after a failure."""

    async def run(self, thread: Thread, turn: Turn, session_id: SessionId, inbox: Inbox, state: Following) -> Following:
        """Return the turn's last state, once it has ended."""
        seconds: float | None = 0.0
        while not state.has_ended:
            for event in await inbox.take(seconds):
                state, actions = following.step(state, event)
                for action in actions:
                    await self._perform(action, thread, turn, session_id)
            state, due = await self._discharge(state, thread, turn, session_id)
            if not state.has_ended:
                await self._record_waiting(state, turn)
                seconds = _sooner(await self._show(state), self._until(due))
        return state

    async def _discharge(
        self, state: Following, thread: Thread, turn: Turn, session_id: SessionId
    ) -> tuple[Following, datetime | None]:
        """Do what the store says is owed: a stop, decisions, cards. What fails is owed still, and done later."""
        try:
            state = await self._stopped(state, thread, turn, session_id)
            due = await self._attend(state, thread, turn)
        except Unavailable as error:
            self._is_owing = True
            log.warning("owed_still", turn=turn.id, error=type(error).__name__)
            return state, self._clock.now() + timedelta(seconds=error.retry_after or RETRY)
        self._is_owing = False
        return state, due

    async def _perform(self, action: Action, thread: Thread, turn: Turn, session_id: SessionId) -> None:
        if isinstance(action, Hold):
            await self._approvals.hold(thread, turn, session_id, action.call)

    async def _stopped(self, state: Following, thread: Thread, turn: Turn, session_id: SessionId) -> Following:
        """Interrupt the session once somebody asked for it; the idle that follows ends the turn."""
        if self._is_stopping or state.has_ended:
            return state
        async with self._database.transaction() as tx:
            by = (await turns.get(tx, turn.id)).stop_requested_by
        if by is None:
            return state
        await self._approvals.withdraw(thread, turn)
        await self._agents.interrupt(session_id)
        self._is_stopping = True
        return following.stopping(state, by)

    async def _attend(self, state: Following, thread: Thread, turn: Turn) -> datetime | None:
        holds = any(task.state is TaskState.HELD for task in state.progress.tasks)
        if self._is_stopping or not (holds or self._is_owing):
            return None
        return await self._approvals.attend(thread, turn)

    async def _record_waiting(self, state: Following, turn: Turn) -> None:
        is_waiting = state.progress.activity is Activity.WAITING
        if is_waiting == self._was_waiting:
            return
        self._was_waiting = is_waiting
        old, new = (TurnState.RUNNING, TurnState.WAITING) if is_waiting else (TurnState.WAITING, TurnState.RUNNING)
        async with self._database.transaction() as tx:
            await turns.change_state(tx, turn.id, from_=old, to=new)

    async def _show(self, state: Following) -> float | None:
        is_waiting = state.progress.activity is Activity.WAITING
        try:
            if not is_waiting:
                self._is_paused = False
                return await self._answer.show(state.progress)
            if not self._is_paused:
                await self._answer.pause(state.progress)
                self._is_paused = True
        except SlackUnavailable as error:
            return error.retry_after or RETRY
        return None

    def _until(self, due: datetime | None) -> float | None:
        return None if due is None else max(0.0, (due - self._clock.now()).total_seconds())


def _sooner(one: float | None, other: float | None) -> float | None:
    known = [seconds for seconds in (one, other) if seconds is not None]
    return min(known, default=None)
