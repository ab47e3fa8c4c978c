"""Threads, each with its owner and its session."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    insert,
    update,
)

from store.database import Tx
from store.errors import NotFound
from store.members import owned, owner_of
from store.records import (
    ChannelId,
    Member,
    MessageTs,
    SessionId,
    SessionState,
    Thread,
    ThreadId,
    VaultId,
    WorkspaceId,
)
from store.schema import UtcTime, metadata, own_vault_key, owner_key, states_check

threads = Table(
    "threads",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("channel", String, nullable=False),
    # Empty until Slack has answered: the row is stored before the root message is posted, so that a crash between
    # the two leaves something to look for.
    Column("thread_ts", String),
    Column("title", String, nullable=False),
    Column("profile", String, nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("session_state", String, nullable=False),
    # Unique: an answer can never go to two threads.
    Column("session_id", String, unique=True),
    Column("session_vault_id", String),
    Column("session_services", JSON, nullable=False),
    Column("session_tools", JSON(none_as_null=True)),
    Column("agent_version", Integer),
    Column("asked_in", String),
    Column("created_at", UtcTime, nullable=False),
    owner_key(),
    own_vault_key("session_vault_id"),
    states_check(SessionState, "session_state"),
    CheckConstraint("(session_state = 'open') = (session_id IS NOT NULL)", name="open_has_session"),
    UniqueConstraint("workspace_id", "channel", "thread_ts"),
    # For the foreign keys of what belongs to a thread: turns and allowances with its owner, asides with its workspace.
    UniqueConstraint("id", "workspace_id", "owner_id"),
    UniqueConstraint("id", "workspace_id"),
    Index("ix_threads_vault", "session_vault_id", "workspace_id", "owner_id"),
    Index("ix_threads_recent", "workspace_id", "owner_id", "created_at"),
)


async def open(tx: Tx, thread: Thread) -> None:  # noqa: A001  # read as threads.open; nobody opens files here
    """Store a new thread. Its vault, if it has one, must be stored as the owner's own, else `InvariantBroken`."""
    await tx.connection.execute(
        insert(threads).values(
            id=thread.id,
            workspace_id=thread.owner.workspace_id,
            owner_id=thread.owner.user_id,
            channel=thread.channel,
            thread_ts=thread.thread_ts,
            title=thread.title,
            profile=thread.profile,
            is_private=thread.is_private,
            session_state=thread.session_state,
            session_id=thread.session_id,
            session_vault_id=thread.session_vault_id,
            session_services=list(thread.session_services),
            asked_in=thread.asked_in,
            created_at=thread.created_at,
        )
    )


async def get(tx: Tx, thread_id: ThreadId) -> Thread:
    """Return the thread. Raises `NotFound`."""
    row = (await tx.connection.execute(owned(threads).where(threads.c.id == thread_id))).one_or_none()
    if row is None:
        raise NotFound("thread", thread_id)
    return thread_of(row)


async def find_by_root(tx: Tx, workspace_id: WorkspaceId, channel: ChannelId, thread_ts: MessageTs) -> Thread | None:
    """Return the thread under a root message; None for a Slack thread that Deputy does not know."""
    query = owned(threads).where(
        threads.c.workspace_id == workspace_id, threads.c.channel == channel, threads.c.thread_ts == thread_ts
    )
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else thread_of(row)


async def list_unrooted(tx: Tx, workspace_id: WorkspaceId, channel: ChannelId) -> tuple[Thread, ...]:
    """Return the channel's threads whose root message is not known yet, though it may be in Slack already."""
    query = owned(threads).where(
        threads.c.workspace_id == workspace_id, threads.c.channel == channel, threads.c.thread_ts.is_(None)
    )
    return tuple(thread_of(row) for row in await tx.connection.execute(query))


async def set_root(tx: Tx, thread_id: ThreadId, ts: MessageTs) -> None:
    """Store the `ts` of the posted root message."""
    await _set(tx, thread_id, thread_ts=ts)


async def intend_session(tx: Tx, thread_id: ThreadId, vault_id: VaultId | None) -> None:
    """Record that a session is about to be made with this vault; not the owner's own: `InvariantBroken`."""
    # Stored before the API is called: after a crash the session is looked for, by the thread's marker, before another
    # one is made.
    await _set(
        tx,
        thread_id,
        session_state=SessionState.CREATING,
        session_id=None,
        session_vault_id=vault_id,
        session_services=[],
    )


async def set_session(
    tx: Tx,
    thread_id: ThreadId,
    session_id: SessionId,
    services: tuple[str, ...],
    *,
    tools: dict[str, Any] | None = None,
    agent_version: int | None = None,
) -> None:
    """Record the session that was made; another thread's is refused as `InvariantBroken`."""
    await _set(
        tx,
        thread_id,
        session_state=SessionState.OPEN,
        session_id=session_id,
        session_services=list(services),
        session_tools=tools,
        agent_version=agent_version,
    )


async def set_tools(tx: Tx, thread_id: ThreadId, services: tuple[str, ...], tools: dict[str, Any]) -> None:
    """Record the services and tools that the session now has."""
    await _set(tx, thread_id, session_services=list(services), session_tools=tools)


async def lose_session(tx: Tx, thread_id: ThreadId) -> None:
    """Record that the session is gone; the next turn needs a new one."""
    await _set(tx, thread_id, session_state=SessionState.LOST, session_id=None, session_services=[], session_tools=None)


async def list_recent(tx: Tx, owner: Member, limit: int) -> tuple[Thread, ...]:
    """Return at most `limit` of the owner's threads, the newest first."""
    rows = await tx.connection.execute(
        owned(threads)
        .where(threads.c.workspace_id == owner.workspace_id, threads.c.owner_id == owner.user_id)
        .order_by(threads.c.created_at.desc(), threads.c.id)
        .limit(limit)
    )
    return tuple(thread_of(row) for row in rows)


async def _set(tx: Tx, thread_id: ThreadId, **values: object) -> None:
    if await tx.changed(update(threads).where(threads.c.id == thread_id).values(**values)) != 1:
        raise NotFound("thread", thread_id)


def thread_of(row: Row[Any]) -> Thread:
    """Return the thread of a row that was selected with `owned(threads)`."""
    return Thread(
        id=row.id,
        owner=owner_of(row),
        channel=row.channel,
        thread_ts=row.thread_ts,
        title=row.title,
        profile=row.profile,
        is_private=row.is_private,
        session_state=SessionState(row.session_state),
        session_id=row.session_id,
        session_vault_id=row.session_vault_id,
        created_at=row.created_at,
        session_services=tuple(row.session_services),
        session_tools=row.session_tools,
        agent_version=row.agent_version,
        asked_in=row.asked_in,
    )
