"""A whole Deputy against fresh peers for one case: kept alive, used as people use it, with time in a hurry.

What goes wrong is `faults`, what people do `journeys`, what must hold afterwards `invariants`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import httpx2

import bot.app
import bot.composition.peers
from bot.agents.api import ManagedAgents
from bot.agents.client import open_client
from bot.agents.event_stream import Pace
from bot.domain.supervisor import ENDLESS
from bot.model import action_ids
from bot.model.errors import ConfigurationError, DeputyError
from simulator.agents.state import Session
from simulator.clock import SimulatorClock
from simulator.slack.errors import NotPossible
from simulator.slack.messages import Message
from simulator.slack.people import BOT
from tests.anomalies.faults import Anomaly
from tests.world import GENERAL, World, world

PATIENCE = 60.0
"""Real seconds for a whole case; a turn that is stuck takes all of them."""
TIMEOUT = 1.0
"""Real seconds after which a call without an answer has failed."""
PAUSE = 100.0
"""Seconds up to which a sleep is a pause, to be passed over; what is longer is a date, to be waited for."""
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


class HurriedClock:
    """The peers' clock, turned forward by whoever would sleep: no pause and no backoff costs real time."""

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.utc()

    def steady(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, when: datetime) -> None:
        await self.wait_for(asyncio.Event(), when)

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        while until is None or (left := (until - self.now()).total_seconds()) > 0:
            # Never at once: what is under way must have a chance to come in the meantime.
            is_pause = until is not None and left <= PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(min(0.02, left / 20) if is_pause else 0.2):
                    await signal.wait()
                    return
            if is_pause and until is not None:
                self._clock.skip(max(0.0, (until - self.now()).total_seconds()))


