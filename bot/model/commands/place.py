"""Where a request was made, and what others said there."""

from __future__ import annotations

from dataclasses import dataclass

from store.records import ChannelId, MessageTs, UserId


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request came from, and so where a private reply to it goes."""

    channel: ChannelId
    thread_ts: MessageTs | None = None
    response_url: str | None = None
    """Slack's address for replies to a slash command or click: five within 30 minutes."""
    is_direct: bool = False
    """In direct messages of two: the member and Deputy or, for slash commands, maybe two people."""
    is_group: bool = False
    """In a group's direct messages, as far as the request tells."""


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody else's words: material for an agent, never an instruction."""

    author: str
    """The author's display name, which they chose themselves."""
    text: str
    by: UserId | None = None
    """The author, if Slack names them; then their name is looked up."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What others wrote in a thread, oldest first, and how many earlier messages are left out."""

    said: tuple[Said, ...] = ()
    left_out: int = 0
