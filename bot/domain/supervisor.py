"""Owns every task that outlives a request: one per thread with a turn, short tasks around them, and periodic ones.

It starts, wakes, counts and ends tasks, and restarts them after errors: short tasks after an outage of the store,
periodic ones after any error. A task may be cut off at any line, as by a crash, and must be able to start over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from bot.domain.ports import Clock
from bot.model.errors import Unavailable
from bot.model.retry_policy import PERIODIC_TASK, STORE_OUTAGE
from bot.retry import retry
from store.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = structlog.get_logger(__name__)

T = TypeVar("T")
Work = Callable[[], Coroutine[None, None, None]]
# Seconds after which a task that ignored its cancellation is cancelled again.
_AGAIN = 2.0
ENDLESS = "endless: "
"""Prefix of the names of periodic tasks."""
STORE = "store"
"""The name under which attempts that wait for the store are counted."""


class ProcessSuperseded(Exception):
    """The limit of `Supervisor.unless` ended before its work did."""


class Supervisor:
    """The tasks of one process; lives as long as the app. `on_again` gets the name of each task that starts over."""

    def __init__(
        self, new_reference: Callable[[], str], clock: Clock, on_again: Callable[[str], None] = lambda _: None
    ) -> None:
        self.new_reference = new_reference
        self._clock = clock
        self._on_again = on_again
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._drivers: dict[str, _Driver] = {}
        self._failing: set[str] = set()
        self._is_closing = False

    def start(self, work: Work, on_bug: Callable[[str], Awaitable[None]] | None = None) -> None:
        """Run short work in a task of its own, again after an outage of the store.

        A bug is logged under a reference, with which `on_bug` is called.
        """
        self._spawn(self._guarded(lambda: self._through_outages(work), on_bug), work.__qualname__)

    def keep(self, name: str, work: Work, every: timedelta) -> None:
        """Run `work` now and every `every`, for the life of the process; after an error it runs again sooner."""
        self._spawn(self._endless(name, work, every.total_seconds()), f"{ENDLESS}{name}")

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        if self._is_closing:
            # A coroutine that is never awaited would warn.
            work.close()
            return
        task = asyncio.create_task(work, name=name)
        # The event loop holds tasks weakly: one without another reference may vanish while it waits.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drive(self, key: str, work: Work, on_bug: Callable[[str], Awaitable[None]]) -> None:
        """Make `work` run for `key`: never twice at once, and once more if it is running already."""
        driver = self._drivers.get(key)
        if driver:
            # The running one may have looked at the store just before the new turn was in it.
            driver.is_wanted_again = True
            self.wake(key)
            return
        driver = self._drivers[key] = _Driver()
        self._spawn(self._drive(key, driver, work, on_bug), f"drive {key}")

    def is_driven(self, key: str) -> bool:
        """Return whether `key` has a driver."""
        return key in self._drivers

    def signal_of(self, key: str) -> asyncio.Event:
        """Return the event that wakes the driver of `key`; the driver clears it."""
        return self._drivers[key].signal

    def wake(self, key: str) -> None:
        """Tell the driver of `key` to look at the store again; nothing happens if there is none."""
        if driver := self._drivers.get(key):
            driver.signal.set()
            for signal in self._listeners.get(key, ()):
                signal.set()

    def wake_all(self) -> None:
        """Tell every driver to look at the store and the clock again."""
        for key in self._drivers:
            self.wake(key)

    @contextmanager
    def listen(self, key: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever the driver of `key` is woken; the listener clears it."""
        signal = asyncio.Event()
        listeners = self._listeners.setdefault(key, set())
        listeners.add(signal)
        try:
            yield signal
        finally:
            listeners.discard(signal)
            if not listeners:
                self._listeners.pop(key, None)

    @property
    def driven(self) -> int:
        """Return how many threads have a turn being driven in this process."""
        return len(self._drivers)

    @property
    def failing(self) -> frozenset[str]:
        """Return the names of the periodic tasks whose last round failed."""
        return frozenset(self._failing)

    async def idle(self) -> None:
        """Return once no task is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    @staticmethod
    @asynccontextmanager
    async def beside(work: Work) -> AsyncIterator[None]:
        """Run `work` in parallel to the block and cancel it at the block's end. Raises what `work` raised by then."""
        task = asyncio.create_task(work())
        try:
            yield
        finally:
            await _end({task})
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def unless(self, work: Callable[[], Coroutine[None, None, T]], limit: Work) -> T:
        """Return the result of `work`. Raises `ProcessSuperseded` if `limit` ends first; then `work` is cancelled."""
        working, limiting = asyncio.create_task(work()), asyncio.create_task(limit())
        try:
            await asyncio.wait({working, limiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end({working, limiting})
        if not working.cancelled():
            return working.result()
        limiting.result()
        raise ProcessSuperseded

    async def unbroken(self, work: Work) -> None:
        """Run something short to its end even if the caller is cancelled.

        A transaction that is cancelled in the middle costs its connection to the store.
        """
        task = asyncio.create_task(work())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            raise

    async def close(self) -> None:
        """Cancel every task. Turns stay as they are in the store and continue at the next start."""
        self._is_closing = True
        await _end(self._tasks)

    async def _drive(self, key: str, driver: _Driver, work: Work, on_bug: Callable[[str], Awaitable[None]]) -> None:
        try:
            while driver.is_wanted_again:
                driver.is_wanted_again = False
                # The bug is handled inside the loop: a driver started meanwhile would only meet the same bug again.
                await self._guarded(lambda: self._through_outages(work), on_bug)
        finally:
            del self._drivers[key]

    async def _through_outages(self, work: Work) -> None:
        """Run `work` again until no outage of the store stops it; like after a crash, it finds what it had stored."""

        async def count(error: StoreUnavailable, pause: float) -> None:
            log.warning("store_unavailable", why=str(error), retry_in=pause)
            self._on_again(STORE)

        await retry(work, STORE_OUTAGE, self._clock, on=StoreUnavailable, before_rest=count)

    async def _endless(self, name: str, work: Work, every: float) -> None:
        failures = 0
        while True:
            try:
                await work()
            except (StoreUnavailable, Unavailable) as error:
                failures, pause = self._failed(name, every, failures)
                log.warning("round_failed", task=name, error=type(error).__name__, retry_in=pause)
            except Exception:
                # A bug in one round must not end the task for the life of the process.
                failures, pause = self._failed(name, every, failures)
                log.exception("round_failed", task=name, reference=self.new_reference(), retry_in=pause)
            else:
                self._failing.discard(name)
                failures, pause = 0, every
            await self._clock.sleep(pause)

    def _failed(self, name: str, every: float, failures: int) -> tuple[int, float]:
        """Note a failed round; return how often in a row it has failed, and the seconds to wait."""
        self._failing.add(name)
        self._on_again(name)
        return failures + 1, min(every, PERIODIC_TASK.pause_after(failures + 1))

    async def _guarded(self, work: Work, on_bug: Callable[[str], Awaitable[None]] | None) -> None:
        try:
            await work()
        except Exception:
            reference = self.new_reference()
            log.exception("task_failed", reference=reference)
            if on_bug:
                await self._report(on_bug, reference)

    async def _report(self, on_bug: Callable[[str], Awaitable[None]], reference: str) -> None:
        async def report() -> None:
            await on_bug(reference)

        try:
            await self._through_outages(report)
        except Exception:
            log.exception("bug_not_reported", reference=reference)


class _Driver:
    """The running work of one key: its wake-up signal, and whether it must run once more."""

    def __init__(self) -> None:
        self.signal = asyncio.Event()
        self.is_wanted_again = True


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended: a call may swallow a cancellation that arrives together with its result."""
    while left := {task for task in tasks if not task.done()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_AGAIN)
