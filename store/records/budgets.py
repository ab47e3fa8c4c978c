"""Budgets, and requests to raise one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import ChannelId, MessageTs, UserId, WorkspaceId


class BudgetKind(StrEnum):
    """Whose spending in a month a budget limits."""

    MEMBER = "member"
    CHANNEL = "channel"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class Budget:
    """The name of a monthly budget."""

    kind: BudgetKind
    name: str = ""
    """A member's user id or a channel's id; empty for the workspace."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class ShortfallState(StrEnum):
    """What became of a request to raise a budget."""

    OPEN = "open"
    RAISED = "raised"
    """There is room again, whether or not this request was the reason."""
    DECLINED = "declined"
    """An admin said “not now”."""
    OVER = "over"
    """The month has ended."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A budget that is used up and that somebody asked to have raised; one for all who ask."""

    id: str
    workspace_id: WorkspaceId
    budget: Budget
    month: datetime
    """The month's first moment."""
    limit_cents: int
    """The limit that was reached, in US cents."""
    state: ShortfallState = ShortfallState.OPEN
    decided_by: UserId | None = None
    """None where nobody decided, or the settings' file did."""
    raised_to: int | None = None
    """US cents; None where it was not raised, or the limit was removed."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for a budget to be raised, and where."""

    user_id: UserId
    channel: ChannelId
    thread_ts: MessageTs | None = None
