"""Builds the `DomainContext`: the collaborators that every noun may need."""

from __future__ import annotations

import secrets

from bot.composition.peers import OpenedPeers
from bot.domain.config.service import ConfigService
from bot.domain.context import DomainContext
from bot.domain.home_changes import HomeChanges
from bot.domain.outbox import Outbox
from bot.domain.supervisor import Supervisor
from bot.env import Settings
from bot.metrics import Metrics
from bot.slack.answer.unposted import UnpostedMessages
from bot.slack.context import SlackContext
from bot.slack.conversations import Conversations
from bot.slack.files import SlackFiles
from bot.slack.people import SlackDirectory
from bot.slack.screen import SlackScreen
from bot.slack.thread_history import SlackThreadHistory


def new_reference() -> str:
    """Return a short name for an incident, for a person to quote and an operator to find."""
    return secrets.token_hex(4).upper()


def build_context(
    settings: Settings, peers: OpenedPeers, metrics: Metrics, unposted: UnpostedMessages
) -> DomainContext:
    """Build it on the opened peers. `unposted`: what the screen need not look for before it posts it."""
    slack, clock = peers.slack, peers.clock
    conversations = Conversations(slack, clock)
    people = SlackDirectory(api=slack, clock=clock, conversations=conversations)
    return DomainContext(
        workspace=peers.install.home,
        database=peers.database,
        clock=clock,
        catalog=peers.catalog,
        config=ConfigService(database=peers.database, clock=clock, first_admins=settings.admins, people=people),
        agents=peers.agents,
        screen=SlackScreen(
            SlackContext(slack, peers.database, clock),
            titles=peers.catalog.titles,
            unposted=unposted,
            conversations=conversations,
        ),
        people=people,
        files=SlackFiles(api=slack, session=peers.session, token=settings.slack_bot_token),
        history=SlackThreadHistory(api=slack, people=people),
        supervisor=_build_supervisor(peers, metrics),
        outbox=Outbox(clock),
        home_changes=HomeChanges(),
    )


def _build_supervisor(peers: OpenedPeers, metrics: Metrics) -> Supervisor:
    supervisor = Supervisor(new_reference, peers.clock, metrics.count_again)
    metrics.watch_driven(lambda: supervisor.driven)
    metrics.watch_failing(lambda: len(supervisor.failing))
    return supervisor
