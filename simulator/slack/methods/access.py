"""The checks that methods share: the channel, whether the bot may write there, the thread, whose message it is."""

from __future__ import annotations

import json
import re
from typing import Any

from simulator.slack.errors import SlackError
from simulator.slack.messages import Message
from simulator.slack.people import BOT, BOT_ID, Channel
from simulator.slack.workspace import Workspace

THREADS_ONLY = "restricted_action_thread_only_channel"
EVENT_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,255}")


def readable(ws: Workspace, channel_id: str) -> Channel:
    """Return a channel that the bot can see. Raises `channel_not_found`."""
    channel = ws.channels.get(channel_id)
    if channel is None or ((channel.is_private or channel.is_mpim) and BOT not in channel.members):
        raise SlackError("channel_not_found")
    return channel


def joined(ws: Workspace, channel_id: str) -> Channel:
    """Return a channel the bot is in. Raises `not_in_channel` too."""
    channel = readable(ws, channel_id)
    if BOT not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def writable(ws: Workspace, channel_id: str, thread_ts: str | None = None) -> Channel:
    """Return where the bot may post; a user id means the direct messages with them."""
    if channel_id in ws.people:
        return dm_with(ws, channel_id)
    return may_post(joined(ws, channel_id), thread_ts)


def may_post(channel: Channel, thread_ts: str | None = None) -> Channel:
    """Return a channel to which the bot may post. Raises `is_archived`, `restricted_action…`."""
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.restricted and not (thread_ts and channel.restricted == THREADS_ONLY):
        raise SlackError(channel.restricted)
    return channel


def dm_with(ws: Workspace, user_id: str) -> Channel:
    """Return the direct messages with a person. Raises `user_not_found`, `cannot_dm_bot`, `user_disabled`."""
    person = ws.person(user_id)
    if person.is_bot:
        raise SlackError("cannot_dm_bot")
    if person.deleted:
        raise SlackError("user_disabled")
    return ws.dm_of(user_id)


def thread_root(ws: Workspace, channel: Channel, thread_ts: str | None) -> Message | None:
    """Return the root to reply to. Raises `thread_not_found`, `cannot_reply_to_message`."""
    if thread_ts is None:
        return None
    root = ws.find(channel.id, thread_ts)
    if root is None or root.is_tombstone:
        raise SlackError("thread_not_found")
    if root.thread_ts not in {None, root.ts}:
        raise SlackError("cannot_reply_to_message")
    return root


def metadata_of(given: Any) -> dict[str, Any] | None:
    """Return checked message metadata. Raises `invalid_metadata_format`, `metadata_too_large`."""
    if given is None or given == {}:
        return None
    is_right = (
        isinstance(given, dict)
        and isinstance(given.get("event_type"), str)
        and EVENT_TYPE.fullmatch(given["event_type"])
        and isinstance(given.get("event_payload"), dict)
        and not given.keys() - {"event_type", "event_payload", "entities"}
    )
    if not is_right:
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(given)) > 8_000:
        raise SlackError("metadata_too_large")
    return dict(given)


def own_message(ws: Workspace, channel_id: str, ts: str, denied: str) -> Message:
    """Return a message of the bot. Raises `message_not_found`, or `denied` for somebody else's."""
    channel = readable(ws, channel_id)
    message = ws.find(channel.id, ts)
    if message is None or message.is_tombstone:
        raise SlackError("message_not_found")
    if message.user != BOT:
        raise SlackError(denied)
    return message


def own(channel: Channel, ts: str, text: str = "", thread_ts: str | None = None) -> Message:
    """Return a new message of the bot."""
    return Message(channel.id, ts, BOT, text=text, thread_ts=thread_ts, by_app=True, bot_id=BOT_ID)
