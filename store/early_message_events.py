"""Edits and deletions of messages that arrive before the message itself: Slack promises no order of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    String,
    Table,
    Text,
    and_,
    delete,
    or_,
    select,
    update,
)

from store.database import Tx
from store.records import MessageRef, WorkspaceId
from store.schema import UtcTime, metadata

sources = Table(
    "sources",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("ts", String, primary_key=True),
    Column("is_deleted", Boolean, nullable=False),
    # Empty for a deletion without an edit: sorts before every `ts`.
    Column("edited_ts", String, nullable=False),
    # Sealed; empty once the message has come, and for a deleted one.
    Column("words", Text),
    Column("seen_at", UtcTime, nullable=False, index=True),
    CheckConstraint("NOT is_deleted OR words IS NULL", name="words_erased"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a message that has not arrived."""

    is_deleted: bool = False
    words: str | None = None
    """Its text after the newest edit; sealed at rest. None: no edit."""


async def find(tx: Tx, workspace_id: WorkspaceId, source: MessageRef) -> Source:
    """Return what is known of a message; an edit that does not open counts as none."""
    row = (await tx.connection.execute(select(sources).where(_is(workspace_id, source)))).one_or_none()
    if row is None:
        return Source()
    return Source(row.is_deleted, tx.sealer.open_if_whole(row.words, place=_place(workspace_id, source)))


async def note_deleted(tx: Tx, workspace_id: WorkspaceId, source: MessageRef, now: datetime) -> None:
    """Record that a message was deleted, and erase its edit."""
    gone = {"is_deleted": True, "words": None}
    await tx.connection.execute(
        tx.insert(sources)
        .values(workspace_id=workspace_id, channel=source.channel, ts=source.ts, seen_at=now, edited_ts="", **gone)
        .on_conflict_do_update(index_elements=["workspace_id", "channel", "ts"], set_=gone)
    )


async def note_edit(
    tx: Tx, workspace_id: WorkspaceId, source: MessageRef, edit: tuple[str, str], now: datetime
) -> None:
    """Record an edit, as Slack's time of it and the words, unless a later one or a deletion is recorded."""
    edited_ts, words = edit
    sealed = tx.sealer.seal(words, place=_place(workspace_id, source))
    changed = {"edited_ts": edited_ts, "words": sealed}
    await tx.connection.execute(
        tx.insert(sources)
        .values(
            workspace_id=workspace_id,
            channel=source.channel,
            ts=source.ts,
            seen_at=now,
            is_deleted=False,
            **changed,
        )
        .on_conflict_do_update(
            index_elements=["workspace_id", "channel", "ts"],
            set_=changed,
            # Slack's times are digits of one length, so they compare as text.
            where=(sources.c.is_deleted.is_(False)) & (sources.c.edited_ts < edited_ts),
        )
    )


async def erase_words(tx: Tx, workspace_id: WorkspaceId, source: MessageRef) -> None:
    """Erase an edit's words after its message has arrived."""
    await tx.connection.execute(update(sources).where(_is(workspace_id, source)).values(words=None))


async def purge(tx: Tx, before: datetime, words_before: datetime) -> int:
    """Delete what was recorded before a time, and edits from before a later time; return how many."""
    is_old = or_(sources.c.seen_at < before, (sources.c.seen_at < words_before) & sources.c.words.is_not(None))
    return await tx.changed(delete(sources).where(is_old))


def _is(workspace_id: WorkspaceId, source: MessageRef) -> ColumnElement[bool]:
    return and_(sources.c.workspace_id == workspace_id, sources.c.channel == source.channel, sources.c.ts == source.ts)


def _place(workspace_id: WorkspaceId, source: MessageRef) -> str:
    return f"sources.words:{workspace_id}:{source.channel}:{source.ts}"
