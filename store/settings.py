"""What admins set, one row for each item, each with a version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Column, Integer, String, Table, and_, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from store.database import Tx
from store.records import Setting, WorkspaceId
from store.schema import UtcTime, metadata

settings = Table(
    "settings",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("body", JSON(none_as_null=True)),
    Column("version", Integer, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", String, nullable=False),
    CheckConstraint("version > 0", name="version"),
)


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something, and when."""

    workspace_id: WorkspaceId
    user_id: str
    at: datetime


async def list_all(tx: Tx, workspace_id: WorkspaceId) -> tuple[Setting, ...]:
    """Return every item, removed ones too, sorted by kind and name."""
    rows = await tx.connection.execute(
        select(settings).where(settings.c.workspace_id == workspace_id).order_by(settings.c.kind, settings.c.name)
    )
    return tuple(Setting(kind=row.kind, name=row.name, body=row.body, version=row.version) for row in rows)


async def revision(tx: Tx, workspace_id: WorkspaceId) -> int:
    """Return a number that differs after each change of any item."""
    # The sum of all versions: a version only grows, and a removed item keeps its row.
    total = select(func.coalesce(func.sum(settings.c.version), 0)).where(settings.c.workspace_id == workspace_id)
    return int((await tx.connection.execute(total)).scalar_one())


async def last_changed_by(tx: Tx, workspace_id: WorkspaceId, names: Iterable[tuple[str, str]]) -> str | None:
    """Return who last changed one of these items, given by kind and name; None where none was ever set."""
    which = or_(*(and_(settings.c.kind == kind, settings.c.name == name) for kind, name in names))
    query = select(settings.c.changed_by).where(settings.c.workspace_id == workspace_id, which)
    newest = query.order_by(settings.c.changed_at.desc()).limit(1)
    return (await tx.connection.execute(newest)).scalar_one_or_none()


async def put(tx: Tx, setting: Setting, by: By) -> bool:
    """Store an item in place of the version that was seen; False if somebody else changed it meanwhile.

    `setting.version` is the version that was seen, 0 for none; the stored one is one higher.
    """
    values = {"body": setting.body, "changed_at": by.at, "changed_by": by.user_id}
    if setting.version == 0:
        added = tx.insert(settings).values(
            workspace_id=by.workspace_id, kind=setting.kind, name=setting.name, version=1, **values
        )
        return await tx.changed(added.on_conflict_do_nothing()) == 1
    changed = (
        update(settings)
        .where(_is(by.workspace_id, setting), settings.c.version == setting.version)
        .values(version=setting.version + 1, **values)
    )
    return await tx.changed(changed) == 1


def _is(workspace_id: WorkspaceId, setting: Setting) -> ColumnElement[bool]:
    return (
        (settings.c.workspace_id == workspace_id)
        & (settings.c.kind == setting.kind)
        & (settings.c.name == setting.name)
    )
