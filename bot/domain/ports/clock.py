"""The clock port: the wall clock and a steady one, so that tests can set both."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time, as aware UTC datetimes."""

    def now(self) -> datetime:
        """Return the current time, for times that are stored, shown or compared with stored ones."""

    def steady(self) -> datetime:
        """Return a time that advances at one pace even if somebody sets the clock, for pacing, waiting and caching.

        Its date means nothing: never store or show it, or compare it with `now`.
        """

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds, even if the clock is set meanwhile."""

    async def sleep_until(self, when: datetime) -> None:
        """Return at the steady time `when`, at once if it has passed."""

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        """Return once `signal` is set, at the latest at the steady time `until` (None: never)."""
