"""Stores a decision and its audit record in one transaction, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.approvals import always_allow
from bot.domain.approvals.rules import ApprovalRule
from store import approvals, audit
from store.database import Tx
from store.records import AllowanceId, Approval, ApprovalState, AuditEntry, Thread, UserId


@dataclass(frozen=True, slots=True)
class DecisionToRecord:
    """A decision as it is about to be stored."""

    state: ApprovalState
    by: UserId | None = None
    reason: str | None = None
    shown_hash: str | None = None
    allowance_id: AllowanceId | None = None


async def settle(tx: Tx, thread: Thread, approval: Approval, settling: DecisionToRecord, now: datetime) -> bool:
    """Store and record a decision; return False if somebody else was first."""
    is_first = await approvals.decide(
        tx,
        approval.id,
        state=settling.state,
        by=settling.by,
        reason=settling.reason,
        shown_hash=settling.shown_hash,
        now=now,
        allowance_id=settling.allowance_id,
    )
    if is_first:
        allowance = {"allowance": settling.allowance_id} if settling.allowance_id else {}
        await audit.record(tx, entry(thread, approval, settling.state, settling.by, now, **allowance))
    return is_first


async def settle_by_allowance(tx: Tx, thread: Thread, approval: Approval, rule: ApprovalRule, now: datetime) -> bool:
    """Allow a call that “always allow” covers; return False if none does."""
    allowance = await always_allow.find_valid(tx, thread, approval, rule)
    if allowance is None:
        return False
    owner, shown = thread.owner.user_id, approval.arguments_hash
    return await settle(
        tx, thread, approval, DecisionToRecord(ApprovalState.ALLOWED, owner, None, shown, allowance.id), now
    )


def entry(thread: Thread, approval: Approval, what: str, by: UserId | None, now: datetime, **more: str) -> AuditEntry:
    """Return the audit entry for something that happened to a held call; `by` is None for Deputy itself."""
    return AuditEntry(
        at=now,
        workspace_id=thread.owner.workspace_id,
        actor=by or "deputy",
        action=f"approval.{what}",
        subject=approval.id,
        details={
            "service": approval.service or "built-in",
            "tool": approval.tool,
            "arguments_hash": approval.arguments_hash,
            "owner": thread.owner.user_id,
            **more,
        },
    )
