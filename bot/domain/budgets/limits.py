"""How much a turn may cost: the least that is left this month for its member, channel and workspace; pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bot.config.model import Config, Profile
from bot.model.errors import Refusal, Refused
from store.records import Budget, BudgetKind, Thread
from store.spending import Spent

CENTS = 100
USED_UP = {
    BudgetKind.MEMBER: Refusal.MEMBER_BUDGET_USED,
    BudgetKind.CHANNEL: Refusal.CHANNEL_BUDGET_USED,
    BudgetKind.WORKSPACE: Refusal.WORKSPACE_BUDGET_USED,
}


def month_of(now: datetime) -> datetime:
    """Return the beginning of a moment's month, in UTC."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def allowance(config: Config, profile: Profile, thread: Thread, spent: Spent) -> int | Refused:
    """Return how many US cents a turn may cost, or a refusal that names the budget which is used up.

    Whole cents, since the API's budgets have no fractions (docs/reference/managed-agents.md#sessions).
    """
    per_turn = int((profile.budget_per_turn or config.budgets.per_turn) * CENTS)
    for budget in list_of(thread):
        limit = limit_of(config, budget)
        if limit is None:
            continue
        # The session's budget stops a turn in the middle, so it gets no more than the smallest rest.
        left = left_of(limit, _used(budget, spent))
        if left < 1:
            return Refused(USED_UP[budget.kind], str(budget))
        per_turn = min(per_turn, left)
    return per_turn


def limit_of(config: Config, budget: Budget) -> Decimal | None:
    """Return a monthly budget in US dollars: its own limit, else the general one, None if there is neither."""
    general = config.budgets
    if budget.kind is BudgetKind.WORKSPACE:
        return general.workspace_per_month
    if budget.kind is BudgetKind.MEMBER:
        return monthly_of(config, budget.name)
    own = config.channel(budget.name).budget_per_month
    return general.channel_per_month if own is None else own


def left_of(limit: Decimal, used: float) -> int:
    """Return how many whole US cents are left of a limit in US dollars; `used` is in US cents."""
    return int(limit * CENTS - Decimal(str(used)))


def list_of(thread: Thread) -> tuple[Budget, ...]:
    """Return the budgets that a thread's turns count against."""
    own, whole = Budget(BudgetKind.MEMBER, thread.owner.user_id), Budget(BudgetKind.WORKSPACE)
    channel = thread.paying_channel
    return (own, whole) if channel is None else (own, Budget(BudgetKind.CHANNEL, channel), whole)


def read_budget(text: str) -> Budget | None:
    """Return the budget in a button's value (`member/U0ANN`), None for anything else."""
    kind, _, name = text.partition("/")
    return Budget(BudgetKind(kind), name) if kind in set(BudgetKind) else None


def monthly_of(config: Config, user_id: str) -> Decimal | None:
    """Return a member's monthly budget in US dollars: their own, else the general one, None if there is neither."""
    own = config.member(user_id).budget_per_month
    return config.budgets.member_per_month if own is None else own


def _used(budget: Budget, spent: Spent) -> float:
    used = {
        BudgetKind.MEMBER: spent.member,
        BudgetKind.CHANNEL: spent.channel,
        BudgetKind.WORKSPACE: spent.workspace,
    }
    return used[budget.kind]
