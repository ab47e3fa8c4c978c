"""Notices about what is spent, and about raising a budget."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from store.records import Asker, Shortfall, UserId


@dataclass(frozen=True, slots=True)
class Spending:
    """What a member spent this month, and their budget where there is one; in cents."""

    spent: float = 0.0
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class RaiseAsked:
    """To an admin: people ask for a budget to be raised; then, what became of it."""

    shortfall: Shortfall
    spent_cents: float
    askers: tuple[UserId, ...]


class RaiseAnswer(StrEnum):
    """What a member hears who asks for a budget to be raised."""

    ASKED = "asked"
    DECLINED = "declined"
    """An admin has said: not now."""
    ROOM = "room"
    """There is room again by now."""
    NOBODY = "nobody"
    """There is no admin to ask."""


@dataclass(frozen=True, slots=True)
class RaiseAnswered:
    """To who asked, in place of the button."""

    answer: RaiseAnswer


@dataclass(frozen=True, slots=True)
class RaiseSettled:
    """To who asked: what became of it, and where they were."""

    shortfall: Shortfall
    asker: Asker
