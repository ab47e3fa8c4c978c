"""Edits and deletions of a message that arrived before the message itself."""

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
    Column("edited_ts", String, nullable=False),
    Column("words", Text),
    Column("seen_at", UtcTime, nullable=False, index=True),
    CheckConstraint("NOT is_deleted OR words IS NULL", name="words_erased"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a message besides itself."""

    is_deleted: bool = False
    words: str | None = None
    """As they are after its newest edit; sealed at rest."""


async def find(tx: Tx, workspace_id: WorkspaceId, source: MessageRef) -> Source:
    """Return what is known of a message; an edit that does not open is none."""
    row = (await tx.connection.execute(select(sources).where(_is(workspace_id, source)))).one_or_none()
    if row is None:
        return Source()
    return Source(row.is_deleted, tx.sealer.open_if_whole(row.words, place=_place(workspace_id, source)))


async def note_deleted(tx: Tx, workspace_id: WorkspaceId, source: MessageRef, now: datetime) -> None:
    """Remember that a message is gone, whatever it said."""
    gone = {"is_deleted": True, "words": None}
    await tx.connection.execute(
        tx.insert(sources)
        .values(workspace_id=workspace_id, channel=source.channel, ts=source.ts, seen_at=now, edited_ts="", **gone)
        .on_conflict_do_update(index_elements=["workspace_id", "channel", "ts"], set_=gone)
    )


async def note_edit(
    tx: Tx, workspace_id: WorkspaceId, source: MessageRef, edit: tuple[str, str], now: datetime
) -> None:
    """Remember an edit: Slack's time of it, and the words; an earlier one does not replace a later one."""
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
            where=(sources.c.is_deleted.is_(False)) & (sources.c.edited_ts < edited_ts),
        )
    )


async def erase_words(tx: Tx, workspace_id: WorkspaceId, source: MessageRef) -> None:
    """Erase an edit's words: its message has come."""
    await tx.connection.execute(update(sources).where(_is(workspace_id, source)).values(words=None))


async def purge(tx: Tx, before: datetime, words_before: datetime) -> int:
    """Forget what was noted before a time, and edits before another one; return how many."""
    is_old = or_(sources.c.seen_at < before, (sources.c.seen_at < words_before) & sources.c.words.is_not(None))
    return await tx.changed(delete(sources).where(is_old))


def _is(workspace_id: WorkspaceId, source: MessageRef) -> ColumnElement[bool]:
    return and_(sources.c.workspace_id == workspace_id, sources.c.channel == source.channel, sources.c.ts == source.ts)


def _place(workspace_id: WorkspaceId, source: MessageRef) -> str:
    return f"sources.words:{workspace_id}:{source.channel}:{source.ts}"
