"""Messages that others wrote in an owner's thread, and whether the owner passed each on to the agent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
    update,
)

from store.attachments import open_files, seal_files
from store.database import Tx
from store.errors import NotFound, SealBroken
from store.records import Aside, AsideState, ChannelId, Member, MessageRef, MessageTs
from store.schema import metadata, states_check
from store.threads import threads

asides = Table(
    "asides",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("author", String, nullable=False),
    # Sealed; erased when it is ignored.
    Column("text", Text),
    Column("source_channel", String, nullable=False),
    Column("source_ts", String, nullable=False),
    Column("state", String, nullable=False),
    Column("files", Text),
    ForeignKeyConstraint(["thread_id", "workspace_id"], ["threads.id", "threads.workspace_id"]),
    states_check(AsideState),
    CheckConstraint("(state = 'ignored') = (text IS NULL)", name="text_erased"),
    # Slack tells of one message by several events: it is offered once.
    UniqueConstraint("workspace_id", "source_channel", "source_ts"),
)


async def offer(tx: Tx, aside: Aside) -> Aside | None:
    """Store an offer and return it; the same message again returns the first one.

    None if that one is decided, or does not open.
    """
    workspace = select(threads.c.workspace_id).where(threads.c.id == aside.thread_id)
    added = tx.insert(asides).values(
        id=aside.id,
        thread_id=aside.thread_id,
        workspace_id=workspace.scalar_subquery(),
        author=aside.author,
        text=tx.sealer.seal(aside.text, place=_place(aside.id)),
        source_channel=aside.source.channel,
        source_ts=aside.source.ts,
        state=AsideState.OFFERED,
        files=seal_files(tx, aside.files, place=_files_place(aside.id)),
    )
    same_source = ["workspace_id", "source_channel", "source_ts"]
    await tx.changed(added.on_conflict_do_nothing(index_elements=same_source))
    kept = select(asides).where(
        asides.c.workspace_id == workspace.scalar_subquery(),
        asides.c.source_channel == aside.source.channel,
        asides.c.source_ts == aside.source.ts,
        asides.c.state == AsideState.OFFERED,
    )
    row = (await tx.connection.execute(kept)).one_or_none()
    return None if row is None else _read(tx, row)


async def get(tx: Tx, aside_id: str) -> Aside:
    """Return the aside; its text is empty if it was ignored. Raises `NotFound`, also if it does not open."""
    row = (await tx.connection.execute(select(asides).where(asides.c.id == aside_id))).one_or_none()
    aside = None if row is None else _read(tx, row)
    if aside is None:
        raise NotFound("aside", aside_id)
    return aside


async def claim(tx: Tx, aside_id: str, is_passed: bool) -> bool:
    """Decide an offer, once; False if it was decided before. Ignoring erases the text."""
    offered = update(asides).where(asides.c.id == aside_id, asides.c.state == AsideState.OFFERED)
    if is_passed:
        return await tx.changed(offered.values(state=AsideState.PASSED)) == 1
    return await tx.changed(offered.values(state=AsideState.IGNORED, text=None, files=None)) == 1


async def withdraw(tx: Tx, author: Member, source: MessageRef) -> None:
    """Withdraw the offer of a message that its author has deleted, if it is not decided yet. Idempotent."""
    await tx.connection.execute(
        update(asides)
        .where(
            asides.c.workspace_id == author.workspace_id,
            asides.c.author == author.user_id,
            asides.c.source_channel == source.channel,
            asides.c.source_ts == source.ts,
            asides.c.state == AsideState.OFFERED,
        )
        .values(state=AsideState.IGNORED, text=None, files=None)
    )


def _place(aside_id: str) -> str:
    return f"asides.text:{aside_id}"


def _files_place(aside_id: str) -> str:
    return f"asides.files:{aside_id}"


def _read(tx: Tx, row: Row[Any]) -> Aside | None:
    try:
        text = "" if row.text is None else tx.sealer.open_sealed(row.text, place=_place(row.id))
        files = open_files(tx, row.files, place=_files_place(row.id))
    except SealBroken:
        return None
    return Aside(
        id=row.id,
        thread_id=row.thread_id,
        author=row.author,
        text=text,
        source=MessageRef(channel=ChannelId(row.source_channel), ts=MessageTs(row.source_ts)),
        state=AsideState(row.state),
        files=files,
    )
