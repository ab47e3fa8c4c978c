"""What a member's App Home, `/agent status` and `/agent help` show."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.model.notices.approvals import Waiting
from bot.model.notices.budgets import Spending
from bot.model.notices.connections import ServiceChoice
from bot.model.notices.turns import RunningTurn
from store.records import Allowance, Thread


@dataclass(frozen=True, slots=True)
class Home:
    """What a member's App Home and `/agent status` show."""

    choices: tuple[ServiceChoice, ...]
    turns: tuple[RunningTurn, ...]
    approvals: tuple[Waiting, ...]
    to_second: tuple[Waiting, ...] = ()
    """Calls of others that this member may confirm."""
    allowances: tuple[tuple[Allowance, str], ...] = ()
    """What is always allowed, each with its thread's title."""
    recent: tuple[Thread, ...] = ()
    spending: Spending = field(default_factory=Spending)
    is_admin: bool = False
    """Whether the settings are offered."""


@dataclass(frozen=True, slots=True)
class StatusShown:
    """The answer to `/agent status`."""

    home: Home


@dataclass(frozen=True, slots=True)
class HelpShown:
    """What the member can do next; `unknown` and `near` for a word nobody knows, `words` to copy again."""

    home: Home
    unknown: str | None = None
    near: tuple[str, ...] = ()
    words: str = ""
