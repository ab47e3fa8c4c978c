"""The event state machine of a session: turns, held calls, interrupts, budgets, ends.

After docs/reference/managed-agents.md#events. `simulator/agents/model.py` decides what the model does,
`simulator/agents/playing.py` plays one model request.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

from simulator.agents.journal import Journal, cost_cents, usage
from simulator.agents.journal import budget as shown_budget
from simulator.agents.mcp_calls import AUTHENTICATION, McpCalls, McpTrouble
from simulator.agents.model import decide
from simulator.agents.moves import Result, Tool, Use, View
from simulator.agents.playing import Gone, Interrupted, Made, Player, TurnOver
from simulator.agents.sandbox import run_built_in
from simulator.agents.state import Held, Session, World
from simulator.agents.tools import BUILT_IN, policy_of

Json = dict[str, Any]
OUTPUTS = "/mnt/session/outputs/"
PLAIN_INPUTS = ("user.custom_tool_result", "user.tool_result", "user.define_outcome", "system.message")


def words_of(message: Json) -> str:
    """Return the last text block of a message: the bot puts what a person asks behind its own notes."""
    texts = [block["text"] for block in message["content"] if block["type"] == "text"]
    return texts[-1].strip() if texts else ""


class Machine:
    """Runs the sessions, each in a task that exists only while the session has something to do."""

    def __init__(self, world: World, mcp: McpCalls) -> None:
        self._world = world
        self._mcp = mcp
        self.journal = Journal(world)
        self._player = Player(world, self.journal)

    # --- inputs -------------------------------------------------------------------------------------------------

    def accept(self, session: Session, events: list[Json]) -> list[Json]:
        """Accept valid inputs; return them as the events that they are now."""
        echoes = [dict(self._accept(session, event)) for event in events]
        self.wake(session)
        return echoes

    def _accept(self, session: Session, event: Json) -> Json:
        kind = event["type"]
        if kind == "user.interrupt" and not self._is_interruptible(session):
            return self.journal.take_up(session, self.journal.queue(session, event))
        queued = self.journal.queue(session, event)
        if kind == "user.message":
            session.queue.append(queued)
        elif kind == "user.interrupt":
            session.interrupts.append(queued)
        elif kind == "user.tool_confirmation":
            held = session.held[event["tool_use_id"]]
            held.verdict, held.deny_message = event["result"], event.get("deny_message")
            return self.journal.take_up(session, queued)
        elif kind in PLAIN_INPUTS:
            return self.journal.take_up(session, queued)
        return queued

    @staticmethod
    def _is_interruptible(session: Session) -> bool:
        """A paused or resting session ignores an interrupt (docs/reference/managed-agents.md#interrupts)."""
        return session.task is not None and session.stop_reason != "budget_reached"

    def wake(self, session: Session) -> None:
        """Let the session continue, or begin, with its queued inputs."""
        session.changed.set()
        if session.queue and session.task is None and session.status != "terminated":
            session.status = "running"
            session.task = asyncio.get_running_loop().create_task(self._work(session))

    async def stop(self, session: Session) -> None:
        """Cancel the session's task, because it is archived or deleted, or the simulator closes."""
        if session.task is not None:
            session.task.cancel()
            await asyncio.gather(session.task, return_exceptions=True)
            session.task = None

    # --- turns --------------------------------------------------------------------------------------------------

    async def _work(self, session: Session) -> None:
        try:
            while session.queue:
                await self._turn(session)
        except Gone:
            session.status = "terminated"
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - a bug of ours must be seen by the test that met it
            self._world.troubles.append(traceback.format_exc())
            session.status = "terminated"
        finally:
            session.task = None
            self._world.note()

    def _thread(self, session: Session) -> Json:
        return {"session_thread_id": session.thread_id, "agent_name": session.agent["name"]}

    def _run(self, session: Session) -> None:
        session.status, session.stop_reason = "running", None
        self.journal.emit(session, "session.status_running")
        self.journal.emit(session, "session.thread_status_running", **self._thread(session))

    def rest(self, session: Session, reason: Json, details: Json | None = None) -> None:
        """Go idle: thread first, then usage, then the session (docs/reference/managed-agents.md#order-of-a-turn)."""
        stop: Json = {"stop_reason": reason, "stop_details": details}
        session.status, session.stop_reason = "idle", reason["type"]
        session.settles_at = self._world.clock.now() + self._world.idle_lag
        is_known = reason["type"] != "daydreaming"
        if is_known:
            self.journal.emit(session, "session.thread_status_idle", **self._thread(session), **stop)
        self.journal.emit(session, "session.usage", usage=usage(session), budget=shown_budget(session))
        if is_known:
            self.journal.emit(session, "session.status_idle", **stop)
        else:
            self.journal.emit_unchecked(session, {"type": "session.status_idle", **stop})

    async def _turn(self, session: Session) -> None:
        message = session.queue.pop(0)
        earlier = tuple(words_of(event) for event in self._processed(session, message))
        began = self._world.clock.now()
        self._run(session)
        self.journal.take_up(session, message)
        reason: Json = {"type": "end_turn"}
        details = None
        try:
            await self._play(session, words_of(message), earlier)
        except Interrupted:
            pass  # the turn ends as if all was said (docs/reference/managed-agents.md#interrupts)
        except TurnOver as over:
            reason, details = over.reason, over.details
            if reason["type"] == "retries_exhausted":
                session.queue.clear()
        except Gone:
            self.terminate(session)
            raise
        session.held.clear()
        session.active_seconds += max(0.0, self._world.clock.now() - began)
        for interrupt in session.interrupts:
            self.journal.take_up(session, interrupt)
        session.interrupts.clear()
        self.rest(session, reason, details)

    @staticmethod
    def _processed(session: Session, message: Json) -> list[Json]:
        return [
            event
            for event in session.events
            if event["type"] == "user.message" and event["processed_at"] and event["id"] != message["id"]
        ]

    def terminate(self, session: Session) -> None:
        """End the session for ever."""
        session.queue.clear()
        session.held.clear()
        self.journal.emit(session, "session.thread_status_terminated", **self._thread(session))
        self.journal.emit(session, "session.status_terminated")
        session.status = "terminated"

    async def _play(self, session: Session, words: str, earlier: tuple[str, ...]) -> None:
        tools = await self._tools(session)
        results: list[Result] = []
        step = 0
        while True:
            await self._within_budget(session)
            view = View(words, earlier, tools, tuple(results), step, session.budget_cents is not None)
            made = await self._player.request(session, decide(view))
            if not made:
                return
            results += await self._carry_out(session, made)
            step += 1

    async def _tools(self, session: Session) -> dict[str, Tool]:
        """List the MCP servers' tools with the vaults' present credentials; return the tools that the model may use."""
        # At each turn anew, as the API does: what was connected meanwhile works without a new session.
        policies = session.agent["tools"]
        found = {name: Tool(name, None) for name in BUILT_IN if policy_of(policies, None, name)}
        for server in session.agent["mcp_servers"]:
            try:
                listed = await self._mcp.list_tools(session, server)
            except McpTrouble as trouble:
                self._trouble(session, server["name"], trouble)
                continue
            for tool in listed:
                if policy_of(policies, server["name"], tool["name"]):
                    arguments = tuple((tool.get("inputSchema") or {}).get("properties", {}))
                    found[tool["name"]] = Tool(tool["name"], server["name"], arguments)
        return found

    def _trouble(self, session: Session, server: str, trouble: McpTrouble) -> None:
        """Report a server that cannot be used; raises `TurnOver` where that ends the turn."""
        # The API was seen to do both, so tests choose (docs/reference/managed-agents.md#session-errors).
        ends = trouble.kind == AUTHENTICATION and self._world.mcp_auth_failure == "exhausted"
        status = "exhausted" if ends else "retrying"
        error = {"type": trouble.kind, "message": trouble.message, "mcp_server_name": server}
        self.journal.emit(session, "session.error", error=error | {"retry_status": {"type": status}})
        if ends:
            raise TurnOver({"type": "retries_exhausted"})

    async def _within_budget(self, session: Session) -> None:
        while session.budget_cents is not None and cost_cents(session) >= session.budget_cents:
            if session.stop_reason != "budget_reached":
                self.rest(session, {"type": "budget_reached"})
            session.changed.clear()
            await session.changed.wait()
        if session.stop_reason == "budget_reached":
            self._run(session)

    # --- calls --------------------------------------------------------------------------------------------------

    async def _carry_out(self, session: Session, made: list[Made]) -> list[Result]:
        results = [await self._one(session, call, None) for call in made if call.permission != "ask"]
        asked = [call for call in made if call.permission == "ask"]
        if asked:
            await self._decisions(session)
            verdicts = dict(session.held)
            session.held.clear()
            results += [await self._one(session, call, verdicts[call.id]) for call in asked]
        self._player.check(session)
        return results

    async def _decisions(self, session: Session) -> None:
        """Wait until every held call is decided; go idle again with the rest after each decision.

        As in docs/reference/managed-agents.md#held-tool-calls.
        """
        said: list[str] = []
        while session.pending:
            if session.pending != said:
                said = session.pending
                self.rest(session, {"type": "requires_action", "event_ids": said[: self._world.window]})
            session.changed.clear()
            await session.changed.wait()
            self._player.check(session)
        if said:
            self._run(session)

    async def _one(self, session: Session, call: Made, held: Held | None) -> Result:
        is_denied = call.permission == "deny" or (held is not None and held.verdict == "deny")
        deny_message = held.deny_message if held else None
        if is_denied:
            text, is_error = deny_message or f"Permission to use {call.use.tool} has been denied.", True
        else:
            await self._player.pause(session, self._world.tool_delay)
            text, is_error = await self._call(session, call)
        self._report(session, call, text, is_error=is_error)
        return Result(call.use.tool, call.use.arguments, text, is_error, is_denied, deny_message)

    def _report(self, session: Session, call: Made, text: str, *, is_error: bool) -> None:
        if call.use.thread_id is not None:
            return
        which = "agent.tool_result" if call.use.server is None else "agent.mcp_tool_result"
        names = "tool_use_id" if call.use.server is None else "mcp_tool_use_id"
        content = [{"type": "text", "text": text}]
        self.journal.emit(session, which, **{names: call.id}, content=content, is_error=is_error)

    def _filed(self, session: Session, use: Use) -> tuple[str, bool] | None:
        """Write a file into the output folder or read a mounted one; None for any other call."""
        # The only files that are real: everything else that a built-in tool says is made up (`sandbox.py`).
        path = str(use.arguments.get("file_path", ""))
        if use.tool == "write" and path.startswith(OUTPUTS):
            self._world.put(path.removeprefix(OUTPUTS), str(use.arguments.get("content", "")).encode(), session.id)
            return f"wrote {path}", False
        mounted = next((one for one in session.resources if one["mount_path"] == path), None)
        if use.tool == "read" and mounted is not None:
            return self._world.files[mounted["file_id"]]["content"].decode(errors="replace"), False
        return None

    async def _call(self, session: Session, call: Made) -> tuple[str, bool]:
        use = call.use
        if use.server is None:
            session.searches += use.tool == "web_search"
            return self._filed(session, use) or run_built_in(use.tool, dict(use.arguments))
        server = next((one for one in session.agent["mcp_servers"] if one["name"] == use.server), None)
        if server is None:
            return f"no MCP server is called {use.server}", True
        return await self._mcp.call(session, server, use.tool, dict(use.arguments), call.id)
