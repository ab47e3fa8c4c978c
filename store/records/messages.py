"""A Slack message's place, and what is attached to it."""

from __future__ import annotations

from dataclasses import dataclass

from store.records.ids import ChannelId, MessageTs


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where one Slack message is."""

    channel: ChannelId
    ts: MessageTs


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, as Slack describes it; its bytes stay there until they are needed."""

    id: str
    name: str
    size: int = 0
    mode: str = "hosted"
    """Slack's word for what it is."""
    width: int = 0
    height: int = 0
    is_others: bool = False
    """It came with somebody else's words, and is their words."""
