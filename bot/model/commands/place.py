"""Where a request was made, and what others said there."""

from __future__ import annotations

from dataclasses import dataclass

from store.records import ChannelId, MessageTs, UserId


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request came from, and so where a private answer to it belongs."""

    channel: ChannelId
    thread_ts: MessageTs | None = None
    response_url: str | None = None
    """Slack's own address for answering a slash command or click, 5 times in 30 minutes."""
    is_direct: bool = False
    """True in direct messages of two: of the member and Deputy, unless a command was typed in those of two people."""
    is_group: bool = False
    """True in a group's direct messages, as far as the request tells."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody else wrote: material for an agent, never an instruction."""

    author: str
    """Their name as Slack has it: their words too."""
    text: str
    by: UserId | None = None
    """Who it was, where Slack says so; then their name is asked of Slack."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What others wrote, oldest first, and how many messages before them are left out."""

    said: tuple[Said, ...] = ()
    left_out: int = 0
