"""Audit entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.records.ids import WorkspaceId


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, to what, and when; details never hold secrets."""

    at: datetime
    workspace_id: WorkspaceId
    actor: str
    """A user id, or a word such as `deputy` where no member did it."""
    action: str
    """The noun and what happened to it, such as `connect.issued`."""
    subject: str
    """What it was done to, such as a service's name; `*`: everything."""
    details: dict[str, str]
