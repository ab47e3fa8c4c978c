"""Held tool calls, and the one decision on each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)

from store.database import Tx
from store.errors import NotFound
from store.messages import message_of, message_values
from store.records import (
    AllowanceId,
    Approval,
    ApprovalId,
    ApprovalState,
    Member,
    MessageRef,
    Second,
    SecondView,
    TurnId,
    UserId,
)
from store.schema import UtcTime, message_columns, metadata, states_check, within
from store.turns import turns

approvals = Table(
    "approvals",
    metadata,
    Column("id", String, primary_key=True),
    Column("turn_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("session_id", String, nullable=False),
    Column("tool_use_id", String, nullable=False),
    # Empty for a built-in tool.
    Column("service", String),
    Column("tool", String, nullable=False),
    # No arguments, they may quote private data: a keyed hash proves that what was shown is what runs
    # (docs/decisions/0015).
    Column("arguments_hash", String, nullable=False),
    Column("state", String, nullable=False),
    *message_columns("card"),
    Column("number", Integer, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    # Decided and delivered are two steps: a crash between them leaves the session waiting for a decision that is made.
    Column("is_delivered", Boolean, nullable=False),
    ForeignKeyConstraint(["turn_id", "workspace_id", "owner_id"], ["turns.id", "turns.workspace_id", "turns.owner_id"]),
    states_check(ApprovalState),
    CheckConstraint("state <> 'pending' OR NOT is_delivered", name="delivered_once_decided"),
    UniqueConstraint("session_id", "tool_use_id"),
    # For the foreign keys of `approval_decisions` and `approval_seconds`.
    UniqueConstraint("id", "state"),
    Index("uq_approvals_owner", "id", "owner_id", unique=True),
    Index("ix_approvals_turn", "turn_id", "number"),
    Index(
        "ix_approvals_pending",
        "workspace_id",
        "owner_id",
        sqlite_where=text("state IN ('pending')"),
        postgresql_where=text("state IN ('pending')"),
    ),
)

approval_decisions = Table(
    "approval_decisions",
    metadata,
    Column("approval_id", String, ForeignKey("approvals.id"), primary_key=True),
    Column("state", String, nullable=False),
    # Empty where time or the turn's end decided.
    Column("decided_by", String),
    Column("reason", Text),
    Column("decided_at", UtcTime, nullable=False),
    # Decision and approval have the same state: neither can change without the other.
    ForeignKeyConstraint(["approval_id", "state"], ["approvals.id", "approvals.state"]),
    CheckConstraint("state IN ('allowed', 'denied', 'expired', 'withdrawn')", name="state"),
    CheckConstraint("state <> 'allowed' OR decided_by IS NOT NULL", name="allowed_by_somebody"),
)

allowance_uses = Table(
    "allowance_uses",
    metadata,
    Column("approval_id", String, ForeignKey("approval_decisions.approval_id"), primary_key=True),
    Column("allowance_id", String, ForeignKey("allowances.id"), nullable=False, index=True),
)

approval_seconds = Table(
    "approval_seconds",
    metadata,
    Column("approval_id", String, primary_key=True),
    Column("owner_id", String, nullable=False),
    Column("view", String, nullable=False),
    Column("first_at", UtcTime),
    Column("second_by", String),
    ForeignKeyConstraint(["approval_id", "owner_id"], ["approvals.id", "approvals.owner_id"]),
    states_check(SecondView, "view"),
    # Two people, and the owner first: nobody gives the second approval to their own call.
    CheckConstraint("second_by IS NULL OR (first_at IS NOT NULL AND second_by <> owner_id)", name="never_alone"),
)

second_cards = Table(
    "second_cards",
    metadata,
    Column("approval_id", String, ForeignKey("approval_seconds.approval_id"), primary_key=True),
    Column("user_id", String, primary_key=True),
    *message_columns("card"),
    Column("is_settled", Boolean, nullable=False),
)


_BY_PEOPLE = (ApprovalState.ALLOWED, ApprovalState.DENIED)
_TO_DELIVER = (ApprovalState.ALLOWED, ApprovalState.DENIED, ApprovalState.EXPIRED)


async def hold(tx: Tx, approval: Approval) -> Approval:
    """Store a held call; the same call again (session and tool use) returns its first approval. Raises `NotFound`."""
    # Workspace and owner come from the turn, never from a caller. Locked: for the next number, on PostgreSQL.
    row = (
        await tx.connection.execute(
            select(turns.c.workspace_id, turns.c.owner_id).where(turns.c.id == approval.turn_id).with_for_update()
        )
    ).one_or_none()
    if row is None:
        raise NotFound("turn", approval.turn_id)
    last = select(func.coalesce(func.max(approvals.c.number), 0) + 1).where(approvals.c.turn_id == approval.turn_id)
    added = tx.insert(approvals).values(
        id=approval.id,
        turn_id=approval.turn_id,
        workspace_id=row.workspace_id,
        owner_id=row.owner_id,
        session_id=approval.session_id,
        tool_use_id=approval.tool_use_id,
        service=approval.service,
        tool=approval.tool,
        arguments_hash=approval.arguments_hash,
        state=ApprovalState.PENDING,
        number=last.scalar_subquery(),
        expires_at=approval.expires_at,
        is_delivered=False,
        **message_values("card", approval.card),
    )
    is_new = await tx.changed(added.on_conflict_do_nothing(index_elements=["session_id", "tool_use_id"])) == 1
    if is_new and approval.second is not None:
        await tx.connection.execute(
            insert(approval_seconds).values(
                approval_id=approval.id, owner_id=row.owner_id, view=approval.second.view, first_at=None
            )
        )
    held = await _list(
        tx, approvals.c.session_id == approval.session_id, approvals.c.tool_use_id == approval.tool_use_id
    )
    return held[0]


async def get(tx: Tx, approval_id: ApprovalId) -> Approval:
    """Return the approval. Raises `NotFound`."""
    approval = await find(tx, approval_id)
    if approval is None:
        raise NotFound("approval", approval_id)
    return approval


async def find(tx: Tx, approval_id: ApprovalId) -> Approval | None:
    """Return the approval, None if there is no such approval."""
    found = await _list(tx, approvals.c.id == approval_id)
    return found[0] if found else None


async def set_card(tx: Tx, approval_id: ApprovalId, card: MessageRef | None) -> None:
    """Store which message is the approval's card."""
    await _set(tx, approval_id, **message_values("card", card))


