"""The services that members have connected. Tokens are in their vaults, never here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, Row, String, Table, and_, false, insert, select, text, update

from store.database import Tx
from store.errors import NotFound
from store.members import members, owned, owner_of
from store.records import (
    Connection,
    ConnectionId,
    ConnectionState,
    CredentialId,
    Member,
    ServiceName,
    VaultId,
    WorkspaceId,
)
from store.schema import UtcTime, metadata, own_vault_key, owner_key, states_check, states_sql, within

ACTIVE_CONNECTION_STATES = (ConnectionState.CONNECTED, ConnectionState.BROKEN)
"""A broken one counts: it is shown, and its member is asked to connect again."""

connections = Table(
    "connections",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("service", String, nullable=False),
    Column("vault_id", String, nullable=False),
    Column("credential_id", String, nullable=False),
    Column("mcp_server_url", String, nullable=False),
    Column("account", String),
    Column("scope", String),
    Column("state", String, nullable=False),
    Column("expires_at", UtcTime),
    Column("connected_at", UtcTime, nullable=False),
    Column("asked_scope", String),
    Column("reminded_at", UtcTime),
    # What is still to be done: stored together with the state that it follows from, and cleared when it is done. So a
    # crash in between forgets neither to tell the member nor to delete a credential that must not be used any more.
    Column("lapse_untold", String),
    Column("lapsed_at", UtcTime),
    Column("is_credential_due", Boolean, nullable=False, server_default=false()),
    owner_key(),
    own_vault_key("vault_id"),
    states_check(ConnectionState),
    Index("ix_connections_credential", "credential_id"),
    Index("ix_connections_vault", "vault_id", "workspace_id", "owner_id"),
    # Disconnected ones stay, as the record of which account was connected before.
    Index(
        "uq_connections_one_active",
        "workspace_id",
        "owner_id",
        "service",
        unique=True,
        sqlite_where=text(states_sql("state", ACTIVE_CONNECTION_STATES)),
        postgresql_where=text(states_sql("state", ACTIVE_CONNECTION_STATES)),
    ),
)


async def put(tx: Tx, connection: Connection) -> None:
    """Store a new connection; the owner's older one to the service becomes disconnected.

    The vault must be stored as the owner's own, else `InvariantBroken`.
    """
    await tx.connection.execute(
        update(connections)
        .where(_active(connection.owner), connections.c.service == connection.service)
        .values(state=ConnectionState.DISCONNECTED)
    )
    await tx.connection.execute(
        insert(connections).values(
            id=connection.id,
            workspace_id=connection.owner.workspace_id,
            owner_id=connection.owner.user_id,
            service=connection.service,
            vault_id=connection.vault_id,
            credential_id=connection.credential_id,
            mcp_server_url=connection.mcp_server_url,
            account=connection.account,
            scope=connection.scope,
            state=connection.state,
            expires_at=connection.expires_at,
            connected_at=connection.connected_at,
            asked_scope=connection.asked_scope,
        )
    )


async def find(tx: Tx, owner: Member, service: ServiceName) -> Connection | None:
    """Return the owner's connection to a service, connected or broken; None if there is none."""
    query = owned(connections).where(_active(owner), connections.c.service == service)
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else _read(row)


async def find_account_before(tx: Tx, connection: Connection) -> str | None:
    """Return the account of the owner's last connection to the service before this one; None if it is not known."""
    # To tell the owner of a change: they may have been signed in to another account than they think.
    query = (
        select(connections.c.account)
        .where(
            connections.c.workspace_id == connection.owner.workspace_id,
            connections.c.owner_id == connection.owner.user_id,
            connections.c.service == connection.service,
            connections.c.id != connection.id,
            connections.c.account.is_not(None),
        )
        .order_by(connections.c.connected_at.desc())
        .limit(1)
    )
    return (await tx.connection.execute(query)).scalar_one_or_none()


