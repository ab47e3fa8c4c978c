"""A world that lives through many examples: the peers, Deputy that is killed and started, people's acts side by side.

What people do is in `acts` and `attacks`; what must never come of it in `watch`.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx2

from bot.app import running
from bot.model.errors import ConfigurationError
from simulator.clock import SimulatorClock
from simulator.patience import patience
from simulator.service.server import RefusedByService
from simulator.slack.errors import NotPossible, SlackError
from tests.authority.words import ACCOUNTS, OUTSIDE_ACCOUNT, Words
from tests.world import PLAIN, World, world

AT_ONCE = 8
"""How many acts may be under way at the same time: enough for races, few enough to keep up with."""
BUSY = 5
"""How many sessions may be running before the next act waits a little."""
PAUSE = 5.5
"""Seconds up to which a sleep is a pause, to be skipped; what is longer is a clock's stroke, to be waited for.

The shortest stroke is `bot.domain.maintenance.config_watcher.INTERVAL`: were it skipped, time would race and every
link be expired.
"""
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
"""Where the database is written to when there is such a place: no disk is waited for."""


class HurriedClock:
    """The peers' clock, turned forward by whoever would sleep: Slack's pacing costs no real time."""

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.utc()

    def steady(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, when: datetime) -> None:
        left = (when - self.now()).total_seconds()
        if 0 < left <= PAUSE:
            self._clock.skip(left)
        await asyncio.sleep(0)
        while self.now() < when:  # noqa: ASYNC110 - nobody says when the clock is turned
            await asyncio.sleep(0.05)

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        left = None if until is None else max(0.0, (until - self.now()).total_seconds())
        is_pause = left is not None and left <= PAUSE
        with suppress(TimeoutError):
            async with asyncio.timeout(min(0.02, left or 0.0) if is_pause else left):
                await signal.wait()
            return
        if is_pause and until is not None:
            self._clock.skip(max(0.0, (until - self.now()).total_seconds()))


class Stage:
    """`async with Stage() as stage`; `stage.world` has the peers, `stage.words` what people did."""

    def __init__(self) -> None:
        self.words = Words()
        self.restarts = 0
        self._exits = AsyncExitStack()
        self._acting: set[asyncio.Task[None]] = set()
        self._life: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        folder = Path(tempfile.mkdtemp(prefix="deputy-authority-", dir=MEMORY))
        self._exits.callback(shutil.rmtree, folder)
        self.world: World = await self._exits.enter_async_context(world(folder))
        self.http = await self._exits.enter_async_context(httpx2.AsyncClient(trust_env=False, verify=PLAIN))
        self.slack, self.agents, self.notes = self.world.slack, self.world.agents, self.world.notes
        # Three seconds are three seconds here, or each of Deputy's pauses would be a timeout of Slack's.
        self.slack.deliveries._clock = SimulatorClock()
        for user, accounts in ACCOUNTS.items():
            for account in accounts:
                self.notes.accounts[account] = {"Diary": self.words.mark(user, secret=True)}
        self.notes.accounts[OUTSIDE_ACCOUNT] = {}
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._acting:
            task.cancel()
        await asyncio.gather(*self._acting, return_exceptions=True)
        await self.stop()
        await self._exits.aclose()

    # Deputy's lives.

    @property
    def database(self) -> Path:
        return self.world.folder / "deputy.db"

    async def start(self) -> None:
        """Start Deputy and wait until it listens."""
        self._stopping = asyncio.Event()
        up = asyncio.Event()
        self._life = asyncio.create_task(self._live(up))
        waiting = asyncio.create_task(up.wait())
        await asyncio.wait({self._life, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._life.done():
            self._life.result()

    async def _live(self, up: asyncio.Event) -> None:
        async with running(self.world.settings, HurriedClock(self.world.peers.clock)) as app:
            self.world.app = app
            serving = asyncio.create_task(app.serve(self._stopping))
            try:
                await self.world._ready()
                up.set()
                await serving
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

    async def stop(self) -> None:
        """Stop as a deployment does."""
        await self._cancel()
        self._stopping.set()
        if self._life:
            await self._ended(self._life)

    async def _ended(self, life: asyncio.Task[None]) -> None:
        """Wait for the end, and say what it hangs on rather than hang."""
        if not (await asyncio.wait({life}, timeout=60))[0]:
            raise RuntimeError(f"Deputy does not end: {sorted(map(repr, asyncio.all_tasks()))}")
        await life

    async def kill(self) -> None:
        """Take away socket and tasks, whatever they are in the middle of.

        The web server is left to end by itself: uvicorn would keep its sockets. A real SIGKILL is `tests.kill`'s.
        """
        self.slack.drop_socket()
        await self.stop()

    async def _cancel(self) -> None:
        """End every task between two transactions: one that is cancelled inside may keep the database locked.

        With the process, as `tests.kill` has it, the lock would end too; here the process goes on.
        """
        app = self.world.app
        if app is None or self._life is None or self._life.done():
            return
        async with app.database._exclusive():
            tasks = list(app.supervisor._tasks)
            for task in tasks:
                task.cancel()
            if tasks:
                # One that would still write something waits for the lock that is held here; `stop` ends it.
                await asyncio.wait(tasks, timeout=0.5)

    async def restart(self, *, is_killed: bool) -> None:
        """End Deputy one way or the other and start it again on the same database."""
        self.restarts += 1
        await (self.kill() if is_killed else self.stop())
        with suppress(ConfigurationError):
            await self.start()
            return
        await self.start()

    # People's acts.

    async def act(self, doing: Coroutine[Any, Any, None]) -> None:
        """Let somebody begin something; return when there is room for the next, not when it is done."""
        task = asyncio.create_task(self._tried(doing))
        self._acting.add(task)
        await asyncio.sleep(0)
        while len(self._acting) >= AT_ONCE:
            await asyncio.wait(self._acting, return_when=asyncio.FIRST_COMPLETED)
            self._collect()
        for _ in range(200):
            if sum(session.status == "running" for session in self.agents.sessions.values()) <= BUSY:
                break
            await asyncio.sleep(0.002)
        self._collect()

    async def _tried(self, doing: Coroutine[Any, Any, None]) -> None:
        """What Slack would not offer, or who is not there to answer, is no finding."""
        with suppress(NotPossible, RefusedByService, SlackError, TimeoutError, httpx2.TransportError):
            async with patience():
                await doing

    def _collect(self) -> None:
        for task in [task for task in self._acting if task.done()]:
            self._acting.discard(task)
            task.result()

    async def settle(self, rounds: int = 3, patience: float = 10.0) -> None:
        """Return once nothing has moved for a while."""
        self.slack.deliveries._clock.advance(300)  # What Slack would try again in minutes comes now.
        before, still = None, 0
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while still < rounds or self._acting:
                    await asyncio.sleep(0.01)
                    self._collect()
                    now = (len(self.slack.calls), len(self.agents.calls), len(self.notes.visits), len(self.slack.acks))
                    still, before = (still + 1, now) if now == before else (0, now)
