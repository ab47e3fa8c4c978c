"""Stores the place of a Slack message in two columns."""

from __future__ import annotations

from store.records import ChannelId, MessageRef, MessageTs


def message_of(channel: str | None, ts: str | None) -> MessageRef | None:
    """Return the message that two columns name, None where they are empty."""
    if channel is None or ts is None:
        return None
    return MessageRef(channel=ChannelId(channel), ts=MessageTs(ts))


def message_values(prefix: str, message: MessageRef | None) -> dict[str, str | None]:
    """Return the values for the two columns of `message_columns(prefix)`."""
    if message is None:
        return {f"{prefix}_channel": None, f"{prefix}_ts": None}
    return {f"{prefix}_channel": message.channel, f"{prefix}_ts": message.ts}
