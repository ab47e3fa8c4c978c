"""Timers of a turn: a stop takes effect within seconds, and a silent session is checked.

This module only knows times: `reducer` knows what events mean, `loop` acts.
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
"""A turn that somebody stops ends within this time, whatever the API does; `LEAVE_WITHIN` comes on top."""
LEAVE_WITHIN = timedelta(seconds=2)
"""How long a turn waits for its session to take the interrupt before it shows its end; attempts go on after that."""
QUEUED_SILENCE = timedelta(seconds=5)
"""Silence after which we ask whether a session is idle, before it has taken the request up."""
WORKING_SILENCE = timedelta(seconds=60)
"""The same once it works on the request: a command or a thought may take minutes, and asking is cheap."""
SECOND_LOOK = timedelta(seconds=10)
"""Pause before a session that is idle without an event is asked again: the event may still be on its way."""


class StopOverdue(DeputyError):
    """Somebody has stopped the turn, and what it waited for did not happen in time."""


class StopTimer:
    """Knows when a turn was asked to stop, and cancels work that takes longer than a stop may."""

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
        """Who asked for the stop; None if nobody has."""
        self.until: datetime | None = None
        """The steady time at which the turn ends at the latest; None if nobody asked for a stop."""

    async def look(self) -> None:
        """Read whether somebody has asked for a stop meanwhile."""
        if self.by is None and (by := await self._read()) is not None:
            self.by, self.until = by, self._clock.steady() + STOP_WITHIN

    @property
    def is_overdue(self) -> bool:
        """Return whether the turn should have ended by now."""
        return self.until is not None and self._clock.steady() >= self.until

    async def guard(self, work: Callable[[], Coroutine[None, None, T]]) -> T:
        """Return the result of `work`. Raises `StopOverdue` if it takes longer than a stop may."""
        await self.look()
        try:
            # A call that hangs must not keep a stopped turn open.
            return await self._supervisor.unless(work, self._overdue)
        except ProcessSuperseded as error:
            raise StopOverdue from error

    async def rest(self, seconds: float) -> None:
        """Wait before another attempt. Raises `StopOverdue` as soon as somebody asks for a stop."""
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
            # This loop may be cancelled at any moment, but a transaction must not be cut off in the middle.
            await self._supervisor.unbroken(self.look)


class SilenceTimer:
    """Decides when to check a silent session, and counts how often in a row it was found idle."""

    def __init__(self, now: datetime) -> None:
        self._since = now
        self._looked_at: datetime | None = None
        self.rests = 0

    def heard(self, now: datetime) -> None:
        """Note that an event came."""
        self._since, self._looked_at, self.rests = now, None, 0

    def put_off(self, now: datetime) -> None:
        """Note that nothing could be heard until now, since past events are still being listed."""
        self._since = now
        # The pause since the last check starts over as well.
        self._looked_at = now if self._looked_at else None

    def looked(self, now: datetime, *, is_at_rest: bool) -> None:
        """Note that the session was checked."""
        self._looked_at, self.rests = now, self.rests + 1 if is_at_rest else 0

    def next_look(self, state: ReducerState, *, is_ours_to_act: bool) -> datetime | None:
        """Return when to check; None while silence is expected, since people or Deputy have to act first."""
        if state.has_ended or is_ours_to_act:
            return None
        if self._looked_at is None:
            return self._since + (WORKING_SILENCE if state.has_begun and not state.unclaimed else QUEUED_SILENCE)
        return self._looked_at + (SECOND_LOOK if self.rests else WORKING_SILENCE)
