"""Writes a session's events: stamps them, keeps them in order and gives them to the open streams."""

from __future__ import annotations

import math
from typing import Any

from simulator.agents.ids import new_id
from simulator.agents.schemas import event as checked
from simulator.agents.state import Session, World

Json = dict[str, Any]
HOUR_CENTS = 8.0
SEARCH_CENTS = 1.0
INPUT_CENTS = 0.0003
OUTPUT_CENTS = 0.0015


def cost_cents(session: Session) -> float:
    """Return the list cost so far, in US cents."""
    return (
        session.input_tokens * INPUT_CENTS
        + session.output_tokens * OUTPUT_CENTS
        + session.searches * SEARCH_CENTS
        + session.active_seconds / 3600 * HOUR_CENTS
        + session.extra_cents
    )


def usage(session: Session) -> Json:
    """Return the session's usage so far, with the list cost rounded up to a cent."""
    return {
        "input_tokens": session.input_tokens,
        "output_tokens": session.output_tokens,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "server_tool_use": {"web_search_requests": session.searches, "web_fetch_requests": 0},
        "active_seconds": round(session.active_seconds, 3),
        "list_cost": {"amount": str(math.ceil(round(cost_cents(session), 6))), "currency": "USD"},
    }


def budget(session: Session) -> Json | None:
    """Return the budget as the API shows it."""
    if session.budget_cents is None:
        return None
    return {"type": "limit", "max_list_cost": {"amount": str(session.budget_cents), "currency": "USD"}}


class Journal:
    """Writes the events of sessions."""

    def __init__(self, world: World) -> None:
        self._world = world

    def emit(self, session: Session, kind: str, *, id: str | None = None, **fields: Any) -> Json:  # noqa: A002 - the field's name
        """Append an event, stamped now, and give it to every stream."""
        data = {"id": id or new_id("sevt"), "type": kind, **fields, "processed_at": self._world.stamp(session)}
        return self._keep(session, checked(data))

    def emit_unchecked(self, session: Session, data: Json) -> Json:
        """Append an event that the SDK does not know, as a later version of the API might."""
        stamp = self._world.stamp(session).isoformat().replace("+00:00", "Z")
        return self._keep(session, {"id": new_id("sevt"), **data, "processed_at": stamp})

    def queue(self, session: Session, data: Json) -> Json:
        """Append an input that waits; its `processed_at` is null until `take_up`."""
        return self._keep(session, checked(data | {"id": new_id("sevt"), "processed_at": None}))

    def take_up(self, session: Session, queued: Json) -> Json:
        """Stamp a waiting input: it keeps its id and becomes the last event."""
        session.events[:] = [event for event in session.events if event["id"] != queued["id"]]
        return self._keep(session, checked(queued | {"processed_at": self._world.stamp(session)}))

    def _keep(self, session: Session, data: Json) -> Json:
        session.events.append(data)
        self._announce(session, data["type"])
        self._publish(session, data)
        return data

    def preview(self, session: Session, of: str, data: Json) -> None:
        """Give a preview to the streams that asked for this kind; it is never stored or listed."""
        data = checked(data)
        for subscriber in session.subscribers:
            if of in subscriber.deltas:
                subscriber.frames.put_nowait(data)
        self._world.note()

    def farewell(self, session: Session) -> None:
        """Send `session.deleted` on every stream and close it."""
        data = {"id": new_id("sevt"), "type": "session.deleted", "processed_at": self._world.stamp(session)}
        self._publish(session, checked(data))
        for subscriber in session.subscribers:
            subscriber.frames.put_nowait(None)

    def _announce(self, session: Session, kind: str) -> None:
        """Notify the webhook endpoint, which is told of two kinds of a session's events."""
        if heard := {"session.status_idle": "status_idled", "session.status_running": "status_run_started"}.get(kind):
            self._world.webhooks.note(f"session.{heard}", session.id)

    def _publish(self, session: Session, data: Json) -> None:
        for subscriber in session.subscribers:
            subscriber.frames.put_nowait(data)
        self._world.note()
