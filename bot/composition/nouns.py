"""Builds every noun of the domain, each on the context and on the nouns before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.domain.access.admission import Admission
from bot.domain.admin.build import build_admin
from bot.domain.admin.commands import AdminCommands
from bot.domain.approvals.build import Approvals, build_approvals
from bot.domain.budgets.build import BudgetIncreases, build_budgets
from bot.domain.connections.build import ConnectWays, MemberConnections, build_connections
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.domain.home.build import Homes, build_home
from bot.domain.maintenance.build import Maintenance, build_maintenance
from bot.domain.sessions.build import Sessions, build_sessions
from bot.domain.turns.build import Turns, build_turns
from bot.env import Settings
from bot.metrics import Metrics
from oauth.connect.browser import SlackIdentity

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nouns:
    """What handlers, ways in and background tasks are made of."""

    budgets: BudgetIncreases
    access: Admission
    connections: MemberConnections
    sessions: Sessions
    approvals: Approvals
    turns: Turns
    home: Homes
    admin: AdminCommands
    maintenance: Maintenance


def build_nouns(context: DomainContext, settings: Settings, sender: GuardedSender, metrics: Metrics) -> Nouns:
    """Build them from left to right; `filters` and `access` are one service each."""
    filters, access = FilterService(context), Admission(context)
    budgets = build_budgets(context)
    ways = ConnectWays(settings.public_url.rstrip("/"), _choose_identity(settings), sender)
    connections = build_connections(context, access, ways)
    sessions = build_sessions(context, connections, settings.model)
    approvals = build_approvals(
        context, filters, access, sessions, lifetime=timedelta(minutes=settings.approval_minutes)
    )
    turns = build_turns(
        context,
        filters=filters,
        budgets=budgets,
        access=access,
        connections=connections,
        sessions=sessions,
        approvals=approvals,
        count_end=metrics.count_end,
    )
    return Nouns(
        budgets=budgets,
        access=access,
        connections=connections,
        sessions=sessions,
        approvals=approvals,
        turns=turns,
        home=build_home(context, approvals),
        admin=build_admin(context, budgets, connections, sessions, turns),
        maintenance=build_maintenance(context, budgets, connections, turns),
    )


def _choose_identity(settings: Settings) -> SlackIdentity | None:
    """Return how Slack proves who is at the browser; None: a code does, which is said at each start."""
    if settings.identity_check == "code":
        log.warning("identity_check_is_weak", by="code", better="DEPUTY_IDENTITY_CHECK=slack_oidc")
        return None
    return SlackIdentity.at(
        settings.slack_base_url, client_id=settings.slack_client_id, client_secret=settings.slack_client_secret
    )
