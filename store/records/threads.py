"""A Slack thread and its session at the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from store.records.ids import ChannelId, MessageTs, SessionId, ThreadId, VaultId
from store.records.people import Member


class SessionState(StrEnum):
    """Whether a thread has a Managed Agents session."""

    NONE = "none"
    CREATING = "creating"
    """About to be made, and perhaps made already: look for the thread's marker at the API before asking again."""
    OPEN = "open"
    LOST = "lost"
    """The API has it no more; the next turn makes another one."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A Slack thread, owned by the member who started it, with one session."""

    id: ThreadId
    owner: Member
    channel: ChannelId
    thread_ts: MessageTs | None
    """None until the root message is known to be posted: the row is stored before."""
    title: str
    profile: str
    is_private: bool
    session_state: SessionState
    session_id: SessionId | None
    session_vault_id: VaultId | None
    """The vault that the session was made with; None for a member without connections."""
    created_at: datetime
    session_services: tuple[str, ...] = ()
    """The names of the services that the session has now."""
    session_tools: dict[str, Any] | None = None
    """The tools it began with and those it has now, in the domain's own form; None: made before we stored them."""
    agent_version: int | None = None
    """The version of the agent that the session was made with; a session keeps it."""
    asked_in: ChannelId | None = None
    """Where it was asked, if that channel's answers are private and this thread is therefore in direct messages."""

    @property
    def paying_channel(self) -> ChannelId | None:
        """The channel whose rules and budget apply; None for what was asked in direct messages."""
        return self.asked_in if self.is_private else self.channel
