"""Owns every task that outlives a request, one per thread plus the errands around them.

It starts, wakes, counts and ends tasks, and catches what they did not; what a task does is its
caller's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = structlog.get_logger(__name__)

Work = Callable[[], Coroutine[None, None, None]]
_AGAIN = 2.0
"""Seconds after which a task that goes on is cancelled again."""


class Supervisor:
    """The task group of one process; lives as long as the app."""

    def __init__(self, new_reference: Callable[[], str]) -> None:
        self.new_reference = new_reference
        self._tasks: set[asyncio.Task[None]] = set()
        self._drivers: dict[str, _Driver] = {}
        self._is_closing = False

    def start(self, work: Work, on_bug: Callable[[str], Awaitable[None]] | None = None) -> None:
        """Run an errand in its own task; a bug in it is logged with a reference, given to `on_bug`."""
        if self._is_closing:
            return
        task = asyncio.create_task(self._guarded(work, on_bug), name=work.__qualname__)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drive(self, key: str, work: Work, on_bug: Callable[[str], Awaitable[None]]) -> None:
        """See that `work` runs for `key`: never twice at once, and once more if it was already running."""
        driver = self._drivers.get(key)
        if driver:
            driver.is_wanted_again = True
            driver.signal.set()
            return
        driver = self._drivers[key] = _Driver()
        self.start(lambda: self._drive(key, driver, work), on_bug)

    def signal_of(self, key: str) -> asyncio.Event:
        """Return the event that wakes the driver of `key`; its driver clears it."""
        return self._drivers[key].signal

    def wake(self, key: str) -> None:
        """Tell the driver of `key` to look at the store again; nothing happens if there is none."""
        if driver := self._drivers.get(key):
            driver.signal.set()

    def wake_all(self) -> None:
        """Tell every driver to look at the store and the clock again."""
        for driver in self._drivers.values():
            driver.signal.set()

    @property
    def driven(self) -> int:
        """Return how many threads have a turn being driven in this process."""
        return len(self._drivers)

    async def idle(self) -> None:
        """Return once no task is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    @asynccontextmanager
    async def beside(self, work: Work) -> AsyncIterator[None]:
        """Run `work` beside the block and end it with the block; what it raises is its own to handle."""
        task = asyncio.create_task(work())
        try:
            yield
        finally:
            await _end({task})
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def close(self) -> None:
        """Cancel what runs; turns stay as the store has them and go on at the next start."""
        self._is_closing = True
        await _end(self._tasks)

    async def _drive(self, key: str, driver: _Driver, work: Work) -> None:
        try:
            while driver.is_wanted_again:
                driver.is_wanted_again = False
                await work()
        finally:
            del self._drivers[key]

    async def _guarded(self, work: Work, on_bug: Callable[[str], Awaitable[None]] | None) -> None:
        try:
            await work()
        except Exception:
            reference = self.new_reference()
            log.exception("task_failed", reference=reference)
            if on_bug:
                await self._report(on_bug, reference)

    async def _report(self, on_bug: Callable[[str], Awaitable[None]], reference: str) -> None:
        try:
            await on_bug(reference)
        except Exception:
            log.exception("bug_not_reported", reference=reference)


class _Driver:
    """One key's running work: its wake-up signal, and whether it must run once more."""

    def __init__(self) -> None:
        self.signal = asyncio.Event()
        self.is_wanted_again = True


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they are over: what they call may swallow a cancellation that comes with its result."""
    while left := {task for task in tasks if not task.done()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_AGAIN)
