"""The audit log: who did what. Rows are added, never changed or deleted."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, insert

from store.database import Tx
from store.records import AuditEntry
from store.schema import UtcTime, metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    # SQLite numbers rows by itself only in a column of type INTEGER (sqlite.org/autoinc.html §1).
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("details", JSON, nullable=False),
    Index("ix_audit_entries_workspace", "workspace_id", "number"),
)


async def record(tx: Tx, entry: AuditEntry) -> None:
    """Add an entry, in the transaction that does what it records: neither is stored without the other."""
    await tx.connection.execute(
        insert(audit_entries).values(
            at=entry.at,
            workspace_id=entry.workspace_id,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            details=dict(entry.details),
        )
    )
