"""The event state machine (managed-agents-api.md §3)."""

from __future__ import annotations

import anthropic
import pytest

ALLOW = {"result": "allow"}


async def test_a_turn_comes_in_the_documented_order(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "summarise my notes")
        await heard.idle()

    assert heard.types == [
        "user.message",
        "session.status_running",
        "session.thread_status_running",
        "user.message",
        "span.model_request_start",
        "agent.thinking",
        "agent.message",
        "agent.mcp_tool_use",
        "span.model_request_end",
        "agent.mcp_tool_result",
        "span.model_request_start",
        "agent.thinking",
        "agent.mcp_tool_use",
        "agent.mcp_tool_use",
        "span.model_request_end",
        "agent.mcp_tool_result",
        "agent.mcp_tool_result",
        "span.model_request_start",
        "agent.message",
        "span.model_request_end",
        "session.thread_status_idle",
        "session.usage",
        "session.status_idle",
    ]


async def test_a_summary_is_made_of_the_real_notes(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "summarise my notes")
        await heard.idle()

    said = [event for event in heard.events if event.type == "agent.message"][-1].content[0].text
    assert said == "You have 2 notes:\n\n- **Groceries**: Milk and bread.\n- **Plan**: Ship on Friday."


async def test_a_held_call_runs_only_after_it_is_allowed(make, listen, ask, decide, notes):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "write a note Party: bring cake")
        held = (await heard.idle()).stop_reason
        before = list(notes.called)
        await decide(session.id, (held.event_ids[0], ALLOW))
        ended = await heard.idle(2)

    assert (held.type, before, ended.stop_reason.type) == ("requires_action", [], "end_turn")
    assert notes.notes["Party"] == "bring cake"


async def test_a_denied_call_never_reaches_the_service(make, listen, ask, decide, notes):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "delete the note Plan")
        held = (await heard.idle()).stop_reason.event_ids[0]
        await decide(session.id, (held, {"result": "deny", "deny_message": "not today"}))
        await heard.idle(2)

    result = next(event for event in heard.events if event.type == "agent.mcp_tool_result")
    assert (result.is_error, result.content[0].text) == (True, "not today")
    assert notes.called == []
    assert "not today" in heard.events[-5].content[0].text


async def test_a_user_message_while_a_decision_is_needed_is_refused(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "delete the note Plan")
        held = (await heard.idle()).stop_reason.event_ids[0]
        with pytest.raises(anthropic.BadRequestError) as refused:
            await ask(session.id, "hello?")

    assert refused.value.api_message == (
        f"Invalid user.message event at events[0]: waiting on responses to events [{held}]; only "
        "`user.tool_confirmation`, `user.custom_tool_result`, `user.tool_result`, or `user.interrupt` may be sent"
    )
