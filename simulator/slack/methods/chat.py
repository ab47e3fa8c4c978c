"""`chat.*` for whole messages: post, update, delete, ephemeral, permalink (docs/reference/slack.md#messages).

Streams are in `streams.py`.
"""

from __future__ import annotations

from typing import Any

from simulator.slack.blockkit import parse_blocks
from simulator.slack.errors import SlackError
from simulator.slack.messages import Message
from simulator.slack.methods.access import (
    joined,
    may_post,
    metadata_of,
    own,
    own_message,
    readable,
    thread_root,
    writable,
)
from simulator.slack.methods.registry import Args, serves
from simulator.slack.people import BOT
from simulator.slack.workspace import Workspace

Answer = dict[str, Any]
Content = tuple[str, list[dict[str, Any]]]
HARD_LIMIT = 40_000


def content_of(args: Args) -> Content:
    """Return text and blocks. Raises `no_text`, `markdown_text_conflict`, `msg_too_long`, `invalid_blocks`."""
    text, markdown = args.string("text"), args.string("markdown_text")
    given = args.structure("blocks", "invalid_blocks_format")
    if markdown is not None:
        if text is not None or given:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > 12_000:
            raise SlackError("msg_too_long")
        return markdown, parse_blocks([{"type": "markdown", "text": markdown}])
    blocks = parse_blocks(given) if given else []
    if not blocks and not (text or "").strip() and not args.get("attachments"):
        raise SlackError("no_text")
    return (text or "")[:HARD_LIMIT], blocks


def unfurls(args: Args) -> bool:
    """Return whether Slack would fetch links: unless both kinds are switched off."""
    return args.flag("unfurl_links", True) or args.flag("unfurl_media", True)


@serves(
    "chat.postMessage",
    "channel text blocks attachments thread_ts reply_broadcast unfurl_links unfurl_media mrkdwn link_names parse"
    " metadata markdown_text username icon_emoji icon_url",
    scopes="chat:write",
    per_minute=300,
)
def post_message(ws: Workspace, args: Args) -> Answer:
    """Post a message of the bot."""
    channel = writable(ws, args.required("channel"), args.string("thread_ts"))
    text, blocks = content_of(args)
    root = thread_root(ws, channel, args.string("thread_ts"))
    message = own(channel, "", text, root.ts if root else None)
    message.blocks, message.attachments = blocks, args.structure("attachments", "invalid_attachments") or []
    message.metadata = metadata_of(args.structure("metadata", "invalid_metadata_format"))
    message.username = args.string("username")
    message.ts = ws.next_ts()
    if root and root.thread_ts is None:
        root.thread_ts = root.ts
    ws.place(message)
    if unfurls(args):
        ws.note_unfurls(message)
    ws.on_event(posted_event(ws, message))
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(with_metadata=True)}


def posted_event(ws: Workspace, message: Message) -> dict[str, Any]:
    """Return the `message` event of a new message."""
    channel = ws.channels[message.channel]
    event = message.as_json() | {"channel": channel.id, "event_ts": message.ts, "channel_type": channel.kind}
    if message.thread_ts and message.thread_ts != message.ts:
        root = ws.find(message.channel, message.thread_ts)
        event["parent_user_id"] = root.user if root else None
    else:
        event.pop("thread_ts", None)
    return event


@serves(
    "chat.postEphemeral",
    "channel user text blocks attachments thread_ts link_names parse markdown_text username icon_emoji icon_url",
    scopes="chat:write",
    per_minute=100,
)
def post_ephemeral(ws: Workspace, args: Args) -> Answer:
    """Show a message to one person of the channel."""
    channel = may_post(joined(ws, args.required("channel")), args.string("thread_ts"))
    user = args.required("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = content_of(args)
    root = thread_root(ws, channel, args.string("thread_ts"))
    message = own(channel, ws.next_ts(), text, root.ts if root else None)
    message.blocks, message.ephemeral_to = blocks, user
    ws.place(message)
    return {"message_ts": message.ts}


@serves(
    "chat.update",
    "channel ts text blocks attachments link_names parse reply_broadcast metadata markdown_text",
    scopes="chat:write",
    per_minute=50,
)
def update(ws: Workspace, args: Args) -> Answer:
    """Replace a message of the bot; of a finished stream all streamed content is removed."""
    message = own_message(ws, args.required("channel"), args.required("ts"), "cant_update_message")
    if message.is_open_stream:
        raise SlackError("streaming_state_conflict")
    if len(args.string("text") or "") > 4_000:
        raise SlackError("msg_too_long")
    given = args.structure("blocks", "invalid_blocks_format")
    is_removal = given == [] and args.string("text") is None
    text, blocks = ("", []) if is_removal and message.text else content_of(args)
    metadata = args.structure("metadata", "invalid_metadata_format")
    previous = message.as_json()
    was_streamed = message.streaming_state is not None
    _forget_stream(message)
    message.text = text or message.text
    if given is not None or args.string("markdown_text") or was_streamed:
        message.blocks = blocks
    if metadata is not None:
        message.metadata = metadata_of(metadata)
    if not blocks:
        message.edited = {"user": BOT, "ts": ws.next_ts()}
    ws.note_pings(message)
    ws.changed(message)
    ws.on_event(changed_event(ws, message, previous))
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.as_json()}


def _forget_stream(message: Message) -> None:
    """Remove all streamed content, and the "broken" pill."""
    message.markdown, message.plan_title, message.streaming_state = "", None, None
    message.tasks, message.parts = {}, []
    message.stream_broken = False


def changed_event(ws: Workspace, message: Message, previous: dict[str, Any]) -> dict[str, Any]:
    """Return the `message_changed` event."""
    ts = ws.next_ts()
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": message.as_json(),
        "previous_message": previous,
        "channel": message.channel,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": ws.channels[message.channel].kind,
    }


def deleted_event(ws: Workspace, message: Message) -> dict[str, Any]:
    """Return the event of a deletion: `message_deleted`, or a tombstone where replies remain."""
    grave = ws.find(message.channel, message.ts)
    if grave is not None:
        return changed_event(ws, grave, message.as_json())
    ts = ws.next_ts()
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": message.as_json(),
        "channel": message.channel,
        "hidden": True,
        "deleted_ts": message.ts,
        "ts": ts,
        "event_ts": ts,
        "channel_type": ws.channels[message.channel].kind,
    }


@serves("chat.delete", "channel ts", scopes="chat:write", per_minute=50)
def delete(ws: Workspace, args: Args) -> Answer:
    """Delete a message of the bot, unless it streams."""
    message = own_message(ws, args.required("channel"), args.required("ts"), "cant_delete_message")
    if message.is_open_stream:
        raise SlackError("cant_delete_message")
    ws.remove(message)
    ws.on_event(deleted_event(ws, message))
    return {"channel": message.channel, "ts": message.ts}


@serves("chat.getPermalink", "channel message_ts", per_minute=None)
def get_permalink(ws: Workspace, args: Args) -> Answer:
    """Return the address of a message."""
    channel = readable(ws, args.required("channel"))
    message = ws.find(channel.id, args.required("message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    link = f"https://deputy.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}
