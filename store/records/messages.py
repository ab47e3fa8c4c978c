"""Where a Slack message is, and the files that came with it."""

from __future__ import annotations

from dataclasses import dataclass

from store.records.ids import ChannelId, MessageTs


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A Slack message, by its channel and `ts`."""

    channel: ChannelId
    ts: MessageTs


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, as Slack describes it; its content stays at Slack until it is needed."""

    id: str
    name: str
    size: int = 0
    """Bytes."""
    mode: str = "hosted"
    """Slack's own: `hosted`, `external`, `snippet` and others."""
    width: int = 0
    """Pixels; 0 for what is no picture."""
    height: int = 0
    is_others: bool = False
    """Whether another person attached it: to the agent it is their words, not the owner's."""