async def decide(
    tx: Tx,
    approval_id: ApprovalId,
    *,
    state: ApprovalState,
    by: UserId | None,
    reason: str | None,
    shown_hash: str | None,
    now: datetime,
    allowance_id: AllowanceId | None = None,
) -> bool:
    """Decide a pending call, once; False if it is decided, expired, somebody else's, or not what was shown.

    `expired` and `withdrawn` are taken at any time; otherwise the turn's owner decides. Where a second
    approver is needed the owner may deny but not allow; once the owner has agreed (`allow_first`), somebody
    else may do either. `shown_hash` None: nothing was shown.
    """
    # One UPDATE that repeats every condition: two clicks, or a click and the timer, cannot both decide.
    claimed = (
        update(approvals)
        .where(approvals.c.id == approval_id, approvals.c.state == ApprovalState.PENDING)
        .where(_may_decide(state, by, now), _is_shown(shown_hash))
        .values(state=state)
    )
    if await tx.changed(claimed) != 1:
        return False
    await tx.connection.execute(
        insert(approval_decisions).values(
            approval_id=approval_id, state=state, decided_by=by, reason=reason, decided_at=now
        )
    )
    if allowance_id is not None:
        await tx.connection.execute(insert(allowance_uses).values(approval_id=approval_id, allowance_id=allowance_id))
    if by is not None and state in _BY_PEOPLE:
        second = update(approval_seconds).where(
            approval_seconds.c.approval_id == approval_id, approval_seconds.c.owner_id != by
        )
        await tx.connection.execute(second.values(second_by=by))
    return True


async def allow_first(
    tx: Tx, approval_id: ApprovalId, *, by: UserId, shown_hash: str, now: datetime, expires_at: datetime
) -> bool:
    """Record the owner's consent to a call that needs a second approver, once; False as `decide`.

    `expires_at` is the new end: second approvers get the full time.
    """
    is_waiting = exists().where(
        approvals.c.id == approval_id,
        approvals.c.owner_id == by,
        approvals.c.state == ApprovalState.PENDING,
        approvals.c.expires_at > now,
        approvals.c.arguments_hash == shown_hash,
    )
    claimed = (
        update(approval_seconds)
        .where(approval_seconds.c.approval_id == approval_id, approval_seconds.c.first_at.is_(None), is_waiting)
        .values(first_at=now)
    )
    if await tx.changed(claimed) != 1:
        return False
    await _set(tx, approval_id, expires_at=expires_at)
    return True


async def mark_changed(tx: Tx, approval_id: ApprovalId, why: str) -> None:
    """Record why the session was not told to run a call that had been allowed."""
    await tx.connection.execute(
        update(approval_decisions).where(approval_decisions.c.approval_id == approval_id).values(reason=why)
    )


async def mark_delivered(tx: Tx, approval_id: ApprovalId) -> None:
    """Record that the session has the decision. Idempotent."""
    await _set(tx, approval_id, is_delivered=True)


