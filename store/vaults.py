"""Which vault belongs to which member."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Row, Select, String, Table, UniqueConstraint, text, update

from store.database import Tx
from store.errors import NotFound
from store.members import owned, owner_of
from store.records import Member, Vault, VaultId, VaultState
from store.schema import UtcTime, metadata, owner_key, states_check, states_sql, within

LIVING_VAULT_STATES = (VaultState.CREATING, VaultState.ACTIVE)

vaults = Table(
    "vaults",
    metadata,
    # Ours, not the API's id: the row is stored before the API is called, and the marker is what the vault is found by.
    Column("marker", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("state", String, nullable=False),
    # Empty while it is being created.
    Column("vault_id", String, unique=True),
    Column("created_at", UtcTime, nullable=False),
    owner_key(),
    states_check(VaultState),
    CheckConstraint("state <> 'active' OR vault_id IS NOT NULL", name="active_is_known"),
    # For `own_vault_key`: whoever refers to a vault refers to its owner as well.
    UniqueConstraint("vault_id", "workspace_id", "owner_id"),
    # Two requests at once must not make a member two vaults: sessions would use one, and credentials be in the other.
    Index(
        "uq_vaults_one_living",
        "workspace_id",
        "owner_id",
        unique=True,
        sqlite_where=text(states_sql("state", LIVING_VAULT_STATES)),
        postgresql_where=text(states_sql("state", LIVING_VAULT_STATES)),
    ),
)


async def intend(tx: Tx, owner: Member, marker: str, now: datetime) -> Vault:
    """Return the owner's living vault; if there is none, record that one with this `marker` is about to be made."""
    added = tx.insert(vaults).values(
        marker=marker,
        workspace_id=owner.workspace_id,
        owner_id=owner.user_id,
        state=VaultState.CREATING,
        created_at=now,
    )
    await tx.connection.execute(added.on_conflict_do_nothing())
    vault = await find(tx, owner)
    if vault is None:
        raise NotFound("vault", marker)
    return vault


async def find(tx: Tx, owner: Member) -> Vault | None:
    """Return the owner's living vault (active or being created), None if there is none."""
    row = (await tx.connection.execute(_living(owner))).one_or_none()
    return None if row is None else _read(row)


async def list_active(tx: Tx) -> tuple[Vault, ...]:
    """Return all active vaults, sorted by owner; for the operator's checks, never for a session."""
    query = owned(vaults).where(vaults.c.state == VaultState.ACTIVE)
    rows = await tx.connection.execute(query.order_by(vaults.c.workspace_id, vaults.c.owner_id))
    return tuple(_read(row) for row in rows)


async def activate(tx: Tx, marker: str, vault_id: VaultId) -> Vault:
    """Record that the vault was made. Idempotent for the same id.

    Raises:
        NotFound: no vault with this marker is being created, or another one was recorded for it.
    """
    await tx.connection.execute(
        update(vaults)
        .where(vaults.c.marker == marker, vaults.c.state == VaultState.CREATING)
        .values(state=VaultState.ACTIVE, vault_id=vault_id)
    )
    known = owned(vaults).where(
        vaults.c.marker == marker, vaults.c.state == VaultState.ACTIVE, vaults.c.vault_id == vault_id
    )
    row = (await tx.connection.execute(known)).one_or_none()
    if row is None:
        raise NotFound("vault", marker)
    return _read(row)


async def archive(tx: Tx, vault: Vault) -> None:
    """Record that the vault was deleted or archived at the API. Idempotent."""
    await tx.connection.execute(update(vaults).where(vaults.c.marker == vault.marker).values(state=VaultState.ARCHIVED))


def _living(owner: Member) -> Select[Any]:
    return owned(vaults).where(
        vaults.c.workspace_id == owner.workspace_id,
        vaults.c.owner_id == owner.user_id,
        within(vaults.c.state, LIVING_VAULT_STATES),
    )


def _read(row: Row[Any]) -> Vault:
    return Vault(marker=row.marker, owner=owner_of(row), state=VaultState(row.state), vault_id=row.vault_id)
