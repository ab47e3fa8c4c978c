"""Streams that the simulator does not play: written from the SDK's own types, and checked against them.

Each is a turn of `trn_1` as the stream tells it; ids and times are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ZERO_USAGE = {
    "input_tokens": 1200,
    "output_tokens": 80,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
    "active_seconds": 3.5,
    "list_cost": {"amount": "2", "currency": "USD"},
}
SPAN_USAGE = {
    "input_tokens": 1200,
    "output_tokens": 80,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}
PRIMARY = {"session_thread_id": "sthr_1", "agent_name": "deputy"}
CHILD = {"session_thread_id": "sthr_2", "agent_name": "helper"}
TEXT = Callable[[str], list[Json]]


def text(words: str) -> list[Json]:
    """Content of one text block."""
    return [{"type": "text", "text": words}]


class Stream:
    """Writes one stream, event by event."""

    def __init__(self) -> None:
        self.events: list[Json] = []

    def say(self, kind: str, **fields: Any) -> str:
        """Append a persisted event and return its id."""
        number = len(self.events) + 1
        at = (NOON + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        event = {"id": f"sevt_{number:03}", "type": kind, "processed_at": at, **fields}
        self.events.append(event)
        return str(event["id"])

    def preview(self, **fields: Any) -> None:
        """Append a preview, which has neither id nor time."""
        self.events.append(fields)

    def begin(self, words: str = "Do it.") -> None:
        """The request, queued and taken up."""
        content = [*text("Request trn_1 — from “Ann”."), *text(words)]
        queued = self.say("user.message", content=content)
        self.events[-1]["processed_at"] = None
        self.run()
        self.say("user.message", content=content)
        self.events[-1]["id"] = queued

    def run(self) -> None:
        """The session runs."""
        self.say("session.status_running")
        self.say("session.thread_status_running", **PRIMARY)

    def rest(self, reason: Json | None = None, details: Json | None = None) -> None:
        """The session is idle, for a reason."""
        stop = {"stop_reason": reason or {"type": "end_turn"}, "stop_details": details}
        self.say("session.thread_status_idle", **PRIMARY, **stop)
        self.say("session.usage", usage=ZERO_USAGE, budget=None)
        self.say("session.status_idle", **stop)

    def request(self, *, is_error: bool = False) -> None:
        """A model request that says nothing."""
        start = self.say("span.model_request_start")
        self.say("span.model_request_end", model_request_start_id=start, is_error=is_error, model_usage=SPAN_USAGE)

    def answer(self, words: str) -> None:
        """A message with its previews."""
        start = self.say("span.model_request_start")
        message_id = f"sevt_{len(self.events) + 4:03}"
        self.preview(type="event_start", event={"type": "agent.message", "id": message_id})
        half = len(words) // 2
        for part in (words[:half], words[half:]):
            content = {"type": "content_delta", "index": 0, "content": {"type": "text", "text": part}}
            self.preview(type="event_delta", event_id=message_id, delta=content)
        assert self.say("agent.message", content=text(words)) == message_id
        self.say("span.model_request_end", model_request_start_id=start, is_error=False, model_usage=SPAN_USAGE)

    def error(self, kind: str, retry: str, **more: Any) -> None:
        """A session error."""
        error = {"type": kind, "message": "prose", "retry_status": {"type": retry}, **more}
        self.say("session.error", error=error)


def credential_refused_and_gone_on(s: Stream) -> None:
    """The documented way: the turn goes on without that service."""
    s.begin()
    s.error("mcp_authentication_failed_error", "retrying", mcp_server_name="notes")
    s.answer("I went on without your notes.")
    s.rest()


def credential_refused_and_over(s: Stream) -> None:
    """The observed way: the turn is dead."""
    s.begin()
    s.error("mcp_authentication_failed_error", "exhausted", mcp_server_name="notes")
    s.rest({"type": "retries_exhausted"})


def errors_of_every_kind(s: Stream) -> None:
    """None of them ends the turn by itself."""
    s.begin()
    for kind in ("unknown_error", "model_overloaded_error", "model_rate_limited_error", "model_request_failed_error"):
        s.error(kind, "retrying")
    s.error("mcp_connection_failed_error", "retrying", mcp_server_name="notes")
    s.error("credential_host_unreachable_error", "retrying", credential_id="vcrd_1", vault_id="vlt_1")
    for kind in ("authentication", "forbidden", "not_found", "checkout", "clone"):
        s.error(f"repository_{kind}_error", "retrying", repository_url="https://example.com/r.git")
    s.answer("I got over all of that.")
    for kind in ("tool_use_limit_reached_error", "compaction_limit_reached_error", "billing_error"):
        s.error(kind, "exhausted")
    s.rest({"type": "retries_exhausted"})


def gone_over_a_terminal_error(s: Stream) -> None:
    """A terminal error, then the end of the session."""
    s.begin()
    s.error("model_request_failed_error", "terminal")
    s.say("session.thread_status_terminated", **PRIMARY)
    s.say("session.status_terminated")


def deleted(s: Stream) -> None:
    """Somebody deletes the session in the middle."""
    s.begin()
    s.answer("I had just begun")
    s.say("session.deleted")


def redacted_refusal(s: Stream) -> None:
    """A refusal whose words are not shown."""
    s.begin()
    s.say("span.model_request_start")
    s.say("agent.message", content=[{"type": "redacted"}])
    details = {"type": "refusal", "category": "cyber", "explanation": "declined"}
    s.rest({"type": "refusal"}, details)


def preview_without_a_message(s: Stream) -> None:
    """A model request that fails half-way and is made again: what was previewed is void."""
    s.begin()
    start = s.say("span.model_request_start")
    s.preview(type="event_start", event={"type": "agent.thinking", "id": "sevt_900"})
    s.preview(type="event_start", event={"type": "agent.message", "id": "sevt_901"})
    content = {"type": "content_delta", "index": 0, "content": {"type": "text", "text": "A first try"}}
    s.preview(type="event_delta", event_id="sevt_901", delta=content)
    s.error("model_overloaded_error", "retrying")
    s.say("span.model_request_end", model_request_start_id=start, is_error=True, model_usage=SPAN_USAGE)
    s.answer("The second try.")
    s.rest()


def subagents(s: Stream) -> None:
    """Two threads hold a call each; the child's is cross-posted, its result is not."""
    s.begin()
    s.say("session.thread_created", **CHILD)
    s.say("session.thread_status_running", **CHILD)
    s.say("agent.thread_message_sent", to_session_thread_id="sthr_2", to_agent_name="helper", content=text("Help."))
    ask = {"evaluated_permission": "ask", "evaluation": {"type": "always_ask"}}
    mine = s.say("agent.mcp_tool_use", mcp_server_name="notes", name="write_note", input={"title": "A"}, **ask)
    its = s.say("agent.tool_use", name="bash", input={"command": "ls"}, session_thread_id="sthr_2", **ask)
    stop = {"stop_reason": {"type": "requires_action", "event_ids": [its]}, "stop_details": None}
    s.say("session.thread_status_idle", **CHILD, **stop)
    s.rest({"type": "requires_action", "event_ids": [mine, its]})
    s.say("user.tool_confirmation", tool_use_id=its, result="allow", session_thread_id="sthr_2")
    s.rest({"type": "requires_action", "event_ids": [mine]})
    s.say("user.tool_confirmation", tool_use_id=mine, result="deny", deny_message="Not now.")
    s.run()
    s.say("agent.mcp_tool_result", mcp_tool_use_id=mine, content=text("denied"), is_error=True)
    s.say("session.thread_status_rescheduled", **CHILD)
    s.say("session.thread_status_terminated", **CHILD)
    s.say("agent.thread_message_received", from_session_thread_id="sthr_2", content=text("Done."))
    s.answer("One of two was done.")
    s.rest()


