"""The stream state machine: start, append, stop, with their errors (docs/reference/slack.md#streams).

Streams end by themselves after five minutes, in `workspace.py`.
"""

from __future__ import annotations

from typing import Any

from simulator.slack.blockkit import STATUSES, parse_blocks
from simulator.slack.errors import SlackError
from simulator.slack.messages import COMPLETED, OPEN, STOPPED, Message
from simulator.slack.methods.access import metadata_of, own, readable, thread_root, writable
from simulator.slack.methods.registry import Args, serves
from simulator.slack.people import BOT, Channel
from simulator.slack.workspace import Workspace

Answer = dict[str, Any]
CALL_LIMIT = 12_000
FIELD_LIMIT = 256
TOTAL_LIMIT = 10_600
"""Bytes of a stream that carries text: what others measured as refused begins here (docs/decisions/0026)."""
SESSION_STATUSES = {"active", "processing", "suspended", "closed"}
TASK_FIELDS = {"type", "id", "title", "status", "details", "output", "sources"}


@serves(
    "chat.startStream",
    "channel thread_ts markdown_text recipient_team_id recipient_user_id chunks task_display_mode icon_emoji icon_url"
    " username",
    scopes="chat:write",
    per_minute=20,
)
def start(ws: Workspace, args: Args) -> Answer:
    """Start a streamed message; the thread's session changes to `processing`."""
    channel = writable(ws, args.required("channel"), args.string("thread_ts"))
    root = thread_root(ws, channel, args.string("thread_ts"))
    if root is None and channel.is_im:
        raise SlackError("invalid_thread_ts")
    recipient = _recipient(ws, channel, args)
    mode = args.string("task_display_mode")
    if mode not in {None, "timeline", "plan", "dense"}:
        raise SlackError("invalid_arguments")
    chunks = _chunks(args)
    message = own(channel, ws.next_ts(), thread_ts=root.ts if root else None)
    message.streaming_state, message.stream_started_at = OPEN, ws.now()
    message.task_display_mode, message.recipient_user_id = mode or "timeline", recipient
    if root and root.thread_ts is None:
        root.thread_ts = root.ts
    _grow(message, chunks)
    ws.open_session(channel.id, message.root_ts, "processing", root.user if root else BOT)
    ws.place(message)
    return {"channel": channel.id, "ts": message.ts}


def _recipient(ws: Workspace, channel: Channel, args: Args) -> str | None:
    user, team = args.string("recipient_user_id"), args.string("recipient_team_id")
    if not channel.is_im:
        if user is None:
            raise SlackError("missing_recipient_user_id")
        if team is None:
            raise SlackError("missing_recipient_team_id")
    if user is not None and team is not None and ws.person(user).team_id != team:
        raise SlackError("team_not_found")
    return user


@serves("chat.appendStream", "channel ts markdown_text chunks", scopes="chat:write", per_minute=100)
def append(ws: Workspace, args: Args) -> Answer:
    """Append to an open stream."""
    message = _open_stream(ws, args)
    chunks = _chunks(args)
    if not chunks:
        raise SlackError("no_text")
    _grow(message, chunks)
    ws.note_pings(message)
    ws.changed(message)
    return {"channel": message.channel, "ts": message.ts}


@serves(
    "chat.stopStream",
    "channel ts markdown_text blocks metadata chunks session_status",
    scopes="chat:write",
    per_minute=20,
)
def stop(ws: Workspace, args: Args) -> Answer:
    """End a stream, with blocks below it and the session's next status (`active` unless said)."""
    message = _open_stream(ws, args)
    status = args.string("session_status") or "active"
    if status not in SESSION_STATUSES:
        raise SlackError("invalid_arguments")
    chunks = _chunks(args)
    given = args.structure("blocks", "invalid_blocks_format")
    blocks = parse_blocks(given) if given else []
    metadata = metadata_of(args.structure("metadata", "invalid_metadata_format"))
    _grow(message, chunks)
    message.blocks, message.metadata, message.streaming_state = blocks, metadata, COMPLETED
    ws.open_session(message.channel, message.root_ts, status, message.user)
    ws.note_pings(message)
    ws.changed(message)
    answer = {"channel": message.channel, "ts": message.ts}
    return answer | {"message": message.as_json(with_metadata=True)}


