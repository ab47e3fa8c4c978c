"""Plays one model request: its span, previews, messages and tool uses.

Their order is in docs/reference/managed-agents.md#order-of-a-turn.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.agents.ids import new_id
from simulator.agents.journal import Journal
from simulator.agents.moves import Fail, Inject, Move, Reschedule, Say, Spend, Stop, Think, Use, Wait
from simulator.agents.state import Held, Session, World
from simulator.agents.tools import judged, policy_of

Json = dict[str, Any]
BASE_INPUT_TOKENS = 3000
"""For the system prompt and tool definitions: a request costs about a cent."""
_LOOK = 0.003
"""Real seconds between two looks at a clock that stands still."""
REFUSED = {"type": "refusal", "category": "cyber", "explanation": "This request was declined."}


class Interrupted(Exception):
    """A `user.interrupt` was applied."""


class Gone(Exception):
    """The session ends for ever."""


class TurnOver(Exception):
    """The turn ends for another reason than `end_turn`."""

    def __init__(self, reason: Json, details: Json | None = None) -> None:
        super().__init__(reason["type"])
        self.reason = reason
        self.details = details


@dataclass(frozen=True)
class Made:
    """A tool use that was sent as an event, and the policy's answer to it: `allow`, `ask` or `deny`."""

    id: str
    use: Use
    permission: str


class Player:
    """Plays moves into a session's journal."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._world = world
        self._journal = journal

    def check(self, session: Session) -> None:
        """Raise Interrupted if an interrupt is waiting."""
        if session.interrupts:
            raise Interrupted

    async def pause(self, session: Session, seconds: float) -> None:
        """Wait for so many seconds; an interrupt ends the wait at once. Raises Interrupted."""
        if self._world.clock.is_still:
            await self._still(session, self._world.clock.now() + seconds)
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        await asyncio.sleep(0)
        self.check(session)
        while (left := until - loop.time()) > 0:
            session.changed.clear()
            try:
                async with asyncio.timeout(left):
                    await session.changed.wait()
            except TimeoutError:
                return
            self.check(session)

    async def _still(self, session: Session, until: float) -> None:
        while self._world.clock.now() < until:
            self.check(session)
            await asyncio.sleep(_LOOK)
        await asyncio.sleep(0)
        self.check(session)

    async def request(self, session: Session, moves: Sequence[Move]) -> list[Made]:
        """Play one model request; return the calls it made. Raises Interrupted, TurnOver, Gone."""
        start = self._journal.emit(session, "span.model_request_start")
        spoken = session.output_tokens
        is_error = False
        try:
            self.check(session)
            return [made for move in moves if (made := await self._move(session, move)) is not None]
        except (TurnOver, Gone) as end:
            is_error = not (isinstance(end, TurnOver) and end.reason["type"] != "retries_exhausted")
            raise
        finally:
            self._end(session, start["id"], session.output_tokens - spoken, is_error)

    def _end(self, session: Session, start_id: str, spoken: int, is_error: bool) -> None:
        heard = BASE_INPUT_TOKENS + sum(len(str(event)) for event in session.events) // 16
        session.input_tokens += heard
        used = {"input_tokens": heard, "output_tokens": spoken}
        self._journal.emit(
            session,
            "span.model_request_end",
            model_request_start_id=start_id,
            is_error=is_error,
            model_usage=used | {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
        )

    async def _move(self, session: Session, move: Move) -> Made | None:
        match move:
            case Think():
                await self._think(session)
            case Say():
                await self._say(session, move.text)
            case Use():
                made = self._use(session, move)
                await self.pause(session, self._world.pace)
                return made
            case Wait():
                await self.pause(session, move.seconds)
            case Spend():
                session.extra_cents += session.budget_cents or 0
            case Inject():
                self._journal.emit_unchecked(session, dict(move.event))
            case Fail():
                await self._fail(session, move)
            case Reschedule():
                await self._reschedule(session)
            case Stop():
                if move.reason == "terminated":
                    raise Gone
                raise TurnOver({"type": move.reason}, REFUSED if move.reason == "refusal" else None)
        return None

    async def _think(self, session: Session) -> None:
        thought = new_id("sevt")
        start = {"type": "event_start", "event": {"type": "agent.thinking", "id": thought}}
        self._journal.preview(session, "agent.thinking", start)
        await self.pause(session, min(1.0, self._world.pace * 20))
        self._journal.emit(session, "agent.thinking", id=thought)
        session.output_tokens += 20

    async def _say(self, session: Session, text: str) -> None:
        message = new_id("sevt")
        start = {"type": "event_start", "event": {"type": "agent.message", "id": message}}
        self._journal.preview(session, "agent.message", start)
        for part in re.findall(r"(?:\s*\S+){1,3}\s*|\s+", text):
            content = {"type": "content_delta", "index": 0, "content": {"type": "text", "text": part}}
            self._journal.preview(
                session, "agent.message", {"type": "event_delta", "event_id": message, "delta": content}
            )
            session.output_tokens += max(1, len(part) // 4)
            await self.pause(session, self._world.pace)
        self._journal.emit(session, "agent.message", id=message, content=[{"type": "text", "text": text}])

    def _use(self, session: Session, use: Use) -> Made:
        permission = judged(policy_of(session.agent["tools"], use.server, use.tool), use.tool)
        fields: Json = {"name": use.tool, "input": dict(use.arguments)} | permission
        kind = "agent.tool_use"
        if use.server is not None:
            kind, fields = "agent.mcp_tool_use", fields | {"mcp_server_name": use.server}
        if use.thread_id is not None:
            self._delegate(session, use.thread_id)
            fields |= {"session_thread_id": use.thread_id}
        event_id = new_id("sevt")
        if permission["evaluated_permission"] == "ask":
            session.held[event_id] = Held(event_id)
        self._journal.emit(session, kind, id=event_id, **fields)
        return Made(event_id, use, permission["evaluated_permission"])

    def _delegate(self, session: Session, thread_id: str) -> None:
        names = {"session_thread_id": thread_id, "agent_name": "helper"}
        self._journal.emit(session, "session.thread_created", **names)
        self._journal.emit(session, "session.thread_status_running", **names)

    async def _fail(self, session: Session, move: Fail) -> None:
        for status in move.statuses:
            error = {"type": move.error, "message": "The model did not answer.", "retry_status": {"type": status}}
            self._journal.emit(session, "session.error", error=error)
            await self.pause(session, self._world.pace)

    async def _reschedule(self, session: Session) -> None:
        names = {"session_thread_id": session.thread_id, "agent_name": session.agent["name"]}
        session.status = "rescheduling"
        self._journal.emit(session, "session.thread_status_rescheduled", **names)
        self._journal.emit(session, "session.status_rescheduled")
        await self.pause(session, self._world.pace)
        session.status = "running"
        self._journal.emit(session, "session.status_running")
        self._journal.emit(session, "session.thread_status_running", **names)
