"""Events as the real API was seen to send them: fields and whole events missing, or sent twice.

The journal has what happened; this changes only the copies that are sent.
"""

from __future__ import annotations

from typing import Any

from simulator.roughness import Roughness

Json = dict[str, Any]
USES = ("agent.tool_use", "agent.mcp_tool_use")


def sent(rough: Roughness, event: Json) -> list[Json]:
    """Return the copies of an event that a stream sends: none, one or two."""
    copies = listed(rough, event)
    return copies * 2 if copies and rough.strikes("agents:event_twice") else copies


def listed(rough: Roughness, event: Json) -> list[Json]:
    """Return the copies of an event that a list or an answer has: none or one."""
    kind = event["type"]
    if kind == "session.usage" and rough.strikes("agents:no_usage"):
        return []
    if kind in USES and rough.strikes("agents:no_evaluated_permission"):
        event = _without(event, "evaluated_permission", "evaluation")
    if kind == "agent.mcp_tool_use" and rough.strikes("agents:no_mcp_server_name"):
        event = _without(event, "mcp_server_name")
    # In the SDK's types `processed_at` is optional for what is sent to a session, and only there.
    if isinstance(kind, str) and kind.startswith("user.") and rough.strikes("agents:no_processed_at"):
        event = event | {"processed_at": None}
    return [event]


def status_of_success(rough: Roughness, method: str) -> int:
    """Return the status of a successful response."""
    return 201 if method == "POST" and rough.strikes("agents:status_201") else 200


def status_of_refusal(rough: Roughness, status: int, path: str) -> int:
    """Return the status of an error response; a conflict with a session's state is 400 or 409, both are seen."""
    is_clash = status == 400 and path.endswith("/events")
    return 409 if is_clash and rough.strikes("agents:status_409") else status


def _without(event: Json, *names: str) -> Json:
    return {name: value for name, value in event.items() if name not in names}
