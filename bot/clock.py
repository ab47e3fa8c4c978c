"""The system clock, behind the domain's `Clock` port: the only module that reads the time."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta


class WallClock:
    """The real time."""

    _began = datetime(2000, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        return datetime.now(UTC)

    def steady(self) -> datetime:
        """Return a time that goes on at one pace, whoever sets the clock; a date by chance only."""
        return self._began + timedelta(seconds=time.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds, whatever the clock is set to meanwhile."""
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_until(self, when: datetime) -> None:
        """Return at the steady time `when`, at once if it has passed."""
        await asyncio.sleep(self._left(when))

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        """Return once `signal` is set, at the latest at the steady time `until`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else self._left(until)):
                await signal.wait()

    def _left(self, when: datetime) -> float:
        return max(0.0, (when - self.steady()).total_seconds())
