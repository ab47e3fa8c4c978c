"""Translation: every type the SDK knows, the odd and the unknown, and nothing that makes it raise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from anthropic._models import construct_type
from anthropic.types.beta.sessions.beta_managed_agents_session_event_type import BetaManagedAgentsSessionEventType
from anthropic.types.beta.sessions.beta_managed_agents_stream_session_events import BetaManagedAgentsStreamSessionEvents
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.translate import build_header, is_processed, read_processed_at, translate
from bot.domain.approvals.held_calls import hash_call
from bot.model.events import (
    UNNAMED_SERVICE,
    DecisionEchoed,
    DecisionsNeeded,
    DraftBegan,
    DraftGrew,
    InterruptEchoed,
    ModelRequestEnded,
    Permission,
    RequestEchoed,
    Retry,
    SessionGone,
    SessionIdle,
    SessionRescheduled,
    SessionStarted,
    SessionTroubled,
    TextWritten,
    Thinking,
    ToolCall,
    ToolFinished,
    ToolStarted,
    Unrecognised,
    UsageReported,
)

AT = "2026-11-23T12:00:00Z"
KNOWN_TYPES = get_args(BetaManagedAgentsSessionEventType)
IGNORED_TYPES = {
    # What Deputy does not use: outcomes, subagents, workflows; and what says nothing it needs.
    "user.custom_tool_result",
    "user.tool_result",
    "user.define_outcome",
    "system.message",
    "agent.thread_message_received",
    "agent.thread_message_sent",
    "agent.thread_context_compacted",
    "session.updated",
    "session.thread_created",
    "session.thread_status_running",
    "session.thread_status_idle",
    "session.thread_status_terminated",
    "session.thread_status_rescheduled",
    "span.outcome_evaluation_start",
    "span.outcome_evaluation_ongoing",
    "span.outcome_evaluation_end",
    "workflow_run.created",
    "workflow_run.status_running",
    "workflow_run.status_idle",
    "workflow_run.status_ended",
    "workflow_run.error",
    "workflow_run.phase_started",
    "workflow_run.phase_ended",
}
FULL = {
    "processed_at": AT,
    "content": [{"type": "text", "text": "Request turn_1 — hello"}],
    "name": "search",
    "input": {"q": "x"},
    "mcp_server_name": "notion",
    "evaluated_permission": "ask",
    "tool_use_id": "sevt_t",
    "mcp_tool_use_id": "sevt_t",
    "result": "allow",
    "stop_reason": {"type": "end_turn"},
    "error": {"type": "billing_error", "message": "prose", "retry_status": {"type": "terminal"}},
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def as_sdk(body: dict[str, Any]) -> object:
    """The event as the SDK would build it from the wire."""
    return construct_type(value=body, type_=BetaManagedAgentsStreamSessionEvents)


BOTH = pytest.mark.parametrize("wrap", [as_sdk, dict], ids=["sdk", "dict"])

CASES = [
    (
        {"type": "user.message", "content": [{"type": "text", "text": "Request turn_1 — Ada"}], "processed_at": None},
        RequestEchoed("sevt_1", "turn_1", is_processed=False),
    ),
    (
        {"type": "user.message", "content": [{"type": "text", "text": "Request turn_1"}], "processed_at": AT},
        RequestEchoed("sevt_1", "turn_1", is_processed=True),
    ),
    ({"type": "user.interrupt", "processed_at": None}, InterruptEchoed("sevt_1", is_processed=False)),
    ({"type": "user.interrupt", "processed_at": AT}, InterruptEchoed("sevt_1", is_processed=True)),
    (
        {"type": "user.tool_confirmation", "tool_use_id": "sevt_t", "result": "deny", "deny_message": "no"},
        DecisionEchoed("sevt_1", "sevt_t", is_allowed=False),
    ),
    ({"type": "session.status_running", "processed_at": AT}, SessionStarted("sevt_1")),
    ({"type": "agent.thinking", "processed_at": AT}, Thinking("sevt_1")),
    (
        {
            "type": "agent.message",
            "processed_at": AT,
            "content": [
                {"type": "text", "text": "Hello "},
                {"type": "redacted"},
                {"type": "text", "text": "world"},
            ],
        },
        TextWritten("sevt_1", "Hello world"),
    ),
    ({"type": "span.model_request_end", "processed_at": AT}, ModelRequestEnded("sevt_1")),
    (
        {"type": "agent.tool_use", "name": "bash", "input": {"command": "ls"}, "evaluated_permission": "allow"},
        ToolStarted("sevt_1", ToolCall("sevt_1", None, "bash", {"command": "ls"}, Permission.ALLOW)),
    ),
    (
        {
            "type": "agent.mcp_tool_use",
            "mcp_server_name": "notion",
            "name": "create_page",
            "input": {"title": "T"},
            "evaluated_permission": "ask",
        },
        ToolStarted("sevt_1", ToolCall("sevt_1", "notion", "create_page", {"title": "T"}, Permission.ASK)),
    ),
    (
        {"type": "agent.tool_use", "name": "bash", "input": {}, "evaluated_permission": "perhaps"},
        ToolStarted("sevt_1", ToolCall("sevt_1", None, "bash", {}, Permission.ASK)),
    ),
    (
        {
            "type": "agent.tool_result",
            "tool_use_id": "sevt_t",
            "is_error": True,
            "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}],
        },
        ToolFinished("sevt_1", "sevt_t", is_error=True, text="a\nb"),
    ),
    (
        {
            "type": "agent.mcp_tool_result",
            "mcp_tool_use_id": "sevt_t",
            "content": [
                {"type": "search_result", "title": "t", "content": [{"type": "text", "text": "found"}]},
            ],
        },
        ToolFinished("sevt_1", "sevt_t", is_error=False, text="found"),
    ),
    (
        {
            "type": "session.usage",
            "usage": {"input_tokens": 7, "output_tokens": 9, "list_cost": {"amount": "12.5", "currency": "USD"}},
        },
        UsageReported("sevt_1", 12.5, 7, 9),
    ),
    ({"type": "session.usage", "usage": {}}, UsageReported("sevt_1", None, 0, 0)),
    (
        {"type": "session.status_idle", "stop_reason": {"type": "requires_action", "event_ids": ["sevt_a", "sevt_b"]}},
        DecisionsNeeded("sevt_1", ("sevt_a", "sevt_b")),
    ),
    ({"type": "session.status_idle", "stop_reason": {"type": "end_turn"}}, SessionIdle("sevt_1", "end_turn")),
    (
        {
            "type": "session.status_idle",
            "stop_reason": {"type": "refusal"},
            "stop_details": {"type": "refusal", "category": "cyber", "explanation": None},
        },
        SessionIdle("sevt_1", "refusal", "cyber"),
    ),
    ({"type": "session.status_idle", "stop_reason": {"type": "moon_phase"}}, SessionIdle("sevt_1", "moon_phase")),
    ({"type": "session.status_idle"}, SessionIdle("sevt_1", "unknown")),
    (
        {
            "type": "session.error",
            "error": {
                "type": "mcp_authentication_failed_error",
                "message": "prose",
                "mcp_server_name": "notion",
                "retry_status": {"type": "exhausted"},
            },
        },
        SessionTroubled("sevt_1", "mcp_authentication_failed_error", Retry.EXHAUSTED, "notion"),
    ),
    (
        {
            "type": "session.error",
            "error": {"type": "gravity_error", "message": "prose", "retry_status": {"type": "maybe"}},
        },
        SessionTroubled("sevt_1", "gravity_error", Retry.RETRYING, None),
    ),
    ({"type": "session.status_rescheduled"}, SessionRescheduled("sevt_1")),
    ({"type": "session.status_terminated"}, SessionGone("sevt_1")),
    ({"type": "session.deleted"}, SessionGone("sevt_1")),
    ({"type": "agent.dreamt", "dream": "sheep"}, Unrecognised("sevt_1", "agent.dreamt")),
]


@BOTH
@pytest.mark.parametrize(("body", "expected"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_an_event_is_translated_alike_from_the_sdk_and_from_a_dict(wrap, body, expected) -> None:
    assert translate(wrap({"id": "sevt_1", **body})) == expected


@BOTH
def test_previews_have_the_id_of_the_message_they_preview(wrap) -> None:
    began = {"type": "event_start", "event": {"type": "agent.message", "id": "sevt_m"}}
    grew = {
        "type": "event_delta",
        "event_id": "sevt_m",
        "delta": {"type": "content_delta", "index": 1, "content": {"type": "text", "text": "Hel"}},
    }

    assert translate(wrap(began)) == DraftBegan("sevt_m")
    assert translate(wrap(grew)) == DraftGrew("sevt_m", "Hel")


@BOTH
def test_a_preview_of_a_thought_says_that_the_model_thinks(wrap) -> None:
    began = {"type": "event_start", "event": {"type": "agent.thinking", "id": "sevt_m"}}

    assert translate(wrap(began)) == Thinking("sevt_m")


@BOTH
def test_a_preview_of_something_else_is_no_draft(wrap) -> None:
    began = {"type": "event_start", "event": {"type": "agent.tool_use", "id": "sevt_m"}}

    assert translate(wrap(began)) == Unrecognised(None, "event_start")


@pytest.mark.parametrize("kind", KNOWN_TYPES)
@BOTH
def test_every_type_the_sdk_knows_is_understood_or_ignored_on_purpose(wrap, kind) -> None:
    event = translate(wrap({"id": "sevt_1", "type": kind, **FULL}))

    assert isinstance(event, Unrecognised) == (kind in IGNORED_TYPES)
    assert event.id == "sevt_1"


def test_nothing_is_ignored_that_the_sdk_no_longer_knows() -> None:
    assert set(KNOWN_TYPES) >= IGNORED_TYPES


@pytest.mark.parametrize("kind", KNOWN_TYPES)
@BOTH
def test_a_known_type_with_none_of_its_fields_is_survived(wrap, kind) -> None:
    event = translate(wrap({"id": "sevt_1", "type": kind}))

    assert event.id == "sevt_1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FULL, "type", "text", "amount"]), inner, max_size=4)
    ),
    max_leaves=12,
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*KNOWN_TYPES, "session.deleted", "event_start", "event_delta", "x"]) | JSON,
        "id": st.just("sevt_1") | JSON,
        "event": JSON,
        "event_id": JSON,
        "delta": JSON,
        "stop_details": JSON,
        "is_error": JSON,
        **dict.fromkeys(FULL, JSON),
    },
)


@given(EVENTS | JSON)
def test_no_json_makes_the_translation_raise(body) -> None:
    translate(body)
    read_processed_at(body)
    is_processed(body)


@given(EVENTS)
def test_no_event_of_the_sdk_makes_the_translation_raise(body) -> None:
    event = as_sdk(body)

    translate(event)
    read_processed_at(event)
    is_processed(event)


@given(st.text())
def test_no_words_of_a_user_are_read_as_a_marker(text) -> None:
    blocks = [{"type": "text", "text": build_header("turn_1", "")}, {"type": "text", "text": f"Request turn_2{text}"}]

    event = translate({"id": "sevt_1", "type": "user.message", "content": blocks})

    assert event.marker == "turn_1"


@given(st.text())
def test_no_note_changes_the_marker_or_makes_a_second_line(note) -> None:
    header = build_header("turn_1", note)

    event = translate({"id": "sevt_1", "type": "user.message", "content": [{"type": "text", "text": header}]})

    assert event.marker == "turn_1"
    assert len(header.splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "please do\nRequest turn_1"}],
        [{"type": "text", "text": " Request turn_1"}],
        [{"type": "text", "text": "Request turn_1\nand more"}],
        [{"type": "redacted"}, {"type": "text", "text": "Request turn_1"}],
        [],
        None,
    ],
)
def test_a_message_that_is_not_ours_has_no_marker(content) -> None:
    event = translate({"id": "sevt_1", "type": "user.message", "content": content})

    assert event == RequestEchoed("sevt_1", None, is_processed=False)


@pytest.mark.parametrize("value", ["yesterday", "2026-11-23T12:00:00", 7, None])
def test_what_is_no_time_is_none(value) -> None:
    assert read_processed_at({"processed_at": value}) is None


@pytest.mark.fault("S18")
@pytest.mark.parametrize(
    "amount", ["much", "nan", "inf", None, 10**400, -5, "-0.01", True, "1e300", ["5"], {"cents": 5}]
)
@pytest.mark.parametrize("count", [0, -3, True, 10**30, "7", None])
def test_what_cannot_be_a_cost_is_not_told(amount, count) -> None:
    usage = {"list_cost": {"amount": amount}, "input_tokens": count, "output_tokens": count}
    event = {"id": "sevt_1", "type": "session.usage", "usage": usage}

    assert translate(event) == UsageReported("sevt_1", None, 0, 0)


@pytest.mark.fault("S18")
def test_a_cost_in_another_currency_is_not_told() -> None:
    cost = {"amount": "5", "currency": "EUR"}

    assert translate({"id": "sevt_1", "type": "session.usage", "usage": {"list_cost": cost}}) == UsageReported(
        "sevt_1", None, 0, 0
    )


def test_a_time_is_read_from_text_as_from_the_sdk() -> None:
    body = {"id": "sevt_1", "type": "agent.thinking", "processed_at": AT}

    assert read_processed_at(body) == read_processed_at(as_sdk(body)) == datetime(2026, 11, 23, 12, tzinfo=UTC)


def a_use(**fields: object) -> dict[str, Any]:
    return {"type": "agent.mcp_tool_use", "id": "sevt_1", "name": "write_note", "input": {}, **fields}


@pytest.mark.fault("D4")
@BOTH
def test_a_call_that_says_neither_its_service_nor_its_permission_is_taken_for_nothing_harmless(wrap) -> None:
    call = translate(wrap(a_use())).call

    assert (call.service, call.permission) == (UNNAMED_SERVICE, Permission.UNTOLD)


@pytest.mark.fault("S20")
def test_half_a_character_in_arguments_is_shown_as_what_it_is_and_everything_else_stays() -> None:
    given = {"text": "a\ud800b", "list": ["\udfff", dict(zip(("\ud801", "\udc02"), (1, 2), strict=True))], "number": 7}

    call = translate(a_use(input=given)).call

    assert call.arguments == {"text": "a\\ud800b", "list": ["\\udfff", {"\\ud801": 1, "\\udc02": 2}], "number": 7}
    assert len(hash_call(call, "sesn_1")) == 64


@pytest.mark.fault("S20")
def test_half_a_character_in_a_text_becomes_one() -> None:
    event = {"type": "agent.message", "id": "sevt_1", "content": [{"type": "text", "text": "a\ud800b"}]}

    assert translate(event) == TextWritten("sevt_1", "a\ufffdb")


@pytest.mark.fault("S20")
@pytest.mark.parametrize("levels", [40, 60, 600])
def test_arguments_of_any_depth_can_be_hashed_and_differ_where_they_differ(levels) -> None:
    def nested(inside: object) -> object:
        for _ in range(levels):
            inside = [inside]
        return inside

    calls = [translate(a_use(input={"x": nested(number)})).call for number in (1, 2)]

    assert len({hash_call(call, "sesn_1") for call in calls}) == 2


@pytest.mark.fault("S20")
def test_a_call_nested_beyond_reading_is_skipped_and_not_allowed_unseen() -> None:
    inside: object = 1
    for _ in range(100_000):
        inside = [inside]

    assert isinstance(translate(a_use(input={"x": inside})), Unrecognised)
