"""`make kill RUNS=n`: SIGKILL the real bot at random points of turns with approvals, and start it again.

Each run asks two things as two members, kills once or twice, and then looks: every request that
Slack got an answer for is answered once, no prompt reached a session twice, no stream is left open,
no approved note is written twice. The last line is the count of each.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.env import Settings
from bot.model import action_ids
from simulator.peers import Peers
from simulator.ports import free_port
from simulator.slack.errors import NotPossible
from simulator.slack.messages import Message
from tests.process import BotProcess
from tests.world import ALICE, BOB, GENERAL, TurnableClock, World

LATENCY = {
    "chat.postMessage": 0.03,
    "chat.startStream": 0.03,
    "chat.appendStream": 0.02,
    "chat.stopStream": 0.03,
    "chat.update": 0.03,
    "users.info": 0.01,
}
"""Seconds each way, so that there is something to be killed in the middle of."""
DONE = "AI-generated"
PATIENCE = 60.0


@dataclass
class Counts:
    """What was seen, over all runs."""

    runs: int = 0
    kills: int = 0
    asked: int = 0
    unanswered_by_us: int = 0
    """Requests that Slack got no answer for, because the bot was dead: none of ours to carry out."""
    answered_once: int = 0
    lost: int = 0
    doubled: int = 0
    prompts_twice: int = 0
    orphaned_streams: int = 0
    notes_twice: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.prompts_twice or self.orphaned_streams or self.notes_twice)


@dataclass(frozen=True)
class Asked:
    """One request, found again by its word."""

    user: str
    word: str
    is_acked: bool
    is_note: bool


class Driver:
    """Asks, approves, kills, looks."""

    def __init__(self, peers: Peers, bot: BotProcess, chance: random.Random) -> None:
        self.peers, self.slack, self.bot, self.chance = peers, peers.slack, bot, chance
        self.counts = Counts()

    async def run(self, number: int) -> None:
        """One run: ask, kill, start again, look."""
        self.counts.runs += 1
        asking = asyncio.gather(*(self._ask(user, number) for user in (ALICE, BOB)))
        approving = asyncio.create_task(self._approve_all())
        for _ in range(self.chance.choice((1, 1, 2))):
            await asyncio.sleep(self.chance.uniform(0.0, 2.5))
            await self.bot.kill()
            self.counts.kills += 1
            await self.bot.start()
        await self.bot.ready()
        asked = await asking
        await self._settled(asked)
        approving.cancel()
        with suppress(asyncio.CancelledError):
            await approving
        for one in asked:
            self._look(one)

    async def _ask(self, user: str, number: int) -> Asked:
        await asyncio.sleep(self.chance.uniform(0.0, 0.5))
        word = f"w{number}x{user[-4:].lower()}x"
        is_note = self.chance.random() < 0.6
        task = (
            f"write a note called {word}: bread and butter" if is_note else f"write a long text of 120 words on {word}"
        )
        delivery = await self.slack.type_command(user, GENERAL, f"/agent ask {task}")
        await delivery.settled.wait()
        return Asked(user, word, delivery.is_acked, is_note)

    async def _approve_all(self) -> None:
        """Click Approve wherever it is offered, again if the click was lost with the bot."""
        while True:
            for message in list(self.slack.messages(GENERAL)):
                for reply in self.slack.thread(GENERAL, message.ts):
                    for user in (ALICE, BOB):
                        if action_ids.APPROVE in self.slack.buttons_of(reply, user):
                            with suppress(NotPossible):
                                await self.slack.click(user, reply, action_ids.APPROVE)
            await asyncio.sleep(0.1)

    async def _settled(self, asked: list[Asked]) -> None:
        """Wait until every request that Deputy has taken has its answer, and nothing moves any more.

        One that was never acknowledged may be carried out all the same, and begin when the other one has ended.
        """

        def is_settled(_: object = None) -> bool:
            taken = [one for one in asked if one.is_acked or self._roots(one)]
            return all(self._answers(one) for one in taken) and not self._open_streams()

        with suppress(TimeoutError):
            while True:
                await self.slack.until(is_settled, PATIENCE)
                await asyncio.sleep(0.3)
                if is_settled():
                    return

    def _look(self, one: Asked) -> None:
        answers = self._answers(one)
        prompts = self._prompts(one)
        written = [
            call for call in self.peers.notes.calls if call.tool == "write_note" and one.word in str(call.arguments)
        ]
        streams = self._open_streams()
        counts = self.counts
        counts.asked += 1
        counts.unanswered_by_us += not one.is_acked
        counts.answered_once += one.is_acked and len(answers) == 1
        lost = one.is_acked and not answers
        counts.lost += lost
        counts.doubled += len(answers) > 1 or len(self._roots(one)) > 1
        counts.prompts_twice += len(prompts) > 1
        counts.notes_twice += len(written) > 1
        counts.orphaned_streams += len(streams)
        if lost or len(answers) > 1 or len(self._roots(one)) > 1 or len(prompts) > 1 or len(written) > 1 or streams:
            told = [self.slack.text_of(m) for r in self._roots(one) for m in self.slack.thread(GENERAL, r.ts)]
            counts.problems.append(f"{one}: {len(answers)} answers, {len(prompts)} prompts, thread {told}")

    def _roots(self, one: Asked) -> list[Message]:
        messages = self.slack.messages(GENERAL)
        return [m for m in messages if m.ts == (m.thread_ts or m.ts) and one.word in self.slack.text_of(m)]

    def _answers(self, one: Asked) -> list[Message]:
        threads = [self.slack.thread(GENERAL, root.ts) for root in self._roots(one)]
        return [message for thread in threads for message in thread[1:] if DONE in self.slack.text_of(message)]

    def _prompts(self, one: Asked) -> list[str]:
        return [
            event["id"]
            for session in self.peers.agents.sessions.values()
            for event in session.events
            if event["type"] == "user.message" and one.word in str(event["content"])
        ]

    def _open_streams(self) -> list[str]:
        return [
            reply.ts
            for message in self.slack.messages(GENERAL)
            for reply in self.slack.thread(GENERAL, message.ts)
            if reply.is_open_stream
        ]


async def main(runs: int, seed: int) -> Counts:
    """Make the runs and return what was seen."""
    with tempfile.TemporaryDirectory(prefix="deputy-kill-") as name:
        folder, port = Path(name), free_port()
        async with Peers().running() as peers:
            peers.agents.pace = 0.01
            peers.slack.latency.update(LATENCY)
            peers.slack.latency_after.update(LATENCY)
            environment = peers.environment(f"http://127.0.0.1:{port}", port, f"sqlite+aiosqlite:///{folder}/deputy.db")
            bot = BotProcess(environment, folder)
            await bot.start()
            await bot.ready()
            driver = Driver(peers, bot, random.Random(seed))
            await _connect_both(peers, environment, folder)
            try:
                for number in range(runs):
                    await driver.run(number)
                    if not driver.counts.is_clean:
                        break
            finally:
                await bot.stop()
                if not driver.counts.is_clean:
                    print(bot.last_words())
        return driver.counts


async def _connect_both(peers: Peers, environment: dict[str, str], folder: Path) -> None:
    there = World(peers, Settings.from_environ(environment), folder, TurnableClock(peers.clock))
    for user in (ALICE, BOB):
        await there.connect_notes(user)


def report(counts: Counts, seed: int) -> str:
    """Return the one line."""
    return (
        f"kill: seed {seed}, {counts.runs} runs, {counts.kills} kills, {counts.asked} requests "
        f"({counts.unanswered_by_us} never acknowledged): {counts.answered_once} answered once, {counts.lost} lost, "
        f"{counts.doubled} doubled, {counts.prompts_twice} prompts twice, {counts.notes_twice} notes twice, "
        f"{counts.orphaned_streams} orphaned streams"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    given = parser.parse_args()
    seen = asyncio.run(main(given.runs, given.seed))
    for problem in seen.problems:
        print(problem)
    print(report(seen, given.seed))
    sys.exit(0 if seen.is_clean else 1)
