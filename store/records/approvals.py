"""Held tool calls and “always allow”."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import AllowanceId, ApprovalId, EventId, SessionId, ThreadId, TurnId, UserId
from store.records.messages import MessageRef
from store.records.people import Member


class ApprovalState(StrEnum):
    """One way: `pending → allowed | denied | expired | withdrawn`."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """The turn was stopped or the session went away before a decision."""


class SecondView(StrEnum):
    """What the second approver sees of a call."""

    REDACTED = "redacted"
    """Which tool of which service, for whom."""
    FULL = "full"
    """Its arguments too, secrets masked."""


@dataclass(frozen=True, slots=True)
class Second:
    """A call's need for a second approver, and how far that is."""

    view: SecondView
    first_at: datetime | None = None
    """When the owner allowed it; second approvers are asked only then (docs/decisions/0024)."""
    by: UserId | None = None
    """Who decided after the owner; never the owner."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """An owner's “always allow” for one tool in one thread; void once revoked."""

    id: AllowanceId
    thread_id: ThreadId
    owner: Member
    service: str | None
    tool: str
    tool_hash: str | None
    """The tool's `definition_hash` at that time: a changed tool is not what was allowed. None where it was unknown."""
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A tool call that is held until somebody decides.

    The arguments are not stored: they are read again from the session and compared with
    `arguments_hash` before an “allow” is sent (docs/decisions/0015).
    """

    id: ApprovalId
    turn_id: TurnId
    session_id: SessionId
    tool_use_id: EventId
    service: str | None
    """The MCP server's name; None for a built-in tool."""
    tool: str
    arguments_hash: str
    """HMAC-SHA-256, in hex, of service, tool and arguments as canonical JSON."""
    state: ApprovalState
    card: MessageRef | None
    decided_by: UserId | None
    reason: str | None
    """The owner's words to the agent; for an allowed call, why it was not run after all."""
    expires_at: datetime
    is_delivered: bool
    """Whether the session has the decision."""
    decided_at: datetime | None = None
    second: Second | None = None
    """None where the owner decides alone."""
    allowance_id: AllowanceId | None = None
    """The “always allow” that decided it; None where somebody was asked."""

    @property
    def is_confirming(self) -> bool:
        """Whether the owner has allowed it and a second approver has yet to decide."""
        return self.state is ApprovalState.PENDING and self.second is not None and self.second.first_at is not None
