"""Owns held tool calls and the one decision on each; asking people and telling the session is the domain's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, true, update

from store.database import Tx
from store.errors import NotFound
from store.messages import message_of, message_values
from store.records import Approval, ApprovalId, ApprovalState, Member, MessageRef, TurnId, UserId
from store.tables import approval_decisions, approvals, turns, within

_BY_PEOPLE = (ApprovalState.ALLOWED, ApprovalState.DENIED)
_TO_DELIVER = (ApprovalState.ALLOWED, ApprovalState.DENIED, ApprovalState.EXPIRED)


async def hold(tx: Tx, approval: Approval) -> Approval:
    """Store a held call; the same call again (by session and tool use) returns the approval that it has."""
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
    await tx.connection.execute(added.on_conflict_do_nothing(index_elements=["session_id", "tool_use_id"]))
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
    """Return the approval, None if there is none."""
    found = await _list(tx, approvals.c.id == approval_id)
    return found[0] if found else None


async def set_card(tx: Tx, approval_id: ApprovalId, card: MessageRef | None) -> None:
    """Remember the card's message."""
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
) -> bool:
    """Decide a pending call, once; False when it is decided, expired, another's or not what was shown.

    `expired` and `withdrawn` may come at any time; only the turn's owner allows, and a person who
    denies must be the owner too. The arguments hash must be the shown one, where one is given.
    """
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
    return True


async def mark_delivered(tx: Tx, approval_id: ApprovalId) -> None:
    """Record that the session has the decision. Idempotent."""
    await _set(tx, approval_id, is_delivered=True)


async def list_undelivered(tx: Tx, turn_id: TurnId) -> tuple[Approval, ...]:
    """Return the turn's decisions that the session has yet to hear; a withdrawn call has nobody to hear it."""
    return await _list(
        tx, approvals.c.turn_id == turn_id, approvals.c.state.in_(_TO_DELIVER), approvals.c.is_delivered.is_(False)
    )


async def list_pending(tx: Tx, turn_id: TurnId) -> tuple[Approval, ...]:
    """Return the turn's undecided calls in the order they were held."""
    return await _list(tx, approvals.c.turn_id == turn_id, approvals.c.state == ApprovalState.PENDING)


async def list_pending_for(tx: Tx, owner: Member) -> tuple[Approval, ...]:
    """Return what waits for this owner's decision, the soonest to expire first."""
    return await _list(
        tx,
        approvals.c.workspace_id == owner.workspace_id,
        approvals.c.owner_id == owner.user_id,
        within(approvals.c.state, (ApprovalState.PENDING,)),
    )


def _may_decide(state: ApprovalState, by: UserId | None, now: datetime) -> ColumnElement[bool]:
    if state not in _BY_PEOPLE:
        return true()
    in_time = approvals.c.expires_at > now
    return in_time if by is None else and_(in_time, approvals.c.owner_id == by)


def _is_shown(shown_hash: str | None) -> ColumnElement[bool]:
    return true() if shown_hash is None else approvals.c.arguments_hash == shown_hash


async def _set(tx: Tx, approval_id: ApprovalId, **values: object) -> None:
    if await tx.changed(update(approvals).where(approvals.c.id == approval_id).values(**values)) != 1:
        raise NotFound("approval", approval_id)


async def _list(tx: Tx, *where: ColumnElement[bool]) -> tuple[Approval, ...]:
    rows = await tx.connection.execute(
        select(approvals, approval_decisions.c.decided_by, approval_decisions.c.reason)
        .join_from(approvals, approval_decisions, approval_decisions.c.approval_id == approvals.c.id, isouter=True)
        .where(*where)
        .order_by(approvals.c.expires_at, approvals.c.turn_id, approvals.c.number)
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
    )