async def get(tx: Tx, owner: Member, connection_id: ConnectionId) -> Connection:
    """Return the owner's connection, in any state. Raises `NotFound`, also for somebody else's."""
    query = owned(connections).where(
        connections.c.id == connection_id,
        connections.c.workspace_id == owner.workspace_id,
        connections.c.owner_id == owner.user_id,
    )
    row = (await tx.connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("connection", connection_id)
    return _read(row)


async def list_for(tx: Tx, owner: Member) -> tuple[Connection, ...]:
    """Return the owner's connections, connected or broken, sorted by service."""
    rows = await tx.connection.execute(owned(connections).where(_active(owner)).order_by(connections.c.service))
    return tuple(_read(row) for row in rows)


async def find_by_credential(tx: Tx, credential_id: CredentialId) -> Connection | None:
    """Return the connected or broken connection with this credential; None if it was replaced."""
    query = owned(connections).where(
        connections.c.credential_id == credential_id, within(connections.c.state, ACTIVE_CONNECTION_STATES)
    )
    row = (await tx.connection.execute(query.limit(1))).one_or_none()
    return None if row is None else _read(row)


async def list_in_vault(tx: Tx, vault_id: VaultId) -> tuple[Connection, ...]:
    """Return the connections, connected or broken, with credentials in this vault, sorted by service."""
    query = owned(connections).where(
        connections.c.vault_id == vault_id, within(connections.c.state, ACTIVE_CONNECTION_STATES)
    )
    return tuple(_read(row) for row in await tx.connection.execute(query.order_by(connections.c.service)))


async def list_ending(tx: Tx, before: datetime) -> tuple[Connection, ...]:
    """Return active members' connections that end by themselves before a time, the soonest first."""
    query = owned(connections).where(
        connections.c.state == ConnectionState.CONNECTED,
        connections.c.expires_at < before,
        members.c.deactivated_at.is_(None),
    )
    return tuple(_read(row) for row in await tx.connection.execute(query.order_by(connections.c.expires_at)))


async def is_reminded(tx: Tx, connection_id: ConnectionId) -> bool:
    """Say whether the member was reminded that this connection will end."""
    query = select(connections.c.reminded_at).where(connections.c.id == connection_id)
    return (await tx.connection.execute(query)).scalar_one() is not None


async def set_reminded(tx: Tx, connection_id: ConnectionId, now: datetime) -> None:
    """Record that the member was reminded that this connection will end."""
    await tx.connection.execute(update(connections).where(connections.c.id == connection_id).values(reminded_at=now))


async def mark(tx: Tx, connection_id: ConnectionId, state: ConnectionState) -> bool:
    """Record a state; False if it was in that state already, or is disconnected."""
    # A disconnected one has no credential: a late answer about the old one must not bring it back.
    changed = update(connections).where(
        connections.c.id == connection_id,
        within(connections.c.state, ACTIVE_CONNECTION_STATES),
        connections.c.state != state,
    )
    return await tx.changed(changed.values(state=state)) == 1


async def lapse(tx: Tx, connection_id: ConnectionId, reason: str, now: datetime) -> bool:
    """Record a connection as broken, and that its member is to be told why; False if it was not connected."""
    lapsed = update(connections).where(
        connections.c.id == connection_id, connections.c.state == ConnectionState.CONNECTED
    )
    values = {"state": ConnectionState.BROKEN, "lapse_untold": reason, "lapsed_at": now}
    return await tx.changed(lapsed.values(values)) == 1


async def list_untold(tx: Tx) -> tuple[Connection, ...]:
    """Return the broken connections whose members are still to be told, the oldest first."""
    query = owned(connections).where(
        connections.c.lapse_untold.is_not(None), connections.c.state == ConnectionState.BROKEN
    )
    rows = await tx.connection.execute(query.order_by(connections.c.lapsed_at))
    return tuple(_read(row) for row in rows)


async def find_untold(tx: Tx, connection_id: ConnectionId) -> tuple[str, datetime] | None:
    """Return why and when a connection broke, if its member is still to be told, else None."""
    query = select(connections.c.lapse_untold, connections.c.lapsed_at).where(
        connections.c.id == connection_id,
        connections.c.lapse_untold.is_not(None),
        connections.c.state == ConnectionState.BROKEN,
    )
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else (row.lapse_untold, row.lapsed_at)


async def set_told(tx: Tx, connection_id: ConnectionId) -> None:
    """Record that the member was told of the broken connection. Idempotent."""
    await tx.connection.execute(update(connections).where(connections.c.id == connection_id).values(lapse_untold=None))


async def break_service(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> tuple[Connection, ...]:
    """Record all connections to a service as broken and their credentials as to be deleted; return them."""
    where = and_(
        connections.c.workspace_id == workspace_id,
        connections.c.service == service,
        within(connections.c.state, ACTIVE_CONNECTION_STATES),
    )
    broken = update(connections).where(where).values(state=ConnectionState.BROKEN, is_credential_due=True)
    await tx.connection.execute(broken)
    return tuple(_read(row) for row in await tx.connection.execute(owned(connections).where(where)))


async def list_credentials_due(tx: Tx) -> tuple[Connection, ...]:
    """Return the connections, in any state, whose credentials are still to be deleted."""
    rows = await tx.connection.execute(owned(connections).where(connections.c.is_credential_due))
    return tuple(_read(row) for row in rows)


async def set_credential_gone(tx: Tx, connection_id: ConnectionId) -> None:
    """Record that a connection's credential was deleted, which makes it disconnected. Idempotent."""
    await tx.connection.execute(
        update(connections)
        .where(connections.c.id == connection_id)
        .values(state=ConnectionState.DISCONNECTED, is_credential_due=False)
    )


def _active(owner: Member) -> Any:
    return and_(
        connections.c.workspace_id == owner.workspace_id,
        connections.c.owner_id == owner.user_id,
        within(connections.c.state, ACTIVE_CONNECTION_STATES),
    )


def _read(row: Row[Any]) -> Connection:
    return Connection(
        id=row.id,
        owner=owner_of(row),
        service=row.service,
        vault_id=row.vault_id,
        credential_id=row.credential_id,
        mcp_server_url=row.mcp_server_url,
        account=row.account,
        scope=row.scope,
        state=ConnectionState(row.state),
        expires_at=row.expires_at,
        connected_at=row.connected_at,
        asked_scope=row.asked_scope,
    )