def hurry(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Let nothing in this process wait for long: neither for answers that never come nor between tries."""
    pace = Pace(first_pause=0.01, longest_pause=0.05, patience=PATIENCE, read_timeout=2 * TIMEOUT)
    put(bot.composition.peers, "SLACK_TIMEOUT", aiohttp.ClientTimeout(total=TIMEOUT))
    put(bot.composition.peers, "open_client", partial(open_client, timeouts=httpx2.Timeout(TIMEOUT, read=TIMEOUT)))
    put(bot.composition.peers, "ManagedAgents", partial(ManagedAgents, pace=pace))


class Stage:
    """One case: its world, and Deputy's lives in it."""

    def __init__(self, there: World, anomaly: Anomaly) -> None:
        self.world, self.anomaly = there, anomaly
        self.slack, self.agents, self.notes = there.slack, there.agents, there.notes
        self.clock = HurriedClock(there.peers.clock)
        self.lives = 0
        self.gone: list[Session] = []
        """Sessions that a journey deleted."""
        self._is_over = asyncio.Event()
        self._died = asyncio.Event()
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    # Deputy's lives.

    async def start(self) -> None:
        """Start Deputy and keep it alive."""
        self._is_over.clear()
        self._keeper = asyncio.create_task(self._keep())
        await self.listening()

    async def stop(self) -> None:
        """End Deputy as a deployment does."""
        self._is_over.set()
        if self._keeper:
            await self._keeper

    async def listening(self) -> None:
        """Return once Deputy is up."""
        while self._died.is_set() and not (self._keeper and self._keeper.done()):  # noqa: ASYNC110 - each life has its own
            await asyncio.sleep(0.01)
        up = asyncio.create_task(self._up.wait())
        assert self._keeper
        await asyncio.wait({self._keeper, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._keeper.done():
            self._keeper.result()

    async def _keep(self) -> None:
        """Start Deputy again whenever it has died, or could not start for an outage."""
        failures = 0
        while not self._is_over.is_set():
            self._died, buried = asyncio.Event(), asyncio.Event()
            try:
                await self._live(buried)
            except (ConfigurationError, DeputyError, TimeoutError):
                failures += 1
                if failures > 5:
                    raise
            finally:
                self._up.clear()

    async def _live(self, buried: asyncio.Event) -> None:
        stopping = asyncio.Event()
        async with bot.app.running(self.world.settings, clock=self.clock) as app:
            self.lives += 1
            self.world.app = app
            self.anomaly.watch(app.database, self._died, buried)
            serving = asyncio.create_task(app.serve(stopping))
            await self._ready_or_dead()
            self._up.set()
            await self._until_any(self._is_over, self._died)
            if self._died.is_set():
                self.slack.drop_socket()
            await self._cut(app)
            buried.set()
            stopping.set()
            await serving

    async def _ready_or_dead(self) -> None:
        """Return once Deputy answers, or once it has died on the way there: then it never will."""
        tasks = [asyncio.create_task(self.world._ready()), asyncio.create_task(self._died.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        if tasks[0].done() and not tasks[0].cancelled():
            tasks[0].result()

    @staticmethod
    async def _until_any(*events: asyncio.Event) -> None:
        tasks = [asyncio.create_task(event.wait()) for event in events]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()

    @staticmethod
    async def _cut(app: Any) -> None:
        """Cancel every task between two transactions: one that is cancelled inside one may keep the file locked."""
        async with app.database._exclusive():
            tasks = list(app.supervisor._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # What people do.

    async def ask(self, user: str, task: str, channel: str = GENERAL, *, how: str = "ask") -> Message:
        """Type a request, again if Slack said that it failed and nothing came of it; return its root."""
        before = {message.ts for message in self.slack.messages(channel)}

        def root(_: object) -> Message | None:
            new = (m for m in self.slack.messages(channel) if m.ts not in before and m.ts == (m.thread_ts or m.ts))
            return next((m for m in new if "asked" in (said := self.slack.text_of(m)) and task in said), None)

        for _ in range(4):
            await self.listening()
            delivery = await self.slack.type_command(user, channel, f"/agent {how} {task}")
            with suppress(TimeoutError):
                return await self.slack.until(root, PATIENCE if delivery.is_acked else 10)
        raise AssertionError(f"no root for {task!r}")

    async def mention(self, user: str, task: str, channel: str = GENERAL, **given: Any) -> Message:
        """Ask in a message of one's own, with files or in a thread; it is the root where it begins one."""
        await self.listening()
        return await self.slack.post_message(user, channel, f"<@{BOT}> {task}", **given)

    async def reply(self, user: str, root: Message, text: str) -> Any:
        """Write in a thread."""
        return await self.slack.post_message(user, root.channel, text, thread_ts=root.ts)

    async def press(self, user: str, find: Callable[[], Message | None], action: str) -> None:
        """Press a button that is found, again while it is still there and Slack says that it failed."""
        message = await self.slack.until(lambda _: find(), PATIENCE)
        offered = self.slack.buttons_of(message, user).get(action)
        for _ in range(6):
            await self.listening()
            with suppress(NotPossible):
                await self.slack.click(user, message, action, value=offered and offered.get("value"))
            with suppress(TimeoutError):
                await self.slack.until(lambda _: self.slack.buttons_of(message, user).get(action) != offered, 2)
                return

    def card(self, user: str, root: Message, action: str) -> Callable[[], Message | None]:
        """Return how to find the thread's newest message that offers this person this button."""

        def find() -> Message | None:
            thread = reversed(self.slack.thread(root.channel, root.ts))
            return next((m for m in thread if action in self.slack.buttons_of(m, user)), None)

        return find

    async def decide(self, user: str, root: Message, action: str) -> None:
        """Decide the held call whose card is the newest."""
        await self.press(user, self.card(user, root, action), action)

    async def shown(self, root: Message, words: str, count: int = 1, *, patience: float = PATIENCE) -> None:
        """Return once the thread shows the words so often."""
        await self.slack.until(lambda _: self.said(root).count(words) >= count, patience)

    def said(self, root: Message) -> str:
        """Return all that Deputy says in a thread after its root."""
        thread = self.slack.thread(root.channel, root.ts)
        return "\n".join(self.slack.text_of(m) for m in thread if m is not root and m.user == self.slack.bot_user_id)

    async def ask_about(self, user: str, about: Message, task: str) -> Message:
        """Use the shortcut on a message and send its form, each again where Slack failed it; return the root."""
        before = {message.ts for message in self.slack.messages(about.channel)}

        def root(_: object) -> Message | None:
            new = (
                m for m in self.slack.messages(about.channel) if m.ts not in before and m.ts == (m.thread_ts or m.ts)
            )
            return next((m for m in new if "asked" in (said := self.slack.text_of(m)) and task in said), None)

        form = await self.opened(user, lambda: self.slack.use_shortcut(user, about, "ask_about_message"))
        for _ in range(4):
            await self.listening()
            values = {action_ids.ASK_FIELD_BLOCK: {action_ids.ASK_FIELD: task}}
            delivery = await self.slack.submit_view(user, form, values)
            with suppress(TimeoutError):
                return await self.slack.until(root, PATIENCE if delivery.is_acked else 10)
        raise AssertionError(f"no root for {task!r}")

    async def opened(self, user: str, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do what opens a view, again until it is there; return it."""
        for _ in range(6):
            await self.listening()
            await act()
            with suppress(TimeoutError):
                return await self.slack.until(lambda _: self.slack.modal_of(user), 2)
        raise AssertionError("no view")

    async def set_paused(self, admin: str, verb: str) -> None:
        """Pause or resume everything in the settings, again where Slack says that it failed."""
        for _ in range(6):
            view = self.slack.modal_of(admin) or await self.opened(
                admin, lambda: self.slack.type_command(admin, GENERAL, "/agent admin")
            )
            block = next((b["block_id"] for b in view.payload["blocks"] if f"'{verb}'" in str(b)), None)
            if block is None:
                return
            await self.listening()
            await self.slack.click(admin, view, action_ids.SETTINGS, block_id=block, value=verb)
            with suppress(TimeoutError):
                await self.slack.until(lambda _, v=verb: f"'{v}'" not in str(self.slack.modal_of(admin)), 2)
                return
            await self.slack.close_modal(admin, view)

    async def recorded(self, action: str) -> None:
        """Return once the audit trail has an entry of this kind; a reader of its own, whatever happens to Deputy."""
        query = "SELECT count(*) FROM audit_entries WHERE action = ?"
        async with asyncio.timeout(PATIENCE):
            while True:
                with closing(sqlite3.connect(self.world.folder / "deputy.db")) as reader:
                    if reader.execute(query, (action,)).fetchone()[0]:
                        return
                await asyncio.sleep(0.02)

    async def connect(self, user: str) -> None:
        """Connect Notes as this member, as a browser would."""
        await self.listening()
        old = self.world.link_for(user)
        await self.slack.type_command(user, GENERAL, "/agent connect notes")
        url = await self.slack.until(lambda _: (found := self.world.link_for(user)) != old and found)
        page = await self.world.walk(url, user)
        assert page.status_code == 200, page.text

    def turn(self, seconds: float) -> None:
        """Let time pass for everybody at once."""
        self.world.peers.clock.advance(seconds)
        if self.world.app:
            self.world.app.supervisor.wake_all()

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """Return what sessions were sent, each event once, also those that are gone."""
        sessions = [*self.gone, *self.agents.sessions.values()]
        events = [event for session in sessions for event in session.events if event["type"] == kind]
        return list({event["id"]: event for event in events}.values())

    def picture(self) -> str:
        """Return what channels show, for who looks for what went wrong."""
        messages = [m for channel in self.slack.workspace.channels for m in self.slack.messages(channel)]
        return repr([self.slack.text_of(message)[:200] for message in messages])

    # Rest.

    async def settle(self, rounds: int = 4) -> None:
        """Return once nothing has moved for a while and nothing is owed."""
        before, still = None, 0
        while still < rounds:
            await asyncio.sleep(0.02)
            self.slack.deliveries._clock.advance(20)  # what Slack would try again in minutes comes now
            now = (len(self.slack.calls), len(self.agents.calls), len(self.slack.acks), self.lives)
            still, before = (still + 1, now) if now == before and self._is_idle() else (0, now)

    def _is_idle(self) -> bool:
        app = self.world.app
        is_up = self._up.is_set() and not self._died.is_set()
        if app is None or not is_up or self.slack.deliveries._unsettled:
            return False
        return all(task.get_name().startswith(ENDLESS) for task in app.supervisor._tasks)


@asynccontextmanager
async def staged(anomaly: Anomaly) -> AsyncIterator[Stage]:
    """Give a fresh stage with Deputy running on a fresh database."""
    with tempfile.TemporaryDirectory(prefix="deputy-anomaly-", dir=MEMORY) as name:
        async with world(Path(name)) as there:
            # Three seconds are three seconds here, or each of Deputy's pauses would be a timeout of Slack's.
            there.slack.deliveries._clock = SimulatorClock()
            stage = Stage(there, anomaly)
            there.agents.ping_every = TIMEOUT / 2
            anomaly.attach(there.peers)
            await stage.start()
            try:
                yield stage
            finally:
                anomaly.is_armed = False
                await stage.stop()
