"""Items that admins set, and the agents at the API that belong to profiles."""

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
    """SHA-256 of the profile as saved; where the profile's present one differs, it must be saved again."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that admins set, as it is now; only `bot.config` knows what is in its body."""

    kind: str
    """`workspace`, `service`, `profile`, `channel` or `member`."""
    name: str
    body: dict[str, Any] | None
    """None: it was removed. The row stays with its version, so that a form that was opened before notices."""
    version: int
    """1 at first, one higher with each change; 0 for what nobody has set yet."""
