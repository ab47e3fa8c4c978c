"""The agent and the environment at the API that belong to each profile."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Column, Integer, String, Table, select

from store.database import Tx
from store.records import SavedProfile
from store.schema import metadata

profiles = Table(
    "profiles",
    metadata,
    Column("name", String, primary_key=True),
    Column("agent_id", String, nullable=False),
    Column("agent_version", Integer, nullable=False),
    Column("environment_id", String, nullable=False),
    Column("fingerprint", String, nullable=False),
)


async def find(tx: Tx, name: str) -> SavedProfile | None:
    """Return a profile as it was last saved to the API, None if it never was."""
    row = (await tx.connection.execute(select(profiles).where(profiles.c.name == name))).one_or_none()
    return None if row is None else SavedProfile(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


async def list_all(tx: Tx) -> tuple[SavedProfile, ...]:
    """Return every saved profile, sorted by name."""
    rows = await tx.connection.execute(select(profiles).order_by(profiles.c.name))
    return tuple(SavedProfile(**row._mapping) for row in rows)  # noqa: SLF001  # SQLAlchemy's public name for it


async def save(tx: Tx, saved: SavedProfile) -> None:
    """Store a profile in place of the one of the same name."""
    values = asdict(saved)
    await tx.connection.execute(
        tx.insert(profiles).values(**values).on_conflict_do_update(index_elements=["name"], set_=values)
    )
