"""How much a turn may cost, of what is left this month of its member, its channel and the workspace; pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bot.config.model import Config, Profile
from bot.errors import Refusal, Refused
from store.records import Thread
from store.spending import Spent

CENTS = 100


def month_of(now: datetime) -> datetime:
    """Return when the month of a moment began, in UTC."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def allowance(config: Config, profile: Profile, thread: Thread, spent: Spent) -> int | Refused:
    """Return how many US cents a turn may cost, or whose budget is used up.

    Whole cents, for the API's budgets have no smaller ones (managed-agents-api.md §2.3).
    """
    per_turn = int((profile.budget_per_turn or config.budgets.per_turn) * CENTS)
    for refusal, limit, used in _limits(config, thread, spent):
        if limit is None:
            continue
        left = int(limit * CENTS - Decimal(str(used)))
        if left < 1:
            return Refused(refusal)
        per_turn = min(per_turn, left)
    return per_turn


def monthly_of(config: Config, user_id: str) -> Decimal | None:
    """Return a member's budget for a month in US dollars: their own, else the general one; None where there is none."""
    own = config.member(user_id).budget_per_month
    return config.budgets.member_per_month if own is None else own


def _limits(config: Config, thread: Thread, spent: Spent) -> list[tuple[Refusal, Decimal | None, float]]:
    general = config.budgets
    channel = None if thread.is_private else config.channel(thread.channel).budget_per_month
    of_channels = None if thread.is_private else general.channel_per_month
    return [
        (Refusal.MEMBER_BUDGET_USED, monthly_of(config, thread.owner.user_id), spent.member),
        (Refusal.CHANNEL_BUDGET_USED, of_channels if channel is None else channel, spent.channel),
        (Refusal.WORKSPACE_BUDGET_USED, general.workspace_per_month, spent.workspace),
    ]
