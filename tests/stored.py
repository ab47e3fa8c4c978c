"""What tests read of the store, or write into it, that Deputy never does in this way."""

from __future__ import annotations

from sqlalchemy import select

from bot.config.items import diff
from bot.config.model import Config
from bot.domain.config.service import ConfigService
from store.audit import audit_entries
from store.database import Tx
from store.records import AuditEntry, WorkspaceId


async def list_audit(tx: Tx, workspace_id: WorkspaceId) -> list[AuditEntry]:
    """Return the workspace's audit trail, the newest entry first."""
    own = select(audit_entries).where(audit_entries.c.workspace_id == workspace_id)
    rows = await tx.connection.execute(own.order_by(audit_entries.c.number.desc()))
    return [AuditEntry(row.at, row.workspace_id, row.actor, row.action, row.subject, dict(row.details)) for row in rows]


async def put_config(tx: Tx, configuration: ConfigService, workspace_id: WorkspaceId, wanted: Config) -> None:
    """Make the settings these, whatever they were."""
    changes = diff(await configuration.read_in(tx, workspace_id), wanted)
    await configuration.put_in(tx, workspace_id, "test", changes)
