"""Owners' “always allow”, for one tool in one thread each; the domain decides whether one still counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKeyConstraint, Index, Row, String, Table, text, update

from store.database import Tx
from store.members import owned, owner_of
from store.records import Allowance, AllowanceId, Member, ThreadId
from store.schema import UtcTime, metadata
from store.threads import threads

allowances = Table(
    "allowances",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    # Empty, not NULL, for a built-in tool: to a unique index two NULLs are different.
    Column("service", String, nullable=False),
    Column("tool", String, nullable=False),
    # A tool that has changed since is another tool, and is asked about again.
    Column("tool_hash", String),
    Column("given_at", UtcTime, nullable=False),
    # Revoked ones stay: decisions refer to them.
    Column("revoked_at", UtcTime),
    # Only the thread's owner gives one: the agent acts with the owner's accounts.
    ForeignKeyConstraint(
        ["thread_id", "workspace_id", "owner_id"], ["threads.id", "threads.workspace_id", "threads.owner_id"]
    ),
    Index(
        "uq_allowances_one_active",
        "thread_id",
        "service",
        "tool",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index("ix_allowances_owner", "workspace_id", "owner_id"),
)


async def give(tx: Tx, allowance: Allowance) -> Allowance:
    """Store an allowance; an active one for the same tool in the same thread is revoked.

    Its owner must be the thread's, else `InvariantBroken`.
    """
    await _revoke(tx, allowance.given_at, *_meaning(allowance.thread_id, allowance.service, allowance.tool))
    await tx.connection.execute(
        tx.insert(allowances).values(
            id=allowance.id,
            thread_id=allowance.thread_id,
            workspace_id=allowance.owner.workspace_id,
            owner_id=allowance.owner.user_id,
            service=allowance.service or "",
            tool=allowance.tool,
            tool_hash=allowance.tool_hash,
            given_at=allowance.given_at,
        )
    )
    return allowance


async def find(tx: Tx, thread_id: ThreadId, service: str | None, tool: str) -> Allowance | None:
    """Return the active allowance for a tool in a thread, None if there is none."""
    found = await _list(tx, *_meaning(thread_id, service, tool))
    return found[0] if found else None


async def revoke(tx: Tx, allowance_id: AllowanceId, owner: Member, now: datetime) -> bool:
    """Revoke an owner's allowance, once; False if it is somebody else's, or not active."""
    changed = await _revoke(
        tx,
        now,
        allowances.c.id == allowance_id,
        allowances.c.workspace_id == owner.workspace_id,
        allowances.c.owner_id == owner.user_id,
    )
    return changed == 1


async def list_for(tx: Tx, owner: Member, limit: int) -> tuple[tuple[Allowance, str], ...]:
    """Return at most `limit` of the owner's active allowances, the newest first, each with its thread's title."""
    rows = await tx.connection.execute(
        owned(allowances)
        .add_columns(threads.c.title)
        .join(threads, threads.c.id == allowances.c.thread_id)
        .where(
            allowances.c.workspace_id == owner.workspace_id,
            allowances.c.owner_id == owner.user_id,
            allowances.c.revoked_at.is_(None),
        )
        .order_by(allowances.c.given_at.desc(), allowances.c.id)
        .limit(limit)
    )
    return tuple((_read(row), str(row.title)) for row in rows)


def _meaning(thread_id: ThreadId, service: str | None, tool: str) -> tuple[ColumnElement[bool], ...]:
    return (allowances.c.thread_id == thread_id, allowances.c.service == (service or ""), allowances.c.tool == tool)


async def _revoke(tx: Tx, now: datetime, *where: ColumnElement[bool]) -> int:
    return await tx.changed(update(allowances).where(allowances.c.revoked_at.is_(None), *where).values(revoked_at=now))


async def _list(tx: Tx, *where: ColumnElement[bool]) -> tuple[Allowance, ...]:
    rows = await tx.connection.execute(owned(allowances).where(allowances.c.revoked_at.is_(None), *where))
    return tuple(_read(row) for row in rows)


def _read(row: Row[Any]) -> Allowance:
    return Allowance(
        id=row.id,
        thread_id=row.thread_id,
        owner=owner_of(row),
        service=row.service or None,
        tool=row.tool,
        tool_hash=row.tool_hash,
        given_at=row.given_at,
    )
