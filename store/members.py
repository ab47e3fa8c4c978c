"""Members, as intake or the browser's sign-in verified them.

`remember` is only called with a `Member` that one of the two created (docs/decisions/0004).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Select, String, Table, and_, case, select, update

from store.database import Tx
from store.records import Member, UserId, WorkspaceId
from store.schema import UtcTime, metadata

members = Table(
    "members",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("team_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("deactivated_at", UtcTime),
)


async def remember(tx: Tx, member: Member, now: datetime) -> None:
    """Store the member as verified at `now`. One who was deactivated later than `now` stays deactivated."""
    added = tx.insert(members).values(
        workspace_id=member.workspace_id,
        user_id=member.user_id,
        team_id=member.team_id,
        name=member.name,
        seen_at=now,
    )
    await tx.connection.execute(
        added.on_conflict_do_update(
            index_elements=["workspace_id", "user_id"],
            set_={
                "team_id": added.excluded.team_id,
                "name": added.excluded.name,
                "seen_at": added.excluded.seen_at,
                # A request may be verified just before its member is deactivated, and stored just after it: that must
                # not undo it. One who is seen later than that has come back.
                "deactivated_at": case(
                    (members.c.deactivated_at >= added.excluded.seen_at, members.c.deactivated_at), else_=None
                ),
            },
        )
    )


async def find(tx: Tx, workspace_id: WorkspaceId, user_id: UserId) -> Member | None:
    """Return the member; None for somebody unknown or deactivated."""
    row = (await tx.connection.execute(select(members).where(_active(workspace_id, user_id)))).one_or_none()
    return None if row is None else _read(row)


async def deactivate(tx: Tx, workspace_id: WorkspaceId, user_id: UserId, now: datetime) -> Member | None:
    """Deactivate and return the member; None if there was no active one."""
    gone = update(members).where(_active(workspace_id, user_id)).values(deactivated_at=now).returning(members)
    row = (await tx.connection.execute(gone)).one_or_none()
    return None if row is None else _read(row)


async def list_active(tx: Tx) -> tuple[Member, ...]:
    """Return every active member, sorted by workspace and user id."""
    rows = await tx.connection.execute(
        select(members).where(members.c.deactivated_at.is_(None)).order_by(members.c.workspace_id, members.c.user_id)
    )
    return tuple(_read(row) for row in rows)


async def list_left(tx: Tx, workspace_id: WorkspaceId) -> frozenset[UserId]:
    """Return the members who were deactivated."""
    gone = select(members.c.user_id).where(
        members.c.workspace_id == workspace_id, members.c.deactivated_at.is_not(None)
    )
    return frozenset(UserId(user_id) for user_id in (await tx.connection.execute(gone)).scalars())


def owned(table: Table) -> Select[Any]:
    """Return a query for a table's rows together with the columns that `owner_of` needs."""
    whose = and_(table.c.workspace_id == members.c.workspace_id, table.c.owner_id == members.c.user_id)
    return select(table, members.c.team_id.label("owner_team_id"), members.c.name.label("owner_name")).join_from(
        table, members, whose
    )


def owner_of(row: Row[Any]) -> Member:
    """Return the owner of a row selected by `owned`."""
    return Member(workspace_id=row.workspace_id, user_id=row.owner_id, team_id=row.owner_team_id, name=row.owner_name)


def _active(workspace_id: WorkspaceId, user_id: UserId) -> Any:
    return and_(
        members.c.workspace_id == workspace_id, members.c.user_id == user_id, members.c.deactivated_at.is_(None)
    )


def _read(row: Row[Any]) -> Member:
    return Member(workspace_id=row.workspace_id, user_id=row.user_id, team_id=row.team_id, name=row.name)
