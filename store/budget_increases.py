"""Requests to raise a budget: which budget, who asked, and which admins were told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    select,
    update,
)

from store.database import Tx
from store.errors import NotFound
from store.messages import message_of, message_values
from store.records import (
    Asker,
    Budget,
    BudgetKind,
    MessageRef,
    Shortfall,
    ShortfallState,
    UserId,
    WorkspaceId,
)
from store.schema import UtcTime, message_columns, metadata, states_check

shortfalls = Table(
    "shortfalls",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("month", UtcTime, nullable=False),
    Column("limit_cents", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("decided_by", String),
    Column("raised_to", Integer),
    # Decided and told are two steps: what was decided while Slack was out is told once it is back.
    Column("is_told", Boolean, nullable=False),
    states_check(BudgetKind, "kind"),
    states_check(ShortfallState),
    CheckConstraint("state != 'open' OR NOT is_told", name="told"),
    # With the limit: a budget that was raised may be used up again in the same month, and that is another request.
    UniqueConstraint("workspace_id", "kind", "name", "month", "limit_cents"),
)

shortfall_askers = Table(
    "shortfall_askers",
    metadata,
    Column("shortfall_id", String, ForeignKey("shortfalls.id"), primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("channel", String, nullable=False),
    Column("thread_ts", String),
)

shortfall_cards = Table(
    "shortfall_cards",
    metadata,
    Column("shortfall_id", String, ForeignKey("shortfalls.id"), primary_key=True),
    Column("user_id", String, primary_key=True),
    *message_columns("card"),
)


GONE_BY = (ShortfallState.RAISED, ShortfallState.OVER)
"""States after which the same budget may be asked for again; one that was declined stays declined for the month."""


async def open_for(tx: Tx, wanted: Shortfall) -> Shortfall:
    """Return the request for this budget, month and limit: the present one, or `wanted` if that is over."""
    added = tx.insert(shortfalls).values(
        id=wanted.id,
        workspace_id=wanted.workspace_id,
        kind=wanted.budget.kind,
        name=wanted.budget.name,
        month=wanted.month,
        limit_cents=wanted.limit_cents,
        state=ShortfallState.OPEN,
        is_told=False,
    )
    await tx.connection.execute(added.on_conflict_do_nothing())
    found = _read((await tx.connection.execute(select(shortfalls).where(_same(wanted)))).one())
    if found.state not in GONE_BY:
        return found
    for table in (shortfall_askers, shortfall_cards):
        await tx.connection.execute(delete(table).where(table.c.shortfall_id == found.id))
    # With a new id: messages about the old one are found by its id, and must not pass for messages about this one.
    anew = {"id": wanted.id, "state": ShortfallState.OPEN, "decided_by": None, "raised_to": None, "is_told": False}
    await tx.connection.execute(update(shortfalls).where(shortfalls.c.id == found.id).values(**anew))
    return await get(tx, wanted.id)


async def get(tx: Tx, shortfall_id: str) -> Shortfall:
    """Return the request. Raises `NotFound`."""
    row = (await tx.connection.execute(select(shortfalls).where(shortfalls.c.id == shortfall_id))).one_or_none()
    if row is None:
        raise NotFound("shortfall", shortfall_id)
    return _read(row)


async def list_open(tx: Tx, workspace_id: WorkspaceId) -> tuple[Shortfall, ...]:
    """Return the requests that nobody has decided."""
    where = and_(shortfalls.c.workspace_id == workspace_id, shortfalls.c.state == ShortfallState.OPEN)
    return tuple(_read(row) for row in await tx.connection.execute(select(shortfalls).where(where)))


async def list_untold(tx: Tx, workspace_id: WorkspaceId) -> tuple[Shortfall, ...]:
    """Return the decided requests whose askers have not been told."""
    where = and_(
        shortfalls.c.workspace_id == workspace_id,
        shortfalls.c.state != ShortfallState.OPEN,
        shortfalls.c.is_told.is_(False),
    )
    return tuple(_read(row) for row in await tx.connection.execute(select(shortfalls).where(where)))


async def settle(
    tx: Tx, shortfall_id: str, state: ShortfallState, by: UserId | None, raised_to: int | None = None
) -> bool:
    """Decide a request, once; False if it was decided before. `raised_to` is in US cents."""
    where = and_(shortfalls.c.id == shortfall_id, shortfalls.c.state == ShortfallState.OPEN)
    decided = update(shortfalls).where(where).values(state=state, decided_by=by, raised_to=raised_to)
    return await tx.changed(decided) == 1


async def is_told(tx: Tx, shortfall_id: str) -> bool:
    """Say whether the askers were told of the decision."""
    query = select(shortfalls.c.is_told).where(shortfalls.c.id == shortfall_id)
    return bool((await tx.connection.execute(query)).scalar_one())


async def set_told(tx: Tx, shortfall_id: str) -> None:
    """Record that the askers were told of the decision."""
    await tx.connection.execute(update(shortfalls).where(shortfalls.c.id == shortfall_id).values(is_told=True))


async def add_asker(tx: Tx, shortfall_id: str, asker: Asker) -> bool:
    """Add somebody who asks; False if they asked before."""
    added = tx.insert(shortfall_askers).values(
        shortfall_id=shortfall_id, user_id=asker.user_id, channel=asker.channel, thread_ts=asker.thread_ts
    )
    return await tx.changed(added.on_conflict_do_nothing()) == 1


async def list_askers(tx: Tx, shortfall_id: str) -> tuple[Asker, ...]:
    """Return who asked, sorted by user id."""
    query = select(shortfall_askers).where(shortfall_askers.c.shortfall_id == shortfall_id)
    rows = await tx.connection.execute(query.order_by(shortfall_askers.c.user_id))
    return tuple(Asker(row.user_id, row.channel, row.thread_ts) for row in rows)


async def set_card(tx: Tx, shortfall_id: str, user_id: UserId, card: MessageRef) -> None:
    """Store which message an admin was sent."""
    values = message_values("card", card)
    added = tx.insert(shortfall_cards).values(shortfall_id=shortfall_id, user_id=user_id, **values)
    await tx.connection.execute(added.on_conflict_do_update(index_elements=["shortfall_id", "user_id"], set_=values))


async def list_cards(tx: Tx, shortfall_id: str) -> dict[UserId, MessageRef]:
    """Return user id → the message to this admin."""
    rows = await tx.connection.execute(select(shortfall_cards).where(shortfall_cards.c.shortfall_id == shortfall_id))
    found = {UserId(row.user_id): message_of(row.card_channel, row.card_ts) for row in rows}
    return {user_id: card for user_id, card in found.items() if card}


def _same(one: Shortfall) -> ColumnElement[bool]:
    return and_(
        shortfalls.c.workspace_id == one.workspace_id,
        shortfalls.c.kind == one.budget.kind,
        shortfalls.c.name == one.budget.name,
        shortfalls.c.month == one.month,
        shortfalls.c.limit_cents == one.limit_cents,
    )


def _read(row: Row[Any]) -> Shortfall:
    return Shortfall(
        id=row.id,
        workspace_id=row.workspace_id,
        budget=Budget(BudgetKind(row.kind), row.name),
        month=row.month,
        limit_cents=row.limit_cents,
        state=ShortfallState(row.state),
        decided_by=row.decided_by,
        raised_to=row.raised_to,
    )
