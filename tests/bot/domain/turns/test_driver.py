"""What becomes of a turn whose way is blocked by a bug or an outage; the rest is in tests/journeys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from bot.config.model import Config
from bot.domain.approvals.lifecycle import ApprovalLifecycle
from bot.domain.filters.engine import AnswerFilter
from bot.domain.supervisor import Supervisor
from bot.domain.turns.driver import TurnDriver
from bot.domain.turns.loop import LoopContext
from bot.domain.turns.session_run import RunContext
from bot.domain.turns.thread_messages import ThreadMessages
from bot.domain.turns.turn_end import TurnEnds
from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.progress import OutcomeKind, Progress
from store import turns
from store.database import Database
from store.records import MessageTs, TurnState
from tests.builders import NOON, a_context, a_thread, a_turn, store_thread, store_turn


@dataclass
class StillClock:
    """Time passes only while somebody sleeps."""

    time: object = NOON

    def now(self):
        return self.time

    def steady(self):
        return self.now()

    async def sleep(self, seconds):
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, when):
        self.time = max(self.time, when)

    async def wait_for(self, _, until):
        if until is not None:
            self.time = max(self.time, until)


@dataclass
class Shown:
    """An answer that only remembers how it ended."""

    ends: list[Progress] = field(default_factory=list)

    async def finish(self, progress: Progress) -> None:
        self.ends.append(progress)


@dataclass
class BlockedScreen:
    """A screen whose control line cannot be posted, `times` times."""

    error: Exception
    times: int = 1
    answer: Shown = field(default_factory=Shown)
    tries: int = 0

    async def post_control(self, *_):
        self.tries += 1
        if self.tries <= self.times:
            raise self.error
        raise SlackRejected("channel_not_found")

    async def open_answer(self, *_):
        return self.answer

    async def remove_control(self, *_):
        return None


class SilentAgents:
    """The API, out of reach."""

    def __init__(self) -> None:
        self.interrupted: list[str] = []

    async def interrupt(self, session_id):
        self.interrupted.append(session_id)


class EverybodyMay:
    async def require_audience(self, _thread):
        pass


class NoFilters:
    async def sieve(self, _member):
        return AnswerFilter(Config())

    async def record(self, *_args, **_kwargs):
        pass


async def run(database: Database, screen: BlockedScreen):
    agents, clock, ended = SilentAgents(), StillClock(), []
    supervisor = Supervisor(lambda: "ABCD1234", clock)
    domain = a_context(database=database, clock=clock, agents=agents, screen=screen, supervisor=supervisor)
    approvals = ApprovalLifecycle(domain, sessions=None, find_rule=None, lifetime=timedelta(minutes=15))
    context = RunContext(domain, None, EverybodyMay(), None, LoopContext(domain, approvals, None))
    ends = TurnEnds(domain, filtering=NoFilters(), increases=None, count=ended.append)
    runner = TurnDriver(
        context, messages=ThreadMessages(domain, None, None), ends=ends, files=None, filtering=NoFilters()
    )
    async with database.transaction() as tx:
        thread = await store_thread(tx, a_thread(thread_ts=MessageTs("10.1")))
        turn = await store_turn(tx, a_turn(thread))
    runner.wake(turn.thread_id)
    await supervisor.idle()
    async with database.transaction() as tx:
        return await turns.get(tx, turn.id), ended, clock


async def test_a_bug_ends_the_turn_with_words_and_a_reference(database):
    screen = BlockedScreen(RuntimeError("a bug"))

    turn, ended, _ = await run(database, screen)

    assert (turn.state, ended) == (TurnState.FAILED, [OutcomeKind.BROKEN])
    assert [(p.outcome.kind, p.outcome.detail) for p in screen.answer.ends] == [(OutcomeKind.BROKEN, "ABCD1234")]


async def test_an_outage_of_slack_is_waited_for_and_a_turn_is_not_given_up(database):
    screen = BlockedScreen(SlackUnavailable(), times=12)
    screen.answer.finish = None  # a bug ends this test once the outage is over: what counts is the waiting

    _, _, clock = await run(database, screen)

    assert screen.tries == 13
    assert clock.now() - NOON > timedelta(minutes=5)
