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
    """That a call needs a second yes, and how far that has come."""

    view: SecondView
    first_at: datetime | None = None
    """When the owner allowed it; only then is anybody else asked."""
    by: UserId | None = None
    """Who decided after the owner; never the owner."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The owner's word that one tool needs no more asking in one thread; void once revoked."""

    id: AllowanceId
    thread_id: ThreadId
    owner: Member
    service: str | None
    tool: str
    tool_hash: str | None
    """The recorded tool at that time: another one is not what was allowed. None where none was recorded."""
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One held tool call waiting for the owner's decision.

    The arguments are not kept: they are read again from the session and compared with
    `arguments_hash` (SHA-256 of the canonical JSON, hex) before a decision is sent.
    """

    id: ApprovalId
    turn_id: TurnId
    session_id: SessionId
    tool_use_id: EventId
    service: str | None
    """The MCP server's name; None for a built-in tool."""
    tool: str
    arguments_hash: str
    state: ApprovalState
    card: MessageRef | None
    decided_by: UserId | None
    reason: str | None
    """The owner's words to the agent; of an allowed call, why it was not run after all."""
    expires_at: datetime
    is_delivered: bool
    """True once the session has the decision."""
    decided_at: datetime | None = None
    second: Second | None = None
    """None where the owner decides alone."""
    allowance_id: AllowanceId | None = None
    """What allowed it without asking; None where somebody was asked."""

    @property
    def is_confirming(self) -> bool:
        """Whether the owner has allowed it and a second approver is waited for."""
        return self.state is ApprovalState.PENDING and self.second is not None and self.second.first_at is not None
