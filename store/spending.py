"""Sums what turns have cost in a period, and what open ones may still cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from store.database import Tx
from store.records import OPEN_TURN_STATES, Budget, BudgetKind, Member, SendState, Thread, ThreadId, TurnId, WorkspaceId
from store.schema import within
from store.threads import threads
from store.turns import turns

# The channel where it was asked pays, also where its answers are private and go to direct messages.
_paying = func.coalesce(threads.c.asked_in, threads.c.channel)


@dataclass(frozen=True, slots=True)
class Spent:
    """US cents: the cost of ended turns, and the allowance of open ones and of those whose cost is unknown."""

    workspace: float
    member: float
    channel: float


async def spent(tx: Tx, thread: Thread, since: datetime, but: TurnId | None = None) -> Spent:
    """Return what the thread's workspace, owner and channel have spent since then, leaving out the turn `but`."""
    is_open, amount = _amount()
    owner = thread.owner
    sums = [
        func.coalesce(func.sum(amount), 0.0),
        func.coalesce(func.sum(case((turns.c.owner_id == owner.user_id, amount), else_=0.0)), 0.0),
        func.coalesce(func.sum(case((_paying == thread.paying_channel, amount), else_=0.0)), 0.0),
    ]
    query = (
        select(*sums)
        .join_from(turns, threads, turns.c.thread_id == threads.c.id)
        .where(
            and_(turns.c.workspace_id == owner.workspace_id, turns.c.id != (but or "")),
            or_(is_open, turns.c.ended_at >= since),
        )
    )
    workspace, member, channel = (await tx.connection.execute(query)).one()
    return Spent(float(workspace), float(member), float(channel))


async def spent_of(tx: Tx, workspace_id: WorkspaceId, budget: Budget, since: datetime) -> float:
    """Return the US cents that count against one budget since then, by the same rules as `spent`."""
    is_open, amount = _amount()
    whose = {
        BudgetKind.MEMBER: turns.c.owner_id == budget.name,
        BudgetKind.CHANNEL: _paying == budget.name,
        BudgetKind.WORKSPACE: turns.c.workspace_id == workspace_id,
    }
    query = (
        select(func.coalesce(func.sum(amount), 0.0))
        .join_from(turns, threads, turns.c.thread_id == threads.c.id)
        .where(turns.c.workspace_id == workspace_id, whose[budget.kind], or_(is_open, turns.c.ended_at >= since))
    )
    return float((await tx.connection.execute(query)).scalar_one())


async def spent_since(tx: Tx, owner: Member, since: datetime) -> float:
    """Return what the owner's ended turns have cost since then, in US cents."""
    total = await tx.connection.execute(
        select(func.coalesce(func.sum(_charged()), 0.0)).where(
            turns.c.workspace_id == owner.workspace_id, turns.c.owner_id == owner.user_id, turns.c.ended_at >= since
        )
    )
    return float(total.scalar_one())


async def allow(tx: Tx, turn_id: TurnId, cents: float) -> None:
    """Record what a turn may cost, in US cents."""
    # It counts as spent until the turn is over: of two turns that begin at once, each sees the other's.
    await tx.connection.execute(turns.update().where(turns.c.id == turn_id).values(allowance_cents=cents))


async def allowance(tx: Tx, turn_id: TurnId) -> float | None:
    """Return what a turn may cost, in US cents; None before it is admitted to its budgets."""
    query = select(turns.c.allowance_cents).where(turns.c.id == turn_id)
    return (await tx.connection.execute(query)).scalar_one_or_none()


async def last_outcome(tx: Tx, thread_id: ThreadId) -> str | None:
    """Return the outcome of the thread's newest ended turn; None if none has ended."""
    query = (
        select(turns.c.outcome)
        .where(turns.c.thread_id == thread_id, turns.c.ended_at.is_not(None))
        .order_by(turns.c.number.desc())
        .limit(1)
    )
    return (await tx.connection.execute(query)).scalar_one_or_none()


def _amount() -> tuple[ColumnElement[bool], ColumnElement[float]]:
    is_open = within(turns.c.state, OPEN_TURN_STATES)
    amount = case((is_open, func.coalesce(turns.c.allowance_cents, 0.0)), else_=_charged())
    return is_open, amount


def _charged() -> ColumnElement[float]:
    # Without a known cost it may have cost all that it was allowed: counted as nothing, a budget could be spent twice.
    # A request that was never sent has cost nothing.
    allowed = func.coalesce(turns.c.allowance_cents, 0.0)
    unknown = case((turns.c.send_state == SendState.UNSENT, 0.0), else_=allowed)
    return func.coalesce(turns.c.cost_cents, unknown)
