"""The clock that every simulator reads, so that a test can turn five minutes in no time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SimulatorClock:
    """Seconds since the epoch; runs with the wall clock, plus what `advance` added."""

    is_still = False
    """Whether time passes only by `advance`; a simulator that takes time then waits for that."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._skipped = 0.0

    def now(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        return time.time() + self._offset

    def utc(self) -> datetime:
        """Return the simulated time as an aware datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> None:
        """Turn the clock forward."""
        self._offset += seconds

    def skip(self, seconds: float) -> None:
        """Turn the clock forward without `felt` time: no timeout of three seconds runs out by it."""
        self._offset += seconds
        self._skipped += seconds

    def felt(self) -> float:
        """Return the time in seconds without what was skipped, for timeouts such as Slack's three seconds."""
        return self.now() - self._skipped
