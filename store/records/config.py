"""Settings items, and the profiles' agents at the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from store.records.ids import AgentId, EnvironmentId


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """An agent profile as it was last saved to the API."""

    name: str
    agent_id: AgentId
    agent_version: int
    environment_id: EnvironmentId
    fingerprint: str
    """SHA-256 of the profile as saved: another one means it must be saved again."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that admins set, as it is now; what is in it is known by `bot.config` alone."""

    kind: str
    """`workspace`, `service`, `profile`, `channel` or `member`."""
    name: str
    body: dict[str, Any] | None
    """None: it was taken back. Its version is kept, so that a form opened before notices."""
    version: int
    """1 at first; one more with each change. 0 stands for what nobody set yet."""