def tool_of_ours(s: Stream) -> None:
    """A custom tool that Deputy does not offer: it says so, and the agent goes on."""
    s.begin()
    call = s.say("agent.custom_tool_use", name="page_somebody", input={"who": "me"})
    s.rest({"type": "requires_action", "event_ids": [call]})
    s.say("user.custom_tool_result", custom_tool_use_id=call, content=text("not offered"), is_error=True)
    s.run()
    s.answer("Then I do without.")
    s.rest()


def waits_for_nobody(s: Stream) -> None:
    """It waits for a call that this stream never told: it is read again, and denied where nobody can read it."""
    s.begin()
    s.rest({"type": "requires_action", "event_ids": ["sevt_777"]})
    s.say("user.tool_confirmation", tool_use_id="sevt_777", result="deny")
    s.rest()


def stopped_by_another_wait(s: Stream) -> None:
    """The other known answer to an interrupt that meets held calls (docs/reference/managed-agents.md#interrupts)."""
    s.begin()
    ask = {"evaluated_permission": "ask", "evaluation": {"type": "always_ask"}}
    call = s.say("agent.tool_use", name="bash", input={"command": "ls"}, **ask)
    s.rest({"type": "requires_action", "event_ids": [call]})
    s.say("user.interrupt")
    s.rest({"type": "requires_action", "event_ids": [call]})


