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
    """Others' calls for which this member may be the second approver."""
    allowances: tuple[tuple[Allowance, str], ...] = ()
    """The tools that are always allowed, each with its thread's title."""
    recent: tuple[Thread, ...] = ()
    spending: Spending = field(default_factory=Spending)
    is_admin: bool = False
    """Shows the button for the settings."""


@dataclass(frozen=True, slots=True)
class StatusShown:
    """The answer to `/agent status`."""

    home: Home


@dataclass(frozen=True, slots=True)
class HelpShown:
    """What the member can do next.

    `unknown` is a subcommand that does not exist, `near` those that do and look like it, `words` all that was typed,
    to be copied.
    """

    home: Home
    unknown: str | None = None
    near: tuple[str, ...] = ()
    words: str = ""
