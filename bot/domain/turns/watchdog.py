"""Timers of a turn: a stop takes effect within seconds, and a silent session is looked at.

It only knows times: `reducer` knows what events mean, `loop` acts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.ports import Clock
from bot.domain.supervisor import ProcessSuperseded, Supervisor
from bot.domain.turns.reducer_state import ReducerState
from bot.model.errors import DeputyError
from store.records import UserId

T = TypeVar("T")

STOP_WITHIN = timedelta(seconds=8)
"""A turn that somebody stops ends by then, whatever the API says or leaves out; `LEAVE_WITHIN` comes on top."""
LEAVE_WITHIN = timedelta(seconds=2)
"""How long the end of a turn waits for its session to take an interrupt before it is shown; then it is tried on."""
QUEUED_SILENCE = timedelta(seconds=5)
"""Silence after which a session is asked whether it rests, where it has not said that it took the request up."""
WORKING_SILENCE = timedelta(seconds=60)
"""The same where it has: a command or a thought may take minutes, and asking costs little."""
SECOND_LOOK = timedelta(seconds=10)
"""Until a session that rests without having said so is asked again: what it said may be on its way."""


class StopOverdue(DeputyError):
    """Somebody stopped the turn, and what it waited for did not come in time."""


class StopTimer:
    """Knows since when the end of a turn is asked for, and cuts short what takes longer than that may."""

    def __init__(
        self,
        *,
        supervisor: Supervisor,
        clock: Clock,
        signal: asyncio.Event,
        read: Callable[[], Awaitable[UserId | None]],
    ) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._signal = signal
        self._read = read
        self.by: UserId | None = None
        """Who asked for the end."""
        self.until: datetime | None = None
        """When the turn ends at the latest; None while nobody asked."""

    async def look(self) -> None:
        """Look whether somebody asked for an end meanwhile."""
        if self.by is None and (by := await self._read()) is not None:
            self.by, self.until = by, self._clock.steady() + STOP_WITHIN

    @property
    def is_overdue(self) -> bool:
        """Return whether the turn should have ended by now."""
        return self.until is not None and self._clock.steady() >= self.until

    async def guard(self, work: Callable[[], Coroutine[None, None, T]]) -> T:
        """Return what `work` does. Raises `StopOverdue` where that takes longer than a stop may."""
        await self.look()
        try:
            return await self._supervisor.unless(work, self._overdue)
        except ProcessSuperseded as error:
            raise StopOverdue from error

    async def rest(self, seconds: float) -> None:
        """Wait before another try. Raises `StopOverdue` at once where an end is asked for: nothing is gained by one."""
        until = self._clock.steady() + timedelta(seconds=seconds)
        while True:
            await self.look()
            if self.by is not None:
                raise StopOverdue
            if self._clock.steady() >= until:
                return
            await self._clock.wait_for(self._signal, until)
            self._signal.clear()

    async def _overdue(self) -> None:
        while not self.is_overdue:
            await self._clock.wait_for(self._signal, self.until)
            self._signal.clear()
            await self._supervisor.unbroken(self.look)


class SilenceTimer:
    """When a session that says nothing is to be looked at, and how often it was found at rest."""

    def __init__(self, now: datetime) -> None:
        self._since = now
        self._looked_at: datetime | None = None
        self.rests = 0

    def heard(self, now: datetime) -> None:
        """Something was said."""
        self._since, self._looked_at, self.rests = now, None, 0

    def put_off(self, now: datetime) -> None:
        """Nothing could be heard until now: what there is, is still being listed."""
        self._since = now
        self._looked_at = now if self._looked_at else None

    def looked(self, now: datetime, *, is_at_rest: bool) -> None:
        """The session was asked."""
        self._looked_at, self.rests = now, self.rests + 1 if is_at_rest else 0

    def next_look(self, state: ReducerState, *, is_ours_to_act: bool) -> datetime | None:
        """Return when to look; None where silence is right: people have to decide first, or Deputy to ask them."""
        if state.has_ended or is_ours_to_act:
            return None
        if self._looked_at is None:
            return self._since + (WORKING_SILENCE if state.has_begun and not state.unclaimed else QUEUED_SILENCE)
        return self._looked_at + (SECOND_LOOK if self.rests else WORKING_SILENCE)
