"""The Slack messages of a turn's answer, and which part of the answer each shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    text,
    update,
)

from store.database import Tx
from store.errors import NotFound
from store.ids import new_id
from store.records import MessageTs, Segment, SegmentId, TurnId
from store.schema import UtcTime, metadata

segments = Table(
    "segments",
    metadata,
    Column("id", String, primary_key=True),
    Column("turn_id", String, ForeignKey("turns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    # Empty until Slack has answered: the row is stored before the message is posted.
    Column("ts", String),
    Column("is_stream", Boolean, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("text_from", Integer, nullable=False),
    Column("text_to", Integer),
    Column("started_at", UtcTime, nullable=False),
    CheckConstraint("is_open = (text_to IS NULL)", name="sealed"),
    CheckConstraint("text_from >= 0 AND (text_to IS NULL OR text_to >= text_from)", name="range"),
    UniqueConstraint("turn_id", "number"),
    # An answer grows at its end only: a second open message would show the same words twice.
    Index(
        "uq_segments_one_open",
        "turn_id",
        unique=True,
        sqlite_where=text("text_to IS NULL"),
        postgresql_where=text("text_to IS NULL"),
    ),
)


async def begin(tx: Tx, turn_id: TurnId, *, is_stream: bool, text_from: int, now: datetime) -> Segment:
    """Store a segment before its message is posted. Raises `InvariantBroken` while the turn has an open one."""
    segment_id = SegmentId(new_id("seg"))
    number = select(func.coalesce(func.max(segments.c.number), 0) + 1).where(segments.c.turn_id == turn_id)
    await tx.connection.execute(
        insert(segments).values(
            id=segment_id,
            turn_id=turn_id,
            number=number.scalar_subquery(),
            is_stream=is_stream,
            is_open=True,
            text_from=text_from,
            started_at=now,
        )
    )
    row = (await tx.connection.execute(select(segments).where(segments.c.id == segment_id))).one()
    return _read(row)


async def set_ts(tx: Tx, segment_id: SegmentId, ts: MessageTs) -> None:
    """Store the `ts` of the message that was posted."""
    await _set(tx, segment_id, ts=ts)


async def seal(tx: Tx, segment_id: SegmentId, text_to: int) -> None:
    """Close a segment: its message shows the answer up to character `text_to`."""
    await _set(tx, segment_id, is_open=False, text_to=text_to)


async def list_for(tx: Tx, turn_id: TurnId) -> tuple[Segment, ...]:
    """Return the turn's segments in the order of the answer."""
    rows = await tx.connection.execute(
        select(segments).where(segments.c.turn_id == turn_id).order_by(segments.c.number)
    )
    return tuple(_read(row) for row in rows)


async def _set(tx: Tx, segment_id: SegmentId, **values: object) -> None:
    if await tx.changed(update(segments).where(segments.c.id == segment_id).values(**values)) != 1:
        raise NotFound("segment", segment_id)


def _read(row: Row[Any]) -> Segment:
    return Segment(
        id=row.id,
        turn_id=row.turn_id,
        number=row.number,
        ts=row.ts,
        is_stream=row.is_stream,
        is_open=row.is_open,
        text_from=row.text_from,
        text_to=row.text_to,
        started_at=row.started_at,
    )
