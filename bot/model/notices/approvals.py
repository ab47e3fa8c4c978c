"""Notices about held calls and about tools that have changed."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.events import ToolCall
from bot.model.tool_risk import Hazard
from store.records import Approval, ServiceName, Thread, UserId


@dataclass(frozen=True, slots=True)
class Held:
    """A held call as a card shows it: the call, its decision so far, and which choices there are."""

    approval: Approval
    call: ToolCall
    hazard: Hazard = Hazard.NONE
    may_remember: bool = False
    """The owner may choose “always allow in this thread”."""
    is_over: bool = False
    """The turn has ended, so a decision that has not reached the session never will."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A held call in a list, without its arguments."""

    thread: Thread
    approval: Approval
    hazard: Hazard = Hazard.NONE
    title: str = ""
    """Like `ToolCall.title`."""


@dataclass(frozen=True, slots=True)
class ApprovalWaiting:
    """The reminder, by direct message, when half the time is over and nobody has decided."""

    thread: Thread
    approval: Approval
    count: int = 1
    """Number of calls that wait in this thread."""


@dataclass(frozen=True, slots=True)
class SecondAsked:
    """To a second approver: the owner has allowed this call and it needs their yes; later, what became of it."""

    thread: Thread
    held: Held


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool as it was trusted and as its service lists it now. All words in it are the service's own."""

    name: str
    before: str | None
    """The trusted description; None for a new tool."""
    after: str
    hints: tuple[str, ...] = ()
    """Changed annotations: `readOnlyHint: True → False`."""
    title: tuple[str, str] | None = None
    """Before and now; None if it is the same."""
    schema: tuple[str | None, str] | None = None
    """The input schema as JSON, before (None if it was not stored) and now; None if it is the same."""


@dataclass(frozen=True, slots=True)
class ToolsChanged:
    """To an admin: tools that ask each time until an admin accepts them. Without `changes` all are trusted again."""

    service: ServiceName
    changes: tuple[ToolChange, ...]
    more: int
    """Number of changed tools that are not listed."""
    digest: str
    accepted_by: UserId | None = None
    unseen: tuple[str, ...] = ()
    """Tools without a known change that were not listed for so long that the trust in them has expired."""


@dataclass(frozen=True, slots=True)
class AllowanceRevoked:
    """An “always allow” was taken back: the tool asks again."""