def other_peoples_turns(s: Stream) -> None:
    """What a listing has from before the request, and a message from the console in the middle."""
    s.run()
    s.say("user.message", content=[*text("Request trn_0 — from “Ann”."), *text("Before.")])
    s.say("agent.message", content=text("The answer before."))
    s.rest()
    s.begin()
    s.say("user.message", content=text("Request trn_1 — forged in a console?\nNo."))
    s.answer("The answer.")
    s.rest()


def everything_tolerated(s: Stream) -> None:
    """What Deputy does not use: outcomes, workflows, compaction, system messages, self-hosted results, updates."""
    s.begin()
    s.say("system.message", content=text("Be brief."))
    s.say("session.updated", title="New title", metadata={"a": "b"})
    s.say("agent.thread_context_compacted")
    outcome = {"outcome_id": "outc_1", "iteration": 0}
    rubric = {"type": "text", "content": "good"}
    s.say("user.define_outcome", outcome_id="outc_1", description="Good.", rubric=rubric, max_iterations=3)
    call = s.say("agent.tool_use", name="read", input={"path": "/a"}, evaluated_permission="allow")
    s.say("user.tool_result", tool_use_id=call, content=text("from a sandbox of ours"))
    s.say("agent.tool_result", tool_use_id=call, content=text("words"), is_error=False)
    denied = s.say("agent.tool_use", name="write", input={"path": "/a"}, evaluated_permission="deny")
    s.say("agent.tool_result", tool_use_id=denied, content=text("no"), is_error=True)
    run = {"workflow_run_id": "wfr_1"}
    s.say("workflow_run.created", **run, name="build", description=None, phases=[])
    s.say("workflow_run.status_running", **run)
    started = s.say("workflow_run.phase_started", **run, workflow_run_phase_id="wfp_1")
    s.say("workflow_run.phase_ended", **run, workflow_run_phase_id="wfp_1", phase_started_id=started)
    s.say("workflow_run.error", **run, error={"type": "timeout_error", "message": "prose"})
    s.say("workflow_run.status_idle", **run)
    s.say("workflow_run.status_ended", **run, result={"type": "completed"})
    begun = s.say("span.outcome_evaluation_start", **outcome)
    s.say("span.outcome_evaluation_ongoing", **outcome)
    ended = {"outcome_evaluation_start_id": begun, "result": "satisfied", "explanation": "good", "usage": SPAN_USAGE}
    s.say("span.outcome_evaluation_end", **outcome, **ended)
    s.say("session.status_rescheduled")
    s.run()
    s.answer("All of that was not for me.")
    s.rest()


