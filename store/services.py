"""The services that admins added or configured."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    select,
    update,
)

from store.database import Tx
from store.errors import NotFound
from store.records import RegistrationKind, SavedService, Secret, ServiceName, WorkspaceId
from store.schema import UtcTime, metadata, states_check

services = Table(
    "services",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("mcp_url", String, nullable=False),
    Column("is_shipped", Boolean, nullable=False),
    Column("registration", String, nullable=False),
    Column("manage_url", String),
    Column("issuer", String),
    Column("resource", String),
    Column("endpoint_hosts", JSON, nullable=False),
    Column("pkce_unadvertised_ok", Boolean, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("client_id", String),
    Column("client_secret", Text),
    Column("secret_variable", String),
    Column("shown", String, nullable=False),
    Column("approved_by", String, nullable=False),
    Column("approved_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    states_check(RegistrationKind, "registration"),
    # Without an issuer there is nothing to pin, so it can be connected by a personal token only. A shipped service has
    # its pins in the catalogue.
    CheckConstraint("issuer IS NOT NULL OR registration = 'token' OR is_shipped", name="pinned"),
    CheckConstraint("client_secret IS NULL OR client_id IS NOT NULL", name="client"),
    # A vault holds one credential per server: two services with one server would overwrite each other's.
    UniqueConstraint("workspace_id", "mcp_url"),
)


async def list_for(tx: Tx, workspace_id: WorkspaceId) -> tuple[SavedService, ...]:
    """Return what the workspace's admins saved, sorted by name."""
    query = select(services).where(services.c.workspace_id == workspace_id).order_by(services.c.name)
    return tuple(_read(tx, row) for row in await tx.connection.execute(query))


async def find(tx: Tx, workspace_id: WorkspaceId, name: ServiceName) -> SavedService | None:
    """Return one saved service, None if there is none of this name."""
    row = (await tx.connection.execute(select(services).where(_key(workspace_id, name)))).one_or_none()
    return None if row is None else _read(tx, row)


async def save(tx: Tx, service: SavedService) -> SavedService | None:
    """Store a service in place of the version that it names, 0 for a new one; None if somebody changed it meanwhile.

    Raises `InvariantBroken` where another service has the same server.
    """
    values = _values(tx, service)
    if service.version == 0:
        # A conflict of names alone means that somebody was faster; one of servers is to be an error.
        added = tx.insert(services).values(**values, workspace_id=service.workspace_id, name=service.name)
        is_ours = await tx.changed(added.on_conflict_do_nothing(index_elements=["workspace_id", "name"])) == 1
    else:
        where = and_(_key(service.workspace_id, service.name), services.c.version == service.version)
        is_ours = await tx.changed(update(services).where(where).values(**values)) == 1
    if not is_ours:
        return None
    saved = await find(tx, service.workspace_id, service.name)
    if saved is None:
        raise NotFound("service", service.name)
    return saved


async def remove(tx: Tx, workspace_id: WorkspaceId, name: ServiceName, version: int) -> bool:
    """Delete a service and its client; False if it is gone or changed."""
    where = and_(_key(workspace_id, name), services.c.version == version)
    return await tx.changed(delete(services).where(where)) == 1


def _key(workspace_id: WorkspaceId, name: ServiceName) -> ColumnElement[bool]:
    return and_(services.c.workspace_id == workspace_id, services.c.name == name)


async def list_sealed(tx: Tx) -> list[tuple[str, str]]:
    """Return the sealed client secrets, each with its place."""
    rows = (await tx.connection.execute(select(services))).all()
    return [(row.client_secret, _place(row)) for row in rows if row.client_secret is not None]


def _place(row: SavedService | Row[Any]) -> str:
    # A client's secret opens for this service, server and issuer only (docs/reference/oauth.md#client-binding).
    # No part holds a space, so two different sets of parts never give the same text.
    return f"services.client_secret:{row.workspace_id} {row.name} {row.mcp_url} {row.issuer}"


def _values(tx: Tx, service: SavedService) -> dict[str, object]:
    return {
        "title": service.title,
        "mcp_url": service.mcp_url,
        "is_shipped": service.is_shipped,
        "registration": service.registration,
        "manage_url": service.manage_url,
        "issuer": service.issuer,
        "resource": service.resource,
        "endpoint_hosts": list(service.endpoint_hosts),
        "pkce_unadvertised_ok": service.pkce_unadvertised_ok,
        "scopes": list(service.scopes),
        "client_id": service.client_id,
        "client_secret": tx.sealer.seal_secret(service.client_secret, place=_place(service)),
        "secret_variable": service.secret_variable,
        "shown": service.shown,
        "approved_by": service.approved_by,
        "approved_at": service.approved_at,
        "version": service.version + 1,
    }


def _read(tx: Tx, row: Row[Any]) -> SavedService:
    # A client whose secret does not open is left out whole: the admin is asked for a client again, and nothing is sent
    # with half of one.
    secret = tx.sealer.open_if_whole(row.client_secret, place=_place(row))
    is_whole = row.client_secret is None or secret is not None
    return SavedService(
        workspace_id=row.workspace_id,
        name=row.name,
        title=row.title,
        mcp_url=row.mcp_url,
        is_shipped=row.is_shipped,
        registration=RegistrationKind(row.registration),
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        manage_url=row.manage_url,
        issuer=row.issuer,
        resource=row.resource,
        endpoint_hosts=tuple(row.endpoint_hosts),
        pkce_unadvertised_ok=row.pkce_unadvertised_ok,
        scopes=tuple(row.scopes),
        client_id=row.client_id if is_whole else None,
        client_secret=None if secret is None else Secret(secret),
        secret_variable=row.secret_variable if is_whole else None,
        shown=row.shown,
        version=row.version,
    )
