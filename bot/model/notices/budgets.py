"""Notices about spending and about raising a budget."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from store.records import Asker, Shortfall, UserId


@dataclass(frozen=True, slots=True)
class Spending:
    """What a member has spent this month, and their budget if there is one; in US cents."""

    spent: float = 0.0
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class RaiseAsked:
    """To an admin: people ask to have a budget raised; later, what became of it."""

    shortfall: Shortfall
    spent_cents: float
    askers: tuple[UserId, ...]


class RaiseAnswer(StrEnum):
    """What a member hears at once when they ask to have a budget raised."""

    ASKED = "asked"
    DECLINED = "declined"
    """An admin has decided already: not now."""
    ROOM = "room"
    """The budget is no longer used up."""
    NOBODY = "nobody"
    """There is no admin to ask."""


@dataclass(frozen=True, slots=True)
class RaiseAnswered:
    """To the member who asked; replaces the button."""

    answer: RaiseAnswer


@dataclass(frozen=True, slots=True)
class RaiseSettled:
    """To a member who asked: what an admin decided; `asker` has the channel where they asked."""

    shortfall: Shortfall
    asker: Asker
