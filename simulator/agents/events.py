"""The events endpoints: which event may be sent when, the list, the stream, the threads.

After docs/reference/managed-agents.md#events and #held-tool-calls. `simulator/agents/machine.py` acts on events.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from anthropic.types.beta.sessions import (
    BetaManagedAgentsSendSessionEvents,
    BetaManagedAgentsSessionThread,
    EventListParams,
    EventSendParams,
    EventStreamParams,
    ThreadListParams,
)

from simulator.agents.asking import Ask, Route
from simulator.agents.errors import bad_request, not_found
from simulator.agents.ids import check_id
from simulator.agents.journal import usage
from simulator.agents.machine import Machine
from simulator.agents.pages import page_of
from simulator.agents.rough import listed
from simulator.agents.rules import within
from simulator.agents.schemas import answer
from simulator.agents.state import Session, World
from simulator.agents.streams import Stream

Json = dict[str, Any]
ANSWERS = ("user.tool_confirmation", "user.custom_tool_result", "user.tool_result", "user.interrupt")
USES = ("agent.tool_use", "agent.mcp_tool_use")


def _when(event: Json) -> datetime | None:
    return datetime.fromisoformat(event["processed_at"]) if event["processed_at"] else None


class Gate:
    """Decides whether a batch of events may be sent now: all of it is checked before any of it is accepted."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pending = session.pending
        self._answered: set[str] = set()
        self._is_interrupted = False

    def check(self, number: int, event: Json) -> None:
        """Raise 400 for an event that may not be sent now."""
        kind = event["type"]
        if kind == "user.interrupt":
            self._is_interrupted = True
        elif kind == "user.tool_confirmation":
            self._check_confirmation(event)
        elif kind in ("user.custom_tool_result", "user.tool_result"):
            raise bad_request(f"Invalid {kind} event at events[{number}]: no such tool use waits for a result")
        elif kind == "user.message":
            self._check_message(number, event)
        elif kind not in ANSWERS:
            self._refuse_waiting(number, kind)

    def _check_message(self, number: int, event: Json) -> None:
        if not event["content"]:
            raise bad_request(f"Invalid user.message event at events[{number}]: content must not be empty")
        for block in event["content"]:
            if block["type"] == "redacted":
                raise bad_request(f"Invalid user.message event at events[{number}]: redacted blocks cannot be sent")
            if block["type"] == "text" and not block["text"].strip():
                raise bad_request(f"Invalid user.message event at events[{number}]: text must not be empty")
        self._refuse_waiting(number, "user.message")

    def _refuse_waiting(self, number: int, kind: str) -> None:
        session = self._session
        if session.stop_reason == "budget_reached":
            raise bad_request(f"Invalid {kind} event at events[{number}]: the session has reached its budget")
        is_waiting = session.status == "idle" and self._pending and not self._is_interrupted
        if is_waiting and not session.interrupts:
            names = ", ".join(self._pending)
            waiting = f"waiting on responses to events [{names}]"
            raise bad_request(
                f"Invalid {kind} event at events[{number}]: {waiting}; "
                "only `user.tool_confirmation`, `user.custom_tool_result`, `user.tool_result`, "
                "or `user.interrupt` may be sent"
            )

    def _check_confirmation(self, event: Json) -> None:
        wanted = event["tool_use_id"]
        used = next((one for one in self._session.events if one["id"] == wanted and one["type"] in USES), None)
        if used is None:
            raise bad_request(f'`tool_use_id` "{wanted}" does not match any `agent.tool_use` event in this session')
        if used.get("evaluated_permission") != "ask":
            raise bad_request(f'`tool_use_id` "{wanted}" does not need a confirmation')
        if event["result"] == "allow" and event.get("deny_message") is not None:
            raise bad_request("deny_message: only with result `deny`")
        held = self._session.held.get(wanted)
        if held is None or held.verdict is not None or wanted in self._answered:
            raise bad_request(f'`tool_use_id` "{wanted}" has already been answered')
        self._answered.add(wanted)


