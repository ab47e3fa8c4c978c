"""`Context`: the collaborators that every other builder needs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from bot.domain.access.admission import Admission
from bot.domain.access.eligibility import HomeWorkspace
from bot.domain.approvals.rules import ApprovalRules
from bot.domain.budgets.increase_commands import MET_A_LIMIT, BudgetIncreaseCommands
from bot.domain.config.service import ConfigService
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.domain.home.app_home import AppHomes
from bot.domain.home_refresh import HomeRefresh
from bot.domain.outbox import Outbox
from bot.domain.ports import Agents, Clock
from bot.domain.sessions.tool_pinning import ToolPinning
from bot.domain.supervisor import Supervisor
from bot.env import Settings
from bot.metrics import Metrics
from bot.slack.answer.unposted import UnpostedMessages
from bot.slack.client import SlackApi
from bot.slack.context import SlackContext
from bot.slack.conversations import Conversations
from bot.slack.files import SlackFiles
from bot.slack.people import SlackDirectory
from bot.slack.screen import SlackScreen
from bot.slack.thread_history import SlackThreadHistory
from oauth.catalog.catalog import Catalog
from store.database import Database
from store.records import ChannelId, Turn

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The ways to the outside, as `bot.composition.peers` gives them."""

    catalog: Catalog
    database: Database
    slack: SlackApi
    session: aiohttp.ClientSession
    agents: Agents
    sender: GuardedSender
    clock: Clock
    home: HomeWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is built on the way, for what is built after it."""

    settings: Settings
    domain: DomainContext
    catalog: Catalog
    people: SlackDirectory
    begun: UnpostedMessages
    reading: SlackThreadHistory
    files: SlackFiles
    metrics: Metrics
    configuration: ConfigService
    admission: Admission
    filtering: FilterService
    permits: ApprovalRules
    pinning: ToolPinning
    homes: AppHomes
    outbox: Outbox
    refreshing: HomeRefresh
    sender: GuardedSender
    home: HomeWorkspace

    def doubt(self, channel: ChannelId) -> None:
        """Have the answers in a channel judged anew, at once."""
        self.admission.doubt(channel)
        self.domain.supervisor.wake_all()

    def on_end(self, raising: BudgetIncreaseCommands, turn: Turn, outcome: str) -> None:
        """A turn is over: count it, show it where its owner looks, and offer more where a budget ended it."""
        self.metrics.count_end(outcome)
        self.refreshing.changed(turn.owner.workspace_id, turn.owner.user_id)
        if outcome in MET_A_LIMIT:
            self.domain.supervisor.start(lambda: raising.offer(turn.thread_id))


def new_reference() -> str:
    """Return a short name for an incident, for a person to quote and an operator to find."""
    return secrets.token_hex(4).upper()


def build_parts(settings: Settings, opened: Opened) -> Context:
    """Build what every part needs."""
    database, catalog, clock, api = opened.database, opened.catalog, opened.clock, opened.slack
    conversations, begun = Conversations(api, clock), UnpostedMessages()
    people = SlackDirectory(api=api, clock=clock, conversations=conversations)
    screen = SlackScreen(
        SlackContext(api, database, clock), titles=catalog.titles, begun=begun, conversations=conversations
    )
    metrics, supervisor = _supervised(clock)
    domain = DomainContext(database=database, clock=clock, agents=opened.agents, screen=screen, supervisor=supervisor)
    configuration = ConfigService(database=database, clock=clock, first_admins=settings.admins, people=people)
    permits = ApprovalRules(configuration, clock)
    homes = AppHomes(domain, catalog=catalog, permits=permits, configuration=configuration)
    return Context(
        settings=settings,
        domain=domain,
        catalog=catalog,
        people=people,
        begun=begun,
        reading=SlackThreadHistory(api=api, people=people),
        files=SlackFiles(api=api, session=opened.session, token=settings.slack_bot_token),
        metrics=metrics,
        configuration=configuration,
        admission=Admission(
            database=database, configuration=configuration, people=people, home=opened.home, clock=clock
        ),
        filtering=FilterService(database=database, configuration=configuration, clock=clock),
        permits=permits,
        pinning=ToolPinning(database=database, screen=screen, clock=clock, admins_of=configuration.admins_in),
        homes=homes,
        outbox=Outbox(clock),
        refreshing=HomeRefresh(
            supervisor=supervisor, clock=clock, refresh=homes.refresh, is_doubtful=homes.is_doubtful
        ),
        sender=opened.sender,
        home=opened.home,
    )


def _supervised(clock: Clock) -> tuple[Metrics, Supervisor]:
    metrics = Metrics()
    supervisor = Supervisor(new_reference, clock, metrics.count_again)
    metrics.watch_driven(lambda: supervisor.driven)
    metrics.watch_failing(lambda: len(supervisor.failing))
    return metrics, supervisor