def _open_stream(ws: Workspace, args: Args) -> Message:
    channel = readable(ws, args.required("channel"))
    message = ws.find(channel.id, args.required("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.user != BOT:
        raise SlackError("message_not_owned_by_app")
    if message.streaming_state == STOPPED:
        raise SlackError("stopped_by_user")
    if not message.is_open_stream:
        raise SlackError("message_not_in_streaming_state")
    if channel.is_archived:
        raise SlackError("is_archived")
    return message


def _chunks(args: Args) -> list[dict[str, Any]]:
    """Return the call's content as checked chunks."""
    given = args.structure("chunks", "invalid_chunks") or []
    if not isinstance(given, list):
        raise SlackError("invalid_chunks")
    markdown = args.string("markdown_text")
    chunks: list[Any] = [{"type": "markdown_text", "text": markdown}] if markdown else []
    chunks += given
    checked = [_chunk(chunk) for chunk in chunks]
    texts = [chunk["text"] for chunk in checked if chunk["type"] == "markdown_text"]
    if sum(map(len, texts)) > CALL_LIMIT:
        raise SlackError("msg_too_long")
    if sum(len(chunk["blocks"]) for chunk in checked if chunk["type"] == "blocks") > 50:
        raise SlackError("msg_blocks_too_many")
    return checked


def _chunk(chunk: Any) -> dict[str, Any]:
    if not isinstance(chunk, dict):
        raise SlackError("invalid_chunks")
    match chunk.get("type"):
        case "markdown_text":
            if not isinstance(chunk.get("text"), str) or chunk.keys() - {"type", "text"}:
                raise SlackError("invalid_chunks")
        case "plan_update":
            _field(chunk, "title", required=True)
        case "task_update":
            _check_task(chunk)
        case "blocks":
            return {"type": "blocks", "blocks": parse_blocks(chunk.get("blocks"))}
        case _:
            raise SlackError("invalid_chunks")
    return chunk


def _check_task(chunk: dict[str, Any]) -> None:
    for name in ("id", "title"):
        _field(chunk, name, required=True)
    for name in ("details", "output"):
        _field(chunk, name)
    if chunk.get("status") not in STATUSES or chunk.keys() - TASK_FIELDS:
        raise SlackError("invalid_chunks")
    for source in chunk.get("sources") or []:
        if not isinstance(source, dict) or source.get("type") != "url" or not source.get("url"):
            raise SlackError("invalid_chunks")


def _field(chunk: dict[str, Any], name: str, *, required: bool = False) -> None:
    value = chunk.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or len(value) > FIELD_LIMIT or (required and not value):
        raise SlackError("invalid_chunks", detail=f"{name} must be a string of at most {FIELD_LIMIT} characters")


def _grow(message: Message, chunks: list[dict[str, Any]]) -> None:
    """Add chunks to a stream, all or none of them."""
    if _weigh(message, chunks) > TOTAL_LIMIT:
        raise SlackError("msg_too_long")
    _apply(message, chunks)


def _weigh(message: Message, chunks: list[dict[str, Any]]) -> int:
    """Return a stream's bytes as Slack seems to count them: tasks' details and output count twice.

    A stream without any text is not counted at all.
    """
    given = {kind: [c for c in chunks if c["type"] == kind] for kind in ("markdown_text", "task_update", "plan_update")}
    text = message.markdown + "".join(chunk["text"] for chunk in given["markdown_text"])
    titles = {key: task["title"] for key, task in message.tasks.items()}
    titles |= {chunk["id"]: chunk["title"] for chunk in given["task_update"]}
    plan_title = given["plan_update"][-1]["title"] if given["plan_update"] else message.plan_title or ""
    below = [*message.tasks.values(), *given["task_update"]]
    twice = "".join((task.get("details") or "") + (task.get("output") or "") for task in below)
    return len("".join((plan_title, *titles.values(), text)).encode()) + 2 * len(twice.encode()) if text else 0


def _apply(message: Message, chunks: list[dict[str, Any]]) -> None:
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text":
                message.markdown += chunk["text"]
                _append_text(message, chunk["text"])
            case "plan_update":
                message.plan_title = chunk["title"]
            case "task_update":
                _update_task(message, chunk)
            case _:
                message.parts.append({"type": "blocks", "blocks": chunk["blocks"]})


def _append_text(message: Message, text: str) -> None:
    if message.parts and message.parts[-1]["type"] == "text":
        message.parts[-1]["text"] += text
    else:
        message.parts.append({"type": "text", "text": text})


def _update_task(message: Message, chunk: dict[str, Any]) -> None:
    """Same id: title and status replace, details and output append without a separator."""
    empty = {"title": "", "status": "", "details": "", "output": "", "sources": []}
    if chunk["id"] not in message.tasks:
        message.tasks[chunk["id"]] = empty
        message.parts.append({"type": "task", "id": chunk["id"]})
    task = message.tasks[chunk["id"]]
    task["title"], task["status"] = chunk["title"], chunk["status"]
    task["details"] += chunk.get("details") or ""
    task["output"] += chunk.get("output") or ""
    task["sources"] = task["sources"] + list(chunk.get("sources") or [])
