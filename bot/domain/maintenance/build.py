"""Builds what looks after things at its own pace, and what a member who leaves takes along."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.budgets.build import BudgetIncreases
from bot.domain.connections.build import MemberConnections
from bot.domain.context import DomainContext
from bot.domain.maintenance.config_watcher import ConfigWatcher
from bot.domain.maintenance.hourly import HourlyMaintenance
from bot.domain.maintenance.member_checks import MemberChecks
from bot.domain.maintenance.offboarding import Offboarding
from bot.domain.turns.build import Turns


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The periodic work, not yet started, and off-boarding."""

    offboarding: Offboarding
    hourly: HourlyMaintenance
    watcher: ConfigWatcher


def build_maintenance(
    context: DomainContext,
    budgets: BudgetIncreases,
    connections: MemberConnections,
    turns: Turns,
) -> Maintenance:
    """Build it on what it stops, ends and purges."""
    offboarding = Offboarding(
        context, stopping=turns.stopper, connections=connections.browser, vaults=connections.vaults
    )
    checks = MemberChecks(context, offboarding)
    chores = {
        "members": checks.check_due_members,
        "credentials": connections.vaults.let_go_again,
        "lapses": connections.expiry.look_at_clock,
        "pins": connections.pinning.look_at_clock,
    }
    watcher = ConfigWatcher(
        context,
        stopping=turns.stopper,
        shortages=budgets.requests,
        reload=connections.services.reload,
    )
    return Maintenance(offboarding, HourlyMaintenance(context, chores), watcher)