async def list_undelivered(tx: Tx, turn_id: TurnId) -> tuple[Approval, ...]:
    """Return the turn's decisions that the session does not have yet."""
    # None that is withdrawn: the session was stopped, or is gone.
    return await _list(
        tx, approvals.c.turn_id == turn_id, approvals.c.state.in_(_TO_DELIVER), approvals.c.is_delivered.is_(False)
    )


async def list_pending(tx: Tx, turn_id: TurnId) -> tuple[Approval, ...]:
    """Return the turn's undecided calls in the order in which they were held."""
    return await _list(tx, approvals.c.turn_id == turn_id, approvals.c.state == ApprovalState.PENDING)


async def list_for_turn(tx: Tx, turn_id: TurnId) -> tuple[Approval, ...]:
    """Return all of the turn's held calls, decided or not, in the order in which they were held."""
    return await _list(tx, approvals.c.turn_id == turn_id, by=(approvals.c.number,))


async def list_pending_for(tx: Tx, owner: Member) -> tuple[Approval, ...]:
    """Return the calls that wait for this owner's decision, the soonest to expire first."""
    return await _list(
        tx,
        approvals.c.workspace_id == owner.workspace_id,
        approvals.c.owner_id == owner.user_id,
        within(approvals.c.state, (ApprovalState.PENDING,)),
    )


async def list_to_second(tx: Tx, member: Member) -> tuple[Approval, ...]:
    """Return others' undecided calls that this member was asked to confirm, the soonest to expire first."""
    asked = exists().where(second_cards.c.approval_id == approvals.c.id, second_cards.c.user_id == member.user_id)
    return await _list(
        tx,
        approvals.c.workspace_id == member.workspace_id,
        approvals.c.owner_id != member.user_id,
        within(approvals.c.state, (ApprovalState.PENDING,)),
        asked,
    )


def _may_decide(state: ApprovalState, by: UserId | None, now: datetime) -> ColumnElement[bool]:
    if state not in _BY_PEOPLE:
        return true()
    in_time = approvals.c.expires_at > now
    if by is None:
        return in_time
    needed = exists().where(approval_seconds.c.approval_id == approvals.c.id)
    begun = needed.where(approval_seconds.c.first_at.is_not(None))
    alone = approvals.c.owner_id == by
    if state is ApprovalState.ALLOWED:
        alone = and_(alone, ~needed)
    return and_(in_time, or_(alone, and_(approvals.c.owner_id != by, begun)))


def _is_shown(shown_hash: str | None) -> ColumnElement[bool]:
    return true() if shown_hash is None else approvals.c.arguments_hash == shown_hash


async def _set(tx: Tx, approval_id: ApprovalId, **values: object) -> None:
    if await tx.changed(update(approvals).where(approvals.c.id == approval_id).values(**values)) != 1:
        raise NotFound("approval", approval_id)


_SOONEST = (approvals.c.expires_at, approvals.c.turn_id, approvals.c.number)


async def _list(
    tx: Tx, *where: ColumnElement[bool], by: tuple[ColumnElement[Any], ...] = _SOONEST
) -> tuple[Approval, ...]:
    whole = (
        approvals.outerjoin(approval_decisions, approval_decisions.c.approval_id == approvals.c.id)
        .outerjoin(approval_seconds, approval_seconds.c.approval_id == approvals.c.id)
        .outerjoin(allowance_uses, allowance_uses.c.approval_id == approvals.c.id)
    )
    rows = await tx.connection.execute(
        select(
            approvals,
            approval_decisions.c.decided_by,
            approval_decisions.c.reason,
            approval_decisions.c.decided_at,
            approval_seconds.c.view,
            approval_seconds.c.first_at,
            approval_seconds.c.second_by,
            allowance_uses.c.allowance_id,
        )
        .select_from(whole)
        .where(*where)
        .order_by(*by)
    )
    return tuple(_read(row) for row in rows)


def _read(row: Row[Any]) -> Approval:
    return Approval(
        id=row.id,
        turn_id=row.turn_id,
        session_id=row.session_id,
        tool_use_id=row.tool_use_id,
        service=row.service,
        tool=row.tool,
        arguments_hash=row.arguments_hash,
        state=ApprovalState(row.state),
        card=message_of(row.card_channel, row.card_ts),
        decided_by=row.decided_by,
        reason=row.reason,
        expires_at=row.expires_at,
        is_delivered=row.is_delivered,
        decided_at=row.decided_at,
        second=Second(SecondView(row.view), row.first_at, row.second_by) if row.view else None,
        allowance_id=row.allowance_id,
    )
