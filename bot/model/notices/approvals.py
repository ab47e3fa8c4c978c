"""Notices about held calls, and about tools that have changed."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.events import ToolCall
from bot.model.tool_risk import Hazard
from store.records import Approval, ServiceName, Thread, UserId


@dataclass(frozen=True, slots=True)
class Held:
    """A held call as it is shown: the decision on it so far, and how it is asked about."""

    approval: Approval
    call: ToolCall
    hazard: Hazard = Hazard.NONE
    may_remember: bool = False
    """The owner may say “always allow in this thread”."""
    is_over: bool = False
    """Its turn has ended: a decision that has not reached the session never will."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A held call in a list, without its arguments."""

    thread: Thread
    approval: Approval
    hazard: Hazard = Hazard.NONE
    title: str = ""
    """As `ToolCall.title`."""


@dataclass(frozen=True, slots=True)
class ApprovalWaiting:
    """Half the time is over and nobody decided; sent as a direct message."""

    thread: Thread
    approval: Approval
    count: int = 1
    """How many calls of this thread wait."""


@dataclass(frozen=True, slots=True)
class SecondAsked:
    """To a second approver: the owner has allowed this call, confirm it or not; then, what became of it."""

    thread: Thread
    held: Held


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool as it was trusted, and as its service lists it now; all of it the service's own words."""

    name: str
    before: str | None
    """Its description then; None for a new tool."""
    after: str
    is_schema_changed: bool
    hints: tuple[str, ...] = ()
    """What it says of itself differently: `readOnlyHint: True → False`."""
    title: tuple[str, str] | None = None
    """Before and now, where it is another."""
    schema: tuple[str | None, str] | None = None
    """What it takes, as JSON, before and now, where that is another; before is None where it was not kept."""


@dataclass(frozen=True, slots=True)
class ToolsChanged:
    """To an admin: tools that are asked about each time until somebody accepts them; none: all are trusted again."""

    service: ServiceName
    changes: tuple[ToolChange, ...]
    more: int
    """How many others there are."""
    digest: str
    accepted_by: UserId | None = None
    unseen: tuple[str, ...] = ()
    """Tools that are as they were trusted, and were not listed for long."""


@dataclass(frozen=True, slots=True)
class AllowanceRevoked:
    """The tool is asked about again."""
