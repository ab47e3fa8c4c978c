"""`agents.sessions.*` and `assistant.threads.*`: the status of a thread (docs/reference/slack.md#agent-sessions).

They expire in `workspace.py`; the native Stop button is in `acting.py`.
"""

from __future__ import annotations

from typing import Any

from simulator.slack.errors import SlackError
from simulator.slack.methods.access import joined, thread_root
from simulator.slack.methods.registry import Args, serves
from simulator.slack.methods.streams import SESSION_STATUSES
from simulator.slack.people import BOT
from simulator.slack.workspace import Workspace

Answer = dict[str, Any]


@serves(
    "agents.sessions.setStatus",
    "channel_id status thread_ts title initiator_user_id icon_emoji icon_url username",
    scopes="chat:write",
    per_minute=50,
)
def set_session_status(ws: Workspace, args: Args) -> Answer:
    """Set a session's status, creating it if there is none; only then title and initiator count."""
    channel = joined(ws, args.required("channel_id"))
    status = args.required("status")
    title, initiator = args.string("title"), args.string("initiator_user_id")
    if status not in SESSION_STATUSES or len(title or "") > 200:
        raise SlackError("invalid_arguments")
    root = thread_root(ws, channel, args.string("thread_ts"))
    key = (channel.id, root.ts if root else None)
    is_new = key not in ws.sessions
    if is_new and initiator is not None and initiator not in channel.members:
        raise SlackError("user_not_in_channel")
    session = ws.open_session(*key, status, initiator or (root.user if root else BOT))
    if is_new and title:
        session.title = title.replace(":", "_")
    ws.changed()
    if status == "processing" and ws.subscriptions is not None and "agent_session_stopped" not in ws.subscriptions:
        return {"warning": "missing_agent_session_stopped_event_subscription"}
    return {}


@serves("agents.sessions.rename", "channel_id title thread_ts", scopes="chat:write", per_minute=50)
def rename_session(ws: Workspace, args: Args) -> Answer:
    """Rename a session. Raises `not_authorized` if there is none."""
    channel = joined(ws, args.required("channel_id"))
    title = args.required("title")
    if len(title) > 200:
        raise SlackError("invalid_arguments")
    session = ws.sessions.get((channel.id, args.string("thread_ts")))
    if session is None:
        raise SlackError("not_authorized")
    session.title = title
    ws.changed()
    return {}


@serves(
    "assistant.threads.setStatus",
    "channel_id thread_ts status loading_messages icon_emoji icon_url username",
    scopes="chat:write assistant:write",
    per_minute=600,
)
def set_thread_status(ws: Workspace, args: Args) -> Answer:
    """Show "Deputy <status>" until a reply, for two minutes at most; an empty status removes it."""
    channel = joined(ws, args.required("channel_id"))
    root = thread_root(ws, channel, args.required("thread_ts"))
    status, loading = args.string("status"), args.structure("loading_messages", "invalid_arguments") or []
    if not isinstance(loading, list) or len(loading) > 10 or root is None:
        raise SlackError("invalid_arguments")
    if status:
        ws.statuses[(channel.id, root.ts)] = (status, ws.now())
    else:
        ws.statuses.pop((channel.id, root.ts), None)
    ws.changed()
    return {}


@serves(
    "assistant.threads.setSuggestedPrompts",
    "channel_id thread_ts title prompts",
    scopes="assistant:write",
    per_minute=50,
)
def set_prompts(ws: Workspace, args: Args) -> Answer:
    """Pin up to four prompts."""
    channel = joined(ws, args.required("channel_id"))
    prompts = args.structure("prompts", "invalid_arguments")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= 4:
        raise SlackError("invalid_arguments")
    if any(not isinstance(one, dict) or not one.get("title") or not one.get("message") for one in prompts):
        raise SlackError("invalid_arguments")
    ws.prompts[(channel.id, args.string("thread_ts"))] = {"title": args.string("title"), "prompts": prompts}
    ws.changed()
    return {}
