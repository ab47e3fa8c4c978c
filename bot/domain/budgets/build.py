"""Builds what a used-up budget leads to."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.budgets.increase_commands import BudgetIncreaseCommands
from bot.domain.budgets.increase_requests import BudgetIncreaseRequests
from bot.domain.context import DomainContext


@dataclass(frozen=True, slots=True)
class BudgetIncreases:
    """Asking for a higher budget, and the answers."""

    requests: BudgetIncreaseRequests
    commands: BudgetIncreaseCommands


def build_budgets(context: DomainContext) -> BudgetIncreases:
    """Build it on the settings, which have the budgets (`context.config`)."""
    requests = BudgetIncreaseRequests(context)
    return BudgetIncreases(requests, BudgetIncreaseCommands(context, requests))
