"""How long a wait may last, in time that this process lived through.

A machine that stands still for seconds, or gives a process a tenth of a core, is no failure of what is waited for.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

LONG = 30.0
"""Seconds after which what has not come will not come; a wait that ends well costs nothing of them."""
_BEAT = 0.1


@asynccontextmanager
async def patience(seconds: float = LONG) -> AsyncIterator[None]:
    """Raise TimeoutError in the block after so many seconds, counted in beats of the loop: a late beat is one."""
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
