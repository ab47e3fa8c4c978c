"""The definition of each tool that is trusted, and the messages by which admins were told of changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, String, Table, delete, select

from store.database import Tx
from store.messages import message_of, message_values
from store.records import MessageRef, ServiceName, ServiceTool, UserId, WorkspaceId
from store.schema import UtcTime, message_columns, metadata
from store.service_tools import definition_columns, definition_values

tool_pins = Table(
    "tool_pins",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("tool", String, primary_key=True),
    *definition_columns(),
    # Empty: trusted with the first listing of its service, since there was nothing to compare (docs/decisions/0023).
    Column("accepted_by", String),
    Column("accepted_at", UtcTime, nullable=False),
)

tool_alerts = Table(
    "tool_alerts",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    *message_columns("card"),
    Column("digest", String, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Pin:
    """A tool as it is trusted."""

    tool: str
    description: str
    schema_hash: str
    annotations: dict[str, bool]
    definition_hash: str
    accepted_at: datetime
    accepted_by: UserId | None = None
    """None: it was trusted with its service's first listing, without an admin's look."""
    title: str | None = None
    schema: str | None = None
    """None: it was trusted before schemas were stored."""


@dataclass(frozen=True, slots=True)
class Alert:
    """The last message to one admin about a service's tools."""

    user_id: UserId
    card: MessageRef
    digest: str
    """A hash of what it showed, so that the same is not sent twice."""


async def list_for(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> dict[str, Pin]:
    """Return tool → trusted definition."""
    rows = await tx.connection.execute(
        select(tool_pins).where(tool_pins.c.workspace_id == workspace_id, tool_pins.c.service == service)
    )
    return {row.tool: _read(row) for row in rows}


async def list_hashes(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> dict[str, str]:
    """Return tool → hash of the trusted definition."""
    query = select(tool_pins.c.tool, tool_pins.c.definition_hash)
    rows = await tx.connection.execute(
        query.where(tool_pins.c.workspace_id == workspace_id, tool_pins.c.service == service)
    )
    return {row.tool: row.definition_hash for row in rows}


async def find(tx: Tx, workspace_id: WorkspaceId, service: ServiceName, tool: str) -> Pin | None:
    """Return the trusted definition of one tool, None if it is not trusted."""
    found = await tx.connection.execute(
        select(tool_pins).where(
            tool_pins.c.workspace_id == workspace_id, tool_pins.c.service == service, tool_pins.c.tool == tool
        )
    )
    row = found.one_or_none()
    return None if row is None else _read(row)


async def pin(
    tx: Tx, workspace_id: WorkspaceId, tools: Iterable[ServiceTool], by: UserId | None, now: datetime
) -> None:
    """Trust the tools as they were last listed; `by` None: with their service's first listing."""
    for tool in tools:
        values = {**definition_values(tool), "accepted_by": by, "accepted_at": now}
        added = tx.insert(tool_pins).values(workspace_id=workspace_id, service=tool.service, tool=tool.name, **values)
        await tx.connection.execute(
            added.on_conflict_do_update(index_elements=["workspace_id", "service", "tool"], set_=values)
        )


async def forget(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> None:
    """Trust nothing of a service any more, because another server or none stands behind its name now."""
    for table in (tool_pins, tool_alerts):
        await tx.connection.execute(
            delete(table).where(table.c.workspace_id == workspace_id, table.c.service == service)
        )


async def list_alerts(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> dict[UserId, Alert]:
    """Return user id → the last message to this admin about a service."""
    rows = await tx.connection.execute(
        select(tool_alerts).where(tool_alerts.c.workspace_id == workspace_id, tool_alerts.c.service == service)
    )
    found = {}
    for row in rows:
        if card := message_of(row.card_channel, row.card_ts):
            found[UserId(row.user_id)] = Alert(UserId(row.user_id), card, row.digest)
    return found


async def set_alert(tx: Tx, workspace_id: WorkspaceId, service: ServiceName, alert: Alert) -> None:
    """Store the last message to an admin about a service."""
    values = {**message_values("card", alert.card), "digest": alert.digest}
    added = tx.insert(tool_alerts).values(workspace_id=workspace_id, service=service, user_id=alert.user_id, **values)
    await tx.connection.execute(
        added.on_conflict_do_update(index_elements=["workspace_id", "service", "user_id"], set_=values)
    )


def _read(row: Row[Any]) -> Pin:
    return Pin(
        tool=row.tool,
        description=row.description,
        schema_hash=row.schema_hash,
        annotations=dict(row.annotations),
        definition_hash=row.definition_hash,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
        title=row.title,
        schema=row.input_schema,
    )