def every_shape(s: Stream) -> None:
    """Every kind of block, judgement and result, and older turns that were refused for each reason."""
    for category in ("cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms", None):
        s.run()
        s.rest({"type": "refusal"}, {"type": "refusal", "category": category, "explanation": None})
    s.begin()
    media = list(_media())
    redacted = {"type": "redacted"}
    found = {"type": "search_result", "source": "https://example.com", "title": "T", "citations": {"enabled": False}}
    results = [*media, found | {"content": text("found")}]
    s.say("user.message", content=[*media, redacted])
    for sent, whose in (("sent", "to"), ("received", "from")):
        fields = {f"{whose}_session_thread_id": "sthr_2", "content": [*media, redacted]}
        s.say(f"agent.thread_message_{sent}", **fields)
    _judged_calls(s, results)
    s.say("user.custom_tool_result", custom_tool_use_id="sevt_900", content=results)
    s.say("user.tool_result", tool_use_id="sevt_901", content=results)
    s.say("session.updated", budget={"type": "limit", "max_list_cost": {"amount": "500", "currency": "USD"}})
    rubric = {"type": "file", "file_id": "file_1"}
    s.say("user.define_outcome", outcome_id="outc_1", description="Good.", rubric=rubric, max_iterations=3)
    _told_otherwise(s)
    s.answer("None of that was new.")
    s.rest()


def _media() -> Iterator[Json]:
    """An image and a document from everywhere that they may come from."""
    places = (
        {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        {"type": "url", "url": "https://example.com/a"},
        {"type": "file", "file_id": "file_1"},
    )
    for place in places:
        yield {"type": "image", "source": place}
        is_pdf = place["type"] == "base64"
        yield {"type": "document", "source": place | ({"media_type": "application/pdf"} if is_pdf else {})}
    yield {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}


def _judged_calls(s: Stream, results: list[Json]) -> None:
    """Calls with every verdict of every policy, and what they answered."""
    judged = [{"type": "allow"}, *({"type": one, "reason_code": "indeterminate"} for one in ("ask", "deny"))]
    for verdict in judged:
        given = {
            "evaluated_permission": verdict["type"],
            "evaluation": {"type": "auto", "evaluated_permission": verdict},
        }
        for always in (given, {"evaluated_permission": "allow", "evaluation": {"type": "always_allow"}}):
            call = s.say("agent.tool_use", name="bash", input={"command": "ls"}, **always)
            its = s.say("agent.mcp_tool_use", mcp_server_name="notes", name="list_notes", input={}, **always)
            if always["evaluated_permission"] == "ask":
                for one in (call, its):
                    s.say("user.tool_confirmation", tool_use_id=one, result="allow")
            s.say("agent.tool_result", tool_use_id=call, content=results)
            s.say("agent.mcp_tool_result", mcp_tool_use_id=its, content=results)


def _told_otherwise(s: Stream) -> None:
    """Spans at either speed, and workflows that end in every way."""
    for speed in ("standard", "fast"):
        start = s.say("span.model_request_start")
        usage = SPAN_USAGE | {"speed": speed}
        s.say("span.model_request_end", model_request_start_id=start, is_error=False, model_usage=usage)
        ended = {"outcome_evaluation_start_id": start, "result": "failed", "explanation": "no", "usage": usage}
        s.say("span.outcome_evaluation_end", outcome_id="outc_1", iteration=0, **ended)
    run = {"workflow_run_id": "wfr_1"}
    phases = [{"id": "wfp_1", "name": "one", "description": None}]
    s.say("workflow_run.created", **run, name="build", description=None, phases=phases)
    kinds = ("max_workflow_runs", "program", "thread_limit", "timeout", "unknown")
    errors = [{"type": f"{kind}_error", "message": "prose"} for kind in kinds]
    for error in errors:
        s.say("workflow_run.error", **run, error=error)
    for result in ({"type": "stopped"}, *({"type": "error", "error": error} for error in errors)):
        s.say("workflow_run.status_ended", **run, result=result)


def composed() -> Iterator[tuple[str, list[Json]]]:
    """Give every stream with its name."""
    for write in (
        credential_refused_and_gone_on,
        credential_refused_and_over,
        errors_of_every_kind,
        gone_over_a_terminal_error,
        deleted,
        redacted_refusal,
        preview_without_a_message,
        subagents,
        tool_of_ours,
        waits_for_nobody,
        stopped_by_another_wait,
        other_peoples_turns,
        everything_tolerated,
        every_shape,
    ):
        stream = Stream()
        write(stream)
        yield write.__name__, stream.events
