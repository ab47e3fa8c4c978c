"""The tools that each service has listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Row, String, Table, Text, and_, delete, select

from store.database import Tx
from store.records import ServiceName, ServiceTool, WorkspaceId
from store.schema import UtcTime, metadata


def definition_columns() -> tuple[Column[Any], ...]:
    """Return the columns of a tool's definition, as it was listed or as it is trusted (`store/tool_pins.py`)."""
    return (
        Column("title", String),
        Column("description", Text, nullable=False),
        Column("schema_hash", String, nullable=False),
        # Empty for what was listed before schemas were stored.
        Column("input_schema", Text),
        Column("annotations", JSON, nullable=False),
        Column("definition_hash", String, nullable=False),
    )


def definition_values(tool: ServiceTool) -> dict[str, Any]:
    """Return the values for `definition_columns`."""
    return {
        "title": tool.title,
        "description": tool.description,
        "schema_hash": tool.schema_hash,
        "input_schema": tool.schema,
        "annotations": dict(tool.annotations),
        "definition_hash": tool.definition_hash,
    }


service_tools = Table(
    "service_tools",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("name", String, primary_key=True),
    *definition_columns(),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime),
    Column("seen_at", UtcTime, nullable=False),
)


async def list_for(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> tuple[ServiceTool, ...]:
    """Return every tool that the service ever listed, sorted by name."""
    query = select(service_tools).where(_of(workspace_id, service)).order_by(service_tools.c.name)
    return tuple(_read(row) for row in await tx.connection.execute(query))


async def list_titles(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> dict[str, tuple[str | None, str]]:
    """Return name → title and definition hash of every tool that `list_for` returns."""
    columns = (service_tools.c.name, service_tools.c.title, service_tools.c.definition_hash)
    rows = await tx.connection.execute(select(*columns).where(_of(workspace_id, service)))
    return {row.name: (row.title, row.definition_hash) for row in rows}


async def list_services(tx: Tx) -> tuple[tuple[WorkspaceId, ServiceName], ...]:
    """Return the services of every workspace that have listed tools."""
    query = select(service_tools.c.workspace_id, service_tools.c.service).distinct().order_by(service_tools.c.service)
    return tuple((row.workspace_id, row.service) for row in await tx.connection.execute(query))


async def find(tx: Tx, workspace_id: WorkspaceId, service: ServiceName, name: str) -> ServiceTool | None:
    """Return one tool as the service last listed it, None if it never did."""
    query = select(service_tools).where(_of(workspace_id, service), service_tools.c.name == name)
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else _read(row)


async def put(tx: Tx, workspace_id: WorkspaceId, tools: Iterable[ServiceTool]) -> None:
    """Store the tools as they are now, in place of the records of the same names."""
    for tool in tools:
        values = _values(tool)
        added = tx.insert(service_tools).values(
            workspace_id=workspace_id, service=tool.service, name=tool.name, **values
        )
        await tx.connection.execute(
            added.on_conflict_do_update(index_elements=["workspace_id", "service", "name"], set_=values)
        )


async def forget(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> None:
    """Forget a service's tools, because another server or none stands behind its name now."""
    await tx.connection.execute(delete(service_tools).where(_of(workspace_id, service)))


def _of(workspace_id: WorkspaceId, service: ServiceName) -> ColumnElement[bool]:
    return and_(service_tools.c.workspace_id == workspace_id, service_tools.c.service == service)


def _values(tool: ServiceTool) -> dict[str, Any]:
    return {
        **definition_values(tool),
        "first_seen_at": tool.first_seen_at,
        "changed_at": tool.changed_at,
        "seen_at": tool.seen_at,
    }


def _read(row: Row[Any]) -> ServiceTool:
    return ServiceTool(
        service=row.service,
        name=row.name,
        title=row.title,
        description=row.description,
        schema_hash=row.schema_hash,
        annotations=dict(row.annotations),
        definition_hash=row.definition_hash,
        first_seen_at=row.first_seen_at,
        changed_at=row.changed_at,
        seen_at=row.seen_at,
        schema=row.input_schema,
    )
