"""A thread and its session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from store.records.ids import ChannelId, MessageTs, SessionId, ThreadId, VaultId
from store.records.people import Member


class SessionState(StrEnum):
    """How a thread stands with its Managed Agents session."""

    NONE = "none"
    CREATING = "creating"
    """Intent stored; the API may have made it: look for the thread's marker before asking again."""
    OPEN = "open"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Thread:
    """A Slack thread, owned by the member who started it, backed by one session."""

    id: ThreadId
    owner: Member
    channel: ChannelId
    thread_ts: MessageTs | None
    """None until the root message is posted (its intent is this row)."""
    title: str
    profile: str
    is_private: bool
    session_state: SessionState
    session_id: SessionId | None
    session_vault_id: VaultId | None
    """The vault the session was made with; None for a member without connections."""
    created_at: datetime
    session_services: tuple[str, ...] = ()
    """The services the session has now, by name."""
    session_tools: dict[str, Any] | None = None
    """What it was given first and what it has now, in the domain's own form; None: made before this was kept."""
    agent_version: int | None = None
    """The version of the agent that the session was made with, and keeps."""
    asked_in: ChannelId | None = None
    """The channel it was asked in, where that channel's answers are private and so this thread is elsewhere."""

    @property
    def paying_channel(self) -> ChannelId | None:
        """The channel whose rules hold and whose budget pays; None for what was asked in direct messages."""
        return self.asked_in if self.is_private else self.channel
