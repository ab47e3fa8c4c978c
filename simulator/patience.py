"""Timeouts that count only the time in which this process ran.

On a machine that pauses for seconds, or gives a process a tenth of a core, a wait may be slow without anything broken.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

LONG = 30.0
"""Seconds; a wait that succeeds returns at once, so only a failure costs them."""
_BEAT = 0.1


@asynccontextmanager
async def patience(seconds: float = LONG) -> AsyncIterator[None]:
    """Raise TimeoutError in the block after so many seconds of the event loop's own running."""
    # Counted in beats: one that is late, because the process stood still, counts as one.
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        beats = _Beats(math.ceil(seconds / _BEAT), lambda: limit.reschedule(loop.time()))
        try:
            yield
        finally:
            beats.end()


class _Beats:
    """Calls `at_last` after so many beats."""

    def __init__(self, left: int, at_last: Callable[[], None]) -> None:
        self._left = left
        self._at_last = at_last
        self._timer = self._next()

    def _next(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(_BEAT, self._beat)

    def _beat(self) -> None:
        self._left -= 1
        if self._left > 0:
            self._timer = self._next()
        else:
            self._at_last()

    def end(self) -> None:
        self._timer.cancel()
