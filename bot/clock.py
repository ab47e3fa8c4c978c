"""The wall clock, behind the domain's `Clock` port: the only place that asks what time it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime) -> None:
        """Return at `when`, at once if it has passed."""
        await asyncio.sleep(max(0.0, (when - self.now()).total_seconds()))
