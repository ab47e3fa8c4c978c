"""The clock port."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, aware UTC; the only source of it."""

    def now(self) -> datetime:
        """Return the current time: for what is stored and shown, and compared with that."""

    def steady(self) -> datetime:
        """Return a time that goes on at one pace, whoever sets the clock: for pacing, waiting and remembering.

        It is a date by chance only: never stored, shown, or compared with one.
        """

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds, whatever the clock is set to meanwhile."""

    async def sleep_until(self, when: datetime) -> None:
        """Return at the steady time `when`, at once if it has passed."""

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        """Return once `signal` is set, at the latest at the steady time `until` (None: never)."""
