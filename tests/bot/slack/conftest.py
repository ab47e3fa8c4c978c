"""The screen with a real database against the simulated Slack."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.model.notices import Offered
from bot.slack.answer.unposted import UnpostedMessages
from bot.slack.client import SlackApi, build_client
from bot.slack.context import SlackContext
from bot.slack.conversations import Conversations
from bot.slack.rate_limiter import RateLimiter
from bot.slack.screen import SlackScreen
from simulator.clock import SimulatorClock
from simulator.slack.messages import Message
from simulator.slack.server import SlackSimulator
from store.database import Database
from store.records import Member, Secret, Thread, Turn
from tests.builders import a_thread, a_turn, store_thread, store_turn

TITLES = {"notes": "Notes", "notion": "Notion"}


class TurnedClock:
    """The simulator's clock; sleeping turns it."""

    def __init__(self, simulated: SimulatorClock) -> None:
        self._simulated = simulated

    def now(self) -> datetime:
        return self._simulated.utc()

    def steady(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, when: datetime) -> None:
        self._simulated.advance(max(0.0, (when - self.now()).total_seconds()))


@dataclass
class Desk:
    """One process of ours in front of the simulated Slack; `restarted` is another one on the same database."""

    slack: SlackSimulator
    database: Database
    clock: TurnedClock
    session: aiohttp.ClientSession
    screen: SlackScreen
    api: SlackApi
    begun: UnpostedMessages

    @property
    def alice(self) -> Member:
        return Member(
            workspace_id=self.slack.team_id, user_id=self.slack.alice, team_id=self.slack.team_id, name="Alice"
        )

    async def a_turn(self, **changes: object) -> tuple[Thread, Turn]:
        now = self.clock.now()
        thread = a_thread(self.alice, channel=self.slack.general, created_at=now, **changes)
        self.begun.add(thread.id)
        root = await self.screen.post_root(thread, "summarise my notes", Offered(("notes",)))
        thread = replace(thread, thread_ts=root)
        turn = a_turn(thread, created_at=now, started_at=now)
        self.begun.add(turn.id)
        async with self.database.transaction() as tx:
            await store_thread(tx, thread)
            await store_turn(tx, turn)
        return thread, turn

    def replies(self, thread: Thread) -> list[Message]:
        return self.slack.thread(thread.channel, thread.thread_ts)[1:]

    def restarted(self) -> Desk:
        return a_desk(self.slack, self.database, self.session)


def a_desk(slack: SlackSimulator, database: Database, session: aiohttp.ClientSession) -> Desk:
    clock = TurnedClock(slack.clock)
    client = build_client(token=Secret(slack.bot_token), session=session, base_url=slack.api_url)
    api = SlackApi(client=client, clock=clock, pacer=RateLimiter(clock), workspace=slack.team_id)
    begun = UnpostedMessages()
    screen = SlackScreen(
        SlackContext(api, database, clock), titles=TITLES, unposted=begun, conversations=Conversations(api, clock)
    )
    return Desk(slack, database, clock, session, screen, api, begun)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    key = Secret(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    database = Database.open(f"sqlite:///{tmp_path / 'deputy.db'}", (key,))
    await database.migrate()
    # Connections that stay open are tasks of the simulator's, which would look like ours left behind.
    connector = aiohttp.TCPConnector(force_close=True)
    async with SlackSimulator().running() as slack, aiohttp.ClientSession(connector=connector) as session:
        yield a_desk(slack, database, session)
    await database.close()
