"""The wall clock, behind the domain's `Clock` port: the only place that asks what time it is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds, whatever the clock is set to meanwhile."""
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_until(self, when: datetime) -> None:
        """Return at `when`, at once if it has passed."""
        await asyncio.sleep(self._left(when))

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        """Return once `signal` is set, at the latest at `until`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else self._left(until)):
                await signal.wait()

    def _left(self, when: datetime) -> float:
        return max(0.0, (when - self.now()).total_seconds())
