"""Sixty people's worth of requests within a minute, in one workspace with Slack's documented limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.env import Settings
from simulator.clock import SimulatorClock
from simulator.peers import Peers
from simulator.slack.limits import CHANNEL_BURST, CHANNEL_PER_SECOND, MINUTE
from simulator.slack.methods.registry import METHODS
from tests.world import ALICE, BOB, CAROL, GENERAL, World, free_port

TURNS = 60
WORDS, WRITING = 15, 5.0
"""How long the answers are, and how many seconds the agent takes for one: three words each."""
GATHERED = 2.0
"""Seconds that a question about the channel waits for others to share its answer: who reads along is asked for each."""
STEP = 1.0
"""Seconds of simulated time between two looks."""
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC).timestamp()


class StillClock(SimulatorClock):
    """Time that passes only when it is turned, so that a slow machine measures the same as a fast one."""

    is_still = True

    def now(self) -> float:
        return START + self._offset


class Steps:
    """Deputy's clock on it: sleeps end when their time has come."""

    def __init__(self, source: SimulatorClock) -> None:
        self._source = source
        self._turned = asyncio.Event()

    def now(self) -> datetime:
        return self._source.utc()

    def steady(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, when: datetime) -> None:
        while self.now() < when:
            await self._turned.wait()

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        while not signal.is_set() and (until is None or self.now() < until):
            tasks = [asyncio.create_task(event.wait()) for event in (signal, self._turned)]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()

    def turn(self, seconds: float) -> None:
        self._source.advance(seconds)
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()


async def quiet(world: World) -> None:
    """Return once nobody has anything to do at this moment, however slow the machine is."""
    before, still = None, 0
    while still < 6:  # a loaded machine takes a while to wake the database's thread
        async with world.app.database.transaction():
            pass  # it is fair: whoever wanted the database before has had it
        await asyncio.sleep(0.004)
        sessions = world.agents.sessions.values()
        said = sum(len(session.events) + session.output_tokens for session in sessions)
        now = (len(world.slack.calls), world.slack.workspace.version, len(world.agents.calls), said)
        before, still = now, still + 1 if now == before else 0


def fewest_seconds(writing: float) -> float:
    """Return how long the limits alone make this take, however clever one is.

    Each request shows who asked, which is a post; each answer is a post or a stream, begun and ended, and no
    stream can end before its request has come and its answer is written.
    """
    streams = min(METHODS[f"chat.{name}Stream"].per_minute for name in ("start", "stop"))
    ends = [60 * number / TURNS + writing for number in range(streams)]
    ends += [end + MINUTE for end in ends]

    def is_enough(seconds: float) -> bool:
        posts = CHANNEL_BURST + CHANNEL_PER_SECOND * seconds
        return posts + sum(end <= seconds for end in ends) >= 2 * TURNS

    return next(tenths / 10 for tenths in range(100_000) if is_enough(tenths / 10))


@dataclass
class Rush:
    """What came of it."""

    world: World
    began: float
    answered: dict[str, float]
    """Root → when its answer was whole."""
    shown: dict[str, float]
    """Root → how long it took until it was there."""

    def look(self) -> None:
        for number, root in enumerate(roots(self.world)):
            asked_at = self.began + 60 * number / TURNS
            self.shown.setdefault(root.ts, self.world.peers.clock.now() - asked_at)
            if root.ts not in self.answered and self.world.answers(root):
                self.answered[root.ts] = self.world.peers.clock.now() - self.began


async def asked_within_a_minute(world: World) -> Rush:
    rush = Rush(world, world.peers.clock.now(), {}, {})
    asked = 0
    while len(rush.answered) < TURNS:
        passed = world.peers.clock.now() - rush.began
        while asked < TURNS and asked <= passed * TURNS / 60:
            who = (ALICE, BOB, CAROL)[asked % 3]
            await world.slack.type_command(who, GENERAL, f"/agent ask write a long text of {WORDS} words")
            asked += 1
        await quiet(world)
        rush.look()
        assert passed < 300, f"{len(rush.answered)} answered"
        world.turn(STEP)
    return rush


def roots(world: World) -> list:
    """Return the messages that say who asked."""
    return [message for message in world.slack.messages(GENERAL) if " asked: " in message.text]


def words_of(world: World, root) -> str:
    """Return the answer as people read it, without tasks and footers."""
    thread = world.slack.thread(root.channel, root.ts)[1:]
    blocks = [[block["text"] for block in message.blocks if block["type"] == "markdown"] for message in thread]
    return "".join("".join(found) or message.markdown for found, message in zip(blocks, thread, strict=True))


def kinds(world: World) -> Counter[str]:
    """Count by how answers were shown: streamed, edited, or in one message at their end."""
    edited = {call.args["ts"] for call in world.slack.calls_of("chat.update", ok=True)}

    def kind(message) -> str:
        if message.streaming_state:
            return "streamed"
        return "edited" if message.ts in edited else "at once"

    return Counter(kind(answer) for root in roots(world) for answer in world.answers(root))


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_sixty_turns_within_a_minute_lose_nothing_and_take_what_the_limits_ask(tmp_path, capsys):
    port = free_port()
    async with Peers(clock=StillClock()).running() as peers:
        url = f"http://127.0.0.1:{port}"
        settings = Settings.from_environ(peers.environment(url, port, f"sqlite+aiosqlite:///{tmp_path}/deputy.db"))
        world = World(peers, settings, tmp_path, Steps(peers.clock))
        peers.slack.enforce_rate_limits = True
        peers.agents.pace = 1.0
        async with world.deputy():
            rush = await asked_within_a_minute(world)
            took, floor = max(rush.answered.values()), fewest_seconds(WRITING)
            limited = [call.method for call in world.slack.calls if call.error == "ratelimited"]
            with capsys.disabled():
                ratio = f"{took / floor:.2f} x"
                print(f"\n{TURNS} turns: last answer after {took:.1f} s, the limits allow {floor:.1f} s ({ratio})")
                print(f"shown {dict(kinds(world))}, calls {dict(Counter(call.method for call in world.slack.calls))}")

            assert {len(words_of(world, root).split()) for root in roots(world)} == {WORDS}
            assert limited == []
            assert took <= 1.1 * floor + GATHERED
            assert len(kinds(world)) > 1, "nothing was short"
            while world.app.supervisor.driven:
                await quiet(world)
                world.turn(STEP)
            assert world.slack.workspace.open_streams() == []
            assert max(rush.shown.values()) <= 5 + GATHERED
