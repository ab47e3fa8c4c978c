"""Requests for a higher budget, and what is spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import ChannelId, MessageTs, UserId, WorkspaceId


class BudgetKind(StrEnum):
    """Whose month a budget is for."""

    MEMBER = "member"
    CHANNEL = "channel"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class Budget:
    """Names a budget for a month: of a member (user id), a channel (channel id), or the workspace (empty)."""

    kind: BudgetKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class ShortfallState(StrEnum):
    """What became of a budget that somebody asked to be raised."""

    OPEN = "open"
    RAISED = "raised"
    """There is room again, whoever made it."""
    DECLINED = "declined"
    """An admin said: not now."""
    OVER = "over"
    """Its month is."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A budget that is used up and that somebody asked to be raised: one for all who ask."""

    id: str
    workspace_id: WorkspaceId
    budget: Budget
    month: datetime
    """When it began."""
    limit_cents: int
    """What was used up."""
    state: ShortfallState = ShortfallState.OPEN
    decided_by: UserId | None = None
    """None where the settings' file did."""
    raised_to: int | None = None
    """US cents; None: there is no limit any more, or it was not raised."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for a budget to be raised, and where."""

    user_id: UserId
    channel: ChannelId
    thread_ts: MessageTs | None = None
