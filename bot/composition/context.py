"""What is built first, for everything that is built after it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from bot.domain.access.admission import Admission
from bot.domain.access.eligibility import Home
from bot.domain.approvals.rules import RuledPermits
from bot.domain.budgets.increase_commands import MET_A_LIMIT, Raising
from bot.domain.config.service import Configuration
from bot.domain.filters.apply import Filtering
from bot.domain.home.app_home import Homes
from bot.domain.home_refresh import Refreshing
from bot.domain.outbox import Outbox
from bot.domain.ports import Agents, Clock
from bot.domain.sessions.tool_pinning import Pinning
from bot.domain.supervisor import Supervisor
from bot.domain.turns.driver import Outside
from bot.env import Settings
from bot.metrics import Metrics
from bot.slack.answer.unposted import Begun
from bot.slack.client import SlackApi
from bot.slack.conversations import Conversations
from bot.slack.files import SlackFiles
from bot.slack.people import SlackPeople
from bot.slack.screen import SlackScreen
from bot.slack.thread_history import SlackReading
from oauth.catalog.catalog import Catalog
from store.database import Database
from store.records import Turn

if TYPE_CHECKING:
    from oauth.guarded_http import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The ways to the outside, as `bot.composition.peers` gives them."""

    catalog: Catalog
    database: Database
    slack: SlackApi
    session: aiohttp.ClientSession
    agents: Agents
    sender: Sender
    clock: Clock
    home: Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is built on the way, for what is built after it."""

    settings: Settings
    database: Database
    catalog: Catalog
    outside: Outside
    people: SlackPeople
    begun: Begun
    reading: SlackReading
    files: SlackFiles
    supervisor: Supervisor
    metrics: Metrics
    configuration: Configuration
    admission: Admission
    filtering: Filtering
    permits: RuledPermits
    pinning: Pinning
    homes: Homes
    outbox: Outbox
    refreshing: Refreshing
    sender: Sender
    home: Home

    def on_end(self, raising: Raising, turn: Turn, outcome: str) -> None:
        """A turn is over: count it, show it where its owner looks, and offer more where a budget ended it."""
        self.metrics.count_end(outcome)
        self.refreshing.changed(turn.owner.workspace_id, turn.owner.user_id)
        if outcome in MET_A_LIMIT:
            self.supervisor.start(lambda: raising.offer(turn.thread_id))


def new_reference() -> str:
    """Return a short name for an incident, for a person to quote and an operator to find."""
    return secrets.token_hex(4).upper()


def build_parts(settings: Settings, opened: Opened) -> Parts:
    """Build what the rooms share."""
    database, catalog, clock, api = opened.database, opened.catalog, opened.clock, opened.slack
    conversations, begun = Conversations(api, clock), Begun()
    people = SlackPeople(api=api, clock=clock, conversations=conversations)
    screen = SlackScreen(
        api=api, database=database, clock=clock, titles=catalog.titles, begun=begun, conversations=conversations
    )
    metrics, supervisor = _supervised(clock)
    configuration = Configuration(database=database, clock=clock, first_admins=settings.admins, people=people)
    permits = RuledPermits(configuration, clock)
    homes = Homes(
        database=database, screen=screen, catalog=catalog, clock=clock, permits=permits, configuration=configuration
    )
    return Parts(
        settings=settings,
        database=database,
        catalog=catalog,
        outside=Outside(opened.agents, screen, clock),
        people=people,
        begun=begun,
        reading=SlackReading(api=api, people=people),
        files=SlackFiles(api=api, session=opened.session, token=settings.slack_bot_token),
        supervisor=supervisor,
        metrics=metrics,
        configuration=configuration,
        admission=Admission(
            database=database, configuration=configuration, people=people, home=opened.home, clock=clock
        ),
        filtering=Filtering(database=database, configuration=configuration, clock=clock),
        permits=permits,
        pinning=Pinning(database=database, screen=screen, clock=clock, admins_of=configuration.admins_in),
        homes=homes,
        outbox=Outbox(clock),
        refreshing=Refreshing(supervisor=supervisor, clock=clock, refresh=homes.refresh, is_doubtful=homes.is_doubtful),
        sender=opened.sender,
        home=opened.home,
    )


def _supervised(clock: Clock) -> tuple[Metrics, Supervisor]:
    metrics = Metrics()
    supervisor = Supervisor(new_reference, clock, metrics.count_again)
    metrics.watch_driven(lambda: supervisor.driven)
    metrics.watch_failing(lambda: len(supervisor.failing))
    return metrics, supervisor
