"""When each member last opened their App Home: only recent ones are published again when something changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKeyConstraint, String, Table, select

from store.database import Tx
from store.records import Member
from store.schema import UtcTime, metadata

homes = Table(
    "homes",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("opened_at", UtcTime, nullable=False),
    ForeignKeyConstraint(["workspace_id", "user_id"], ["members.workspace_id", "members.user_id"]),
)


async def opened(tx: Tx, member: Member, now: datetime) -> None:
    """Record that the member opened their App Home."""
    added = tx.insert(homes).values(workspace_id=member.workspace_id, user_id=member.user_id, opened_at=now)
    await tx.connection.execute(
        added.on_conflict_do_update(
            index_elements=["workspace_id", "user_id"], set_={"opened_at": added.excluded.opened_at}
        )
    )


async def is_open(tx: Tx, member: Member, since: datetime) -> bool:
    """Say whether the member has opened it since then."""
    row = await tx.connection.execute(
        select(homes.c.opened_at).where(
            homes.c.workspace_id == member.workspace_id, homes.c.user_id == member.user_id, homes.c.opened_at >= since
        )
    )
    return row.one_or_none() is not None
