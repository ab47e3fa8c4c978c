"""Audit entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.records.ids import WorkspaceId


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom, when; details never hold secrets."""

    at: datetime
    workspace_id: WorkspaceId
    actor: str
    action: str
    subject: str
    details: dict[str, str]
