"""Builds what Slack sends to an app: event envelopes, commands, clicks and submissions in their exact form."""

from __future__ import annotations

import re
import secrets
from typing import Any

from simulator.slack.messages import Message
from simulator.slack.people import APP, BOT, TEAM, Channel, Person
from simulator.slack.rough import roughened_interaction
from simulator.slack.viewkit import view_json
from simulator.slack.workspace import View, Workspace

Payload = dict[str, Any]
VERIFICATION = "simulated-verification-token"
DOMAIN = "deputy"


def event_envelope(ws: Workspace, event: Payload, *, event_id: str | None = None) -> Payload:
    """Return an event in its envelope; of an external person's message the envelope names that person's team, too."""
    channel = ws.channels.get(event["channel"]) if isinstance(event.get("channel"), str) else None
    is_mention = event.get("type") == "app_mention"
    outer_team = TEAM if is_mention else event.get("team") or TEAM
    return {
        "token": VERIFICATION,
        "team_id": outer_team,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": event_id or "Ev" + secrets.token_hex(6).upper(),
        "event_time": int(ws.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
        "event_context": "4-" + secrets.token_urlsafe(24),
    }


def message_event(ws: Workspace, message: Message) -> Payload:
    """Return the `message` event of what a person wrote."""
    channel, person = ws.channels[message.channel], ws.people.get(message.user)
    event = message.as_json()
    event |= {
        "client_msg_id": secrets.token_hex(16),
        "channel": channel.id,
        "event_ts": message.ts,
        "channel_type": channel.kind,
        "team": person.team_id if person else TEAM,
    }
    event.pop("thread_ts", None)
    if message.thread_ts and message.thread_ts != message.ts:
        root = ws.find(channel.id, message.thread_ts)
        event |= {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else None}
    if person and person.team_id != TEAM:
        event |= {"user_team": person.team_id, "source_team": person.team_id}
    return event


def mention_event(ws: Workspace, message: Message) -> Payload:
    """Return the `app_mention` event of a message: `team` is where the app is installed."""
    event = message_event(ws, message)
    return {key: value for key, value in event.items() if key not in {"channel_type", "parent_user_id"}} | {
        "type": "app_mention",
        "team": TEAM,
    }


def typed(ws: Workspace, text: str, *, escapes: bool = True, names_too: bool = True) -> str:
    """Return typed text as Slack hands it on: `&<>` escaped, `@name` and `#channel` as tokens.

    Commands get the name in the token (`<@U…|name>`), messages do not.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if not escapes:
        return text
    people = {person.name: person for person in ws.people.values()}
    channels = {channel.name: channel for channel in ws.channels.values() if not channel.is_im}

    def at(match: re.Match[str]) -> str:
        person = people.get(match[1].lower())
        if person is None:
            return match[0]
        return f"<@{person.id}|{person.name}>" if names_too else f"<@{person.id}>"

    def number(match: re.Match[str]) -> str:
        channel = channels.get(match[1].lower())
        return f"<#{channel.id}|{channel.name}>" if channel else match[0]

    return re.sub(r"(?<!\w)#([\w-]+)", number, re.sub(r"(?<!\w)@([\w.-]+)", at, text))


def command_payload(ws: Workspace, person: Person, channel: Channel, command: str, text: str) -> Payload:
    """Return a slash command; its trigger and response address are issued by the caller."""
    return {
        "token": VERIFICATION,
        "team_id": person.team_id,
        "team_domain": DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.payload_name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "trigger_id": ws.new_trigger(person.id).id,
    }


def _interaction(kind: str, person: Person, trigger_id: str) -> Payload:
    return {
        "type": kind,
        "team": {"id": TEAM, "domain": DOMAIN},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": APP,
        "token": VERIFICATION,
        "trigger_id": trigger_id,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def click_payload(
    ws: Workspace, person: Person, where: Message | View, *, action: Payload, response_url: str, values: Payload
) -> Payload:
    """Return `block_actions`; ephemeral messages are not included, views have no response address."""
    if isinstance(where, View):
        trigger = ws.new_trigger(person.id, where.id)
        payload = _interaction("block_actions", person, trigger.id)
        view = view_json(where)
        payload |= {"container": {"type": "view", "view_id": where.id}, "view": view, "state": view["state"]}
        return roughened_interaction(ws.rough, payload | {"actions": [action]})
    channel = ws.channels[where.channel]
    payload = _interaction("block_actions", person, ws.new_trigger(person.id).id)
    container: Payload = {"type": "message", "message_ts": where.ts, "channel_id": channel.id}
    container["is_ephemeral"] = where.ephemeral_to is not None
    if where.thread_ts:
        container["thread_ts"] = where.thread_ts
    payload |= {
        "container": container,
        "channel": {"id": channel.id, "name": channel.payload_name},
        "state": {"values": values},
        "response_url": response_url,
        "actions": [action],
    }
    if where.ephemeral_to is None:
        payload["message"] = where.as_json(with_metadata=True)
    return payload


def shortcut_payload(ws: Workspace, person: Person, message: Message, callback_id: str, response_url: str) -> Payload:
    """Return `message_action`."""
    channel = ws.channels[message.channel]
    payload = _interaction("message_action", person, ws.new_trigger(person.id).id)
    return payload | {
        "callback_id": callback_id,
        "action_ts": ws.next_ts(),
        "channel": {"id": channel.id, "name": channel.payload_name},
        "message_ts": message.ts,
        "message": message.as_json(with_metadata=True),
        "response_url": response_url,
    }


def submission_payload(ws: Workspace, person: Person, view: View, *, closed: bool = False) -> Payload:
    """Return `view_submission`, or `view_closed`."""
    if closed:
        payload = _interaction("view_closed", person, "")
        del payload["trigger_id"]
        return payload | {"view": view_json(view), "is_cleared": False}
    payload = _interaction("view_submission", person, ws.new_trigger(person.id, view.id).id)
    return roughened_interaction(ws.rough, payload | {"view": view_json(view), "response_urls": []})
