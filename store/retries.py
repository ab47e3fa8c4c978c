"""Failed requests that their owners may repeat, until they do or the request is too old (docs/decisions/0030)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    select,
)

from store.attachments import open_files, seal_files
from store.database import Tx
from store.errors import SealBroken
from store.members import owned, owner_of
from store.records import Member, Retry, Thread, TurnId
from store.schema import UtcTime, metadata
from store.turns import turns

retries = Table(
    "retries",
    metadata,
    Column("turn_id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("services", JSON, nullable=False),
    Column("task", Text, nullable=False),
    Column("files", Text),
    Column("created_at", UtcTime, nullable=False),
    # Only the turn's owner can repeat its request.
    ForeignKeyConstraint(["turn_id", "workspace_id", "owner_id"], ["turns.id", "turns.workspace_id", "turns.owner_id"]),
    Index("ix_retries_owner", "workspace_id", "owner_id", "created_at"),
)


async def keep(tx: Tx, retry: Retry) -> None:
    """Store a request to be repeated. Idempotent."""
    added = tx.insert(retries).values(
        turn_id=retry.turn_id,
        workspace_id=retry.owner.workspace_id,
        owner_id=retry.owner.user_id,
        services=list(retry.services),
        task=tx.sealer.seal(retry.task, place=_place(retry.turn_id)),
        files=seal_files(tx, retry.files, place=_files_place(retry.turn_id)),
        created_at=retry.created_at,
    )
    await tx.connection.execute(added.on_conflict_do_nothing(index_elements=["turn_id"]))


async def list_for(tx: Tx, owner: Member) -> tuple[Retry, ...]:
    """Return the owner's stored requests, the newest first; those that do not open are left out."""
    query = owned(retries).where(_own(owner)).order_by(retries.c.created_at.desc(), retries.c.turn_id)
    kept = [_read(tx, row) for row in await tx.connection.execute(query)]
    return tuple(retry for retry in kept if retry is not None)


async def claim(tx: Tx, owner: Member, turn_id: TurnId) -> Retry | None:
    """Remove and return the owner's request, once; None if it is gone, somebody else's, or does not open."""
    where = and_(retries.c.turn_id == turn_id, _own(owner))
    row = (await tx.connection.execute(owned(retries).where(where))).one_or_none()
    # The delete decides, not the read: of two clicks on “Try Again” one repeats the request.
    if row is None or await tx.changed(delete(retries).where(where)) != 1:
        return None
    return _read(tx, row)


async def claim_last(tx: Tx, thread: Thread) -> Retry | None:
    """Remove and return the request of the thread's newest turn, once; None if that has none."""
    newest = select(turns.c.id).where(turns.c.thread_id == thread.id).order_by(turns.c.number.desc()).limit(1)
    turn_id = (await tx.connection.execute(newest)).scalar_one_or_none()
    return None if turn_id is None else await claim(tx, thread.owner, turn_id)


async def purge(tx: Tx, before: datetime) -> int:
    """Delete what was stored before a time; return how many."""
    return await tx.changed(delete(retries).where(retries.c.created_at < before))


async def void_for(tx: Tx, owner: Member) -> int:
    """Delete all of the owner's; return how many."""
    return await tx.changed(delete(retries).where(_own(owner)))


def _own(owner: Member) -> ColumnElement[bool]:
    return and_(retries.c.workspace_id == owner.workspace_id, retries.c.owner_id == owner.user_id)


def _place(turn_id: str) -> str:
    return f"retries.task:{turn_id}"


def _files_place(turn_id: str) -> str:
    return f"retries.files:{turn_id}"


def _read(tx: Tx, row: Row[Any]) -> Retry | None:
    try:
        task = tx.sealer.open_sealed(row.task, place=_place(row.turn_id))
        files = open_files(tx, row.files, place=_files_place(row.turn_id))
    except SealBroken:
        return None
    return Retry(row.turn_id, owner_of(row), tuple(row.services), task, row.created_at, files)
