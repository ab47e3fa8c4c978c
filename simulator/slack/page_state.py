"""What one person can see of the workspace, as JSON for the page. Pure; who may act is in `acting.py`.

The shape is `Workspace` in page/src/types.ts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simulator.slack.messages import Message, visible_blocks
from simulator.slack.people import ALICE, BOB, BOT, CAROL, Channel, Person
from simulator.slack.workspace import AgentSession, View, Workspace

PERSONAS = (ALICE, BOB, CAROL)
"""The people as whom a visitor may use the page: two members and the admin."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """A slash command, as Slack suggests it while people type."""

    name: str
    description: str
    usage_hint: str


@dataclass(frozen=True)
class Shortcut:
    """A message shortcut in the "…" menu."""

    callback_id: str
    name: str


@dataclass(frozen=True)
class Offer:
    """What the app's manifest adds to Slack's own menus."""

    commands: Sequence[Command] = (
        Command(
            "/agent", "Ask the agent, or manage your connections", "ask <task> | connect <service> | status | stop"
        ),
    )
    shortcuts: Sequence[Shortcut] = (Shortcut("ask_about_message", "Ask about this message"),)
    workspace_name: str = "Acme (simulated)"


def state_for(ws: Workspace, viewer: str, offer: Offer) -> Json:
    """Return everything `viewer` can see, and nothing of what only others can."""
    channels = [channel for channel in ws.channels.values() if viewer in channel.members]
    ids = {channel.id for channel in channels}
    return {
        "name": offer.workspace_name,
        "me": _person(ws.people[viewer]),
        "people": [_person(person) for person in ws.people.values()],
        "personas": [_person(ws.people[user]) for user in PERSONAS],
        "channels": [_channel(ws, channel) for channel in channels],
        "app": _app(ws, offer),
        "messages": [_message(ws, message, viewer) for message in _messages(ws, viewer, ids)],
        "sessions": [_session(session) for session in ws.sessions.values() if session.channel in ids],
        "prompts": {
            channel: _prompts(given) for (channel, ts), given in ws.prompts.items() if channel in ids and not ts
        },
        "home": _view(ws.homes[viewer], viewer) if viewer in ws.homes else None,
        "views": [_view(view, viewer) for view in ws.modals.get(viewer, [])],
    }


def _messages(ws: Workspace, viewer: str, channels: set[str]) -> list[Message]:
    """Return the messages of channels and the viewer's own ephemeral ones, oldest first."""
    seen = [message for channel in channels for message in ws.in_channel(channel)]
    seen += [message for message in ws.ephemerals if message.ephemeral_to == viewer and message.channel in channels]
    return sorted(seen, key=lambda message: float(message.ts))


def _person(person: Person) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "is_bot": person.is_bot,
        "is_admin": person.is_admin,
    }


def _channel(ws: Workspace, channel: Channel) -> Json:
    if channel.is_im:
        return {"id": channel.id, "name": ws.people[BOT].real_name, "kind": "im", "person": BOT}
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": "channel",
        "is_private": channel.is_private,
        "is_shared": channel.is_ext_shared,
    }


def _app(ws: Workspace, offer: Offer) -> Json:
    return {
        "bot_user": BOT,
        "name": ws.people[BOT].real_name,
        "commands": [asdict(command) for command in offer.commands],
        "shortcuts": [asdict(shortcut) for shortcut in offer.shortcuts],
    }


def _message(ws: Workspace, message: Message, viewer: str) -> Json:
    is_plan = message.task_display_mode == "plan" or bool(message.plan_title)
    return {
        "ts": message.ts,
        "channel": message.channel,
        "thread_ts": message.thread_ts,
        "user": message.user,
        "username": message.username,
        "text": message.text,
        "parts": list(_parts(message, viewer, is_plan=is_plan)),
        "blocks": visible_blocks(message.blocks, viewer) if message.by_app else [],  # people's are their text again
        "tasks": [{"id": task_id, **task} for task_id, task in message.tasks.items()],
        "plan_title": message.plan_title or "",
        "is_plan": is_plan,
        "streaming": message.is_open_stream,
        "broken": message.stream_broken,
        "stopped": message.stopped_by is not None,
        "status": ws.statuses.get((message.channel, message.ts), ("", 0.0))[0],
        "ephemeral": message.ephemeral_to is not None,
        "tombstone": message.is_tombstone,
        "edited": message.edited is not None,
        "files": [str(file.get("title") or file.get("name") or "file") for file in message.files],
        "reactions": [{"name": name, "count": len(users)} for name, users in message.reactions.items()],
    }


def _parts(message: Message, viewer: str, *, is_plan: bool) -> Iterator[Json]:
    """Yield the streamed parts in order, with neighbouring texts joined, also across tasks of a plan."""
    text = ""
    for part in message.parts:
        if is_plan and part["type"] == "task":
            continue
        if part["type"] == "text":
            text += part["text"]
            continue
        if text:
            yield {"type": "text", "text": text}
            text = ""
        yield {"type": "blocks", "blocks": visible_blocks(part["blocks"], viewer)} if part["type"] == "blocks" else part
    if text:
        yield {"type": "text", "text": text}


def _session(session: AgentSession) -> Json:
    return {
        "channel": session.channel,
        "thread_ts": session.thread_ts,
        "status": session.status,
        "title": session.title or "",
        "initiator": session.initiator,
    }


def _prompts(given: Json) -> list[Json]:
    return [{"title": prompt["title"], "message": prompt["message"]} for prompt in given.get("prompts", [])]


def _view(view: View, viewer: str) -> Json:
    payload = view.payload
    return {
        "id": view.id,
        "hash": view.hash,
        "type": payload.get("type", "modal"),
        "title": payload.get("title"),
        "submit": payload.get("submit"),
        "close": payload.get("close"),
        "blocks": visible_blocks(payload["blocks"], viewer),
        "errors": view.errors,
    }