class Events:
    """The events of sessions."""

    def __init__(self, world: World, machine: Machine, find: Callable[[str], Session]) -> None:
        self._world = world
        self._machine = machine
        self._find = find

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        one = "/v1/sessions/{session_id}"
        thread = one + "/threads/{thread_id}"
        return [
            ("POST", one + "/events", self.send),
            ("GET", one + "/events", self.list),
            ("GET", one + "/events/stream", self.stream),
            ("GET", one + "/threads", self.threads),
            ("GET", thread, self.thread),
            ("GET", thread + "/events", self.list),
            ("GET", thread + "/stream", self.stream),
        ]

    async def send(self, ask: Ask) -> Json:
        """Accept all events or none."""
        session = self._find(ask.path("session_id"))
        events = ask.body(EventSendParams)["events"]
        if session.status == "terminated" or session.archived_at is not None:
            raise bad_request(f"Cannot send events to archived session: {session.id}")
        if not events:
            raise bad_request("events: must not be empty")
        gate = Gate(session)
        for number, event in enumerate(events):
            gate.check(number, event)
        echoes = self._machine.accept(session, events)
        self._world.log("send", session, body=events)
        for event in events:
            if event["type"] == "user.tool_confirmation":
                self._world.log("confirmation", session, tool_use_id=event["tool_use_id"], body=event)
        copies = [copy for echo in echoes for copy in listed(self._world.rough, echo)]
        return answer(BetaManagedAgentsSendSessionEvents, {"data": copies})

    async def list(self, ask: Ask) -> Json:
        """List by `processed_at`, the oldest first; queued inputs, which have none, come last."""
        session = self._thread_session(ask)
        query = ask.query(EventListParams)
        order = query.get("order", "asc")
        events = [event for event in session.events if self._is_listed(event, query)]
        copies = [copy for event in events for copy in listed(self._world.rough, event)]
        copies.sort(key=lambda event: event["processed_at"] is None)  # stable: the journal is in order of time
        if order == "desc":
            copies.reverse()
        return page_of(copies, query, default=1000, most=1000, order=order)

    @staticmethod
    def _is_listed(event: Json, query: Json) -> bool:
        return ("types" not in query or event["type"] in query["types"]) and within(query, _when(event))

    async def stream(self, ask: Ask) -> web.StreamResponse:
        """Stream the events from now on; earlier ones must be listed."""
        session = self._thread_session(ask)
        deltas = ask.query(EventStreamParams).get("event_deltas", [])
        if len(deltas) > 100:
            raise bad_request("event_deltas: at most 100")
        return await Stream(self._world, session, ask.request, frozenset(deltas)).serve(ask.headers)

    def _thread_session(self, ask: Ask) -> Session:
        session = self._find(ask.path("session_id"))
        wanted = ask.request.match_info.get("thread_id")
        if wanted is not None and check_id("sthr", wanted) != session.thread_id:
            raise not_found(f"Thread `{wanted}` not found.")
        return session

    @staticmethod
    def _show_thread(session: Session) -> Json:
        return answer(
            BetaManagedAgentsSessionThread,
            {
                "id": session.thread_id,
                "type": "session_thread",
                "session_id": session.id,
                "agent": {key: value for key, value in session.agent.items() if key != "multiagent"},
                "parent_thread_id": None,
                "status": session.status,
                "usage": usage(session),
                "archived_at": session.archived_at,
                "created_at": session.created_at,
                "updated_at": session.updated_at,
                "workflow_run_id": None,
            },
        )

    async def threads(self, ask: Ask) -> Json:
        """List the primary thread; the scripted model has no other."""
        session = self._find(ask.path("session_id"))
        query = ask.query(ThreadListParams)
        rows = [self._show_thread(session)] if session.status in query.get("statuses", [session.status]) else []
        return page_of(rows, query, default=1000, most=1000)

    async def thread(self, ask: Ask) -> Json:
        """Return the primary thread."""
        return self._show_thread(self._thread_session(ask))
