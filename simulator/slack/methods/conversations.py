"""`conversations.*`, `users.info` and `reactions.add`."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from simulator.slack.errors import SlackError
from simulator.slack.messages import Message
from simulator.slack.methods.access import dm_with, joined, readable
from simulator.slack.methods.registry import Args, serves
from simulator.slack.people import BOT
from simulator.slack.workspace import Workspace

Answer = dict[str, Any]
MEMBERS_PAGE = 3
"""Small, so that a caller who reads only one page fails; Slack's pages have at most a thousand."""
PAGE = "channel ts cursor inclusive include_all_metadata latest limit oldest"


@serves("users.info", "user include_locale", scopes="users:read")
def users_info(ws: Workspace, args: Args) -> Answer:
    """Return a person."""
    return {"user": ws.person(args.required("user")).as_json()}


@serves("conversations.open", "channel return_im users", scopes="im:write", per_minute=50)
def open_conversation(ws: Workspace, args: Args) -> Answer:
    """Return the direct messages with one person."""
    if args.string("channel"):
        channel = readable(ws, args.required("channel"))
    else:
        users = args.required("users").split(",")
        if len(users) != 1:
            raise SlackError("method_not_supported_for_channel_type")  # group messages are not simulated
        channel = dm_with(ws, users[0])
    answer = channel.as_json(int(ws.now())) if args.flag("return_im") else {"id": channel.id}
    return {"channel": answer}


@serves(
    "conversations.info",
    "channel include_locale include_num_members",
    scopes="channels:read groups:read im:read mpim:read",
    per_minute=50,
)
def conversation_info(ws: Workspace, args: Args) -> Answer:
    """Return a channel."""
    channel = readable(ws, args.required("channel"))
    answer = channel.as_json(int(ws.now()))
    if args.flag("include_num_members"):
        answer["num_members"] = len(channel.members)
    return {"channel": answer}


@serves(
    "conversations.members",
    "channel cursor limit",
    scopes="channels:read groups:read im:read mpim:read",
    per_minute=100,
)
def conversation_members(ws: Workspace, args: Args) -> Answer:
    """Return who is in a channel, a page at a time."""
    channel = readable(ws, args.required("channel"))
    members, start = sorted(channel.members), _offset(args.string("cursor"))
    page = members[start : start + MEMBERS_PAGE]
    more = start + MEMBERS_PAGE < len(members)
    cursor = base64.b64encode(f"next:{start + MEMBERS_PAGE}".encode()).decode() if more else ""
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


@serves(
    "conversations.history",
    PAGE.replace(" ts", "", 1),
    scopes="channels:history groups:history im:history",
    per_minute=50,
)
def history(ws: Workspace, args: Args) -> Answer:
    """Return a channel's messages, newest first, without replies."""
    channel = joined(ws, args.required("channel"))
    found = [message for message in ws.in_channel(channel.id) if message.thread_ts in {None, message.ts}]
    return _page(ws, _between(found, args)[::-1], args)


@serves("conversations.replies", PAGE, scopes="channels:history groups:history im:history", per_minute=50)
def replies(ws: Workspace, args: Args) -> Answer:
    """Return a thread, oldest first, the root on every page as Slack does."""
    channel = joined(ws, args.required("channel"))
    asked = ws.find(channel.id, args.required("ts"))
    if asked is None:
        raise SlackError("thread_not_found")
    thread = ws.thread(channel.id, asked.root_ts)
    return _page(ws, _between(thread, args), args)


def _between(messages: list[Message], args: Args) -> list[Message]:
    oldest, latest = float(args.string("oldest") or 0), float(args.string("latest") or "inf")
    if args.flag("inclusive"):
        return [message for message in messages if oldest <= float(message.ts) <= latest]
    return [message for message in messages if oldest < float(message.ts) < latest]


def _page(ws: Workspace, messages: list[Message], args: Args) -> Answer:
    limit = args.number("limit", 100)
    if not 1 <= limit <= 999:
        raise SlackError("invalid_limit")
    start = _offset(args.string("cursor"))
    chosen = messages[start : start + limit]
    has_more = start + limit < len(messages)
    cursor = base64.b64encode(f"next:{start + limit}".encode()).decode() if has_more else ""
    with_metadata = args.flag("include_all_metadata")
    return {
        "messages": [_with_replies(ws, message, with_metadata) for message in chosen],
        "has_more": has_more,
        "response_metadata": {"next_cursor": cursor},
    }


def _offset(cursor: str | None) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:")) if cursor else 0
    except (ValueError, binascii.Error):
        raise SlackError("invalid_cursor") from None


def _with_replies(ws: Workspace, message: Message, with_metadata: bool) -> dict[str, Any]:
    found = message.as_json(with_metadata=with_metadata)
    answers = [reply for reply in ws.thread(message.channel, message.ts) if reply.ts != message.ts]
    if answers:
        found |= {"thread_ts": message.ts, "reply_count": len(answers), "latest_reply": answers[-1].ts}
    return found


@serves("reactions.add", "channel name timestamp", scopes="reactions:write", per_minute=50)
def add_reaction(ws: Workspace, args: Args) -> Answer:
    """Put the bot's reaction on a message."""
    channel = readable(ws, args.required("channel"))
    message = ws.find(channel.id, args.required("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    users = message.reactions.setdefault(args.required("name"), [])
    if BOT in users:
        raise SlackError("already_reacted")
    users.append(BOT)
    ws.changed(message)
    return {}
