"""The event state machine (docs/reference/managed-agents.md#events)."""

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


async def test_a_message_sent_while_running_waits_and_is_taken_up_next(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "say exactly: one")
        await ask(session.id, "say exactly: two")
        await heard.idle(2)

    said = [event.content[0].text for event in heard.events if event.type == "agent.message"]
    waited = [event.processed_at for event in heard.events if event.type == "user.message"]
    assert said == ["one", "two"]
    assert [when is None for when in waited].count(True) == 2


async def test_a_decision_sent_before_idle_is_taken_without_a_pause(make, listen, ask, *, decide, notes, agents):
    agents.pace = 0.3
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, 'call the tool notes/delete_note with {"title": "Plan"}')
        await heard.until(lambda it: "agent.mcp_tool_use" in it.types)
        use = next(event for event in heard.events if event.type == "agent.mcp_tool_use")
        await decide(session.id, (use.id, ALLOW))
        agents.pace = 0
        ended = await heard.idle()

    assert (use.evaluated_permission, ended.stop_reason.type) == ("ask", "end_turn")
    assert notes.called == [("delete_note", {"title": "Plan"})]


async def test_answering_some_calls_names_the_rest_again(make, listen, ask, decide):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "call 3 tools at once")
        first = (await heard.idle()).stop_reason.event_ids
        await decide(session.id, (first[1], ALLOW))
        second = (await heard.idle(2)).stop_reason.event_ids
        await decide(session.id, (first[0], ALLOW), (first[2], {"result": "deny"}))
        await heard.idle(3)

    assert second == [first[0], first[2]]
    assert heard.types.count("session.status_running") == 2
    assert "2 of 3 calls" in next(e for e in reversed(heard.events) if e.type == "agent.message").content[0].text


async def test_more_than_five_held_calls_are_named_through_a_window(make, listen, ask, decide, agents):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "call 7 tools at once")
        first = (await heard.idle()).stop_reason.event_ids
        await decide(session.id, *((use, ALLOW) for use in first))
        second = (await heard.idle(2)).stop_reason.event_ids

    assert (len(first), len(second), agents.sessions[session.id].pending) == (5, 2, second)


@pytest.mark.parametrize("which", ["second answer", "unknown id", "allowed call"])
async def test_a_confirmation_that_nothing_waits_for_is_refused(make, listen, ask, decide, which):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "summarise my notes")
        await heard.idle()
        await ask(session.id, "call 2 tools at once")
        held = (await heard.idle(2)).stop_reason.event_ids
        if which == "second answer":
            await decide(session.id, (held[0], ALLOW))
        allowed = next(e.id for e in heard.events if e.type == "agent.mcp_tool_use")
        wanted = {"second answer": held[0], "unknown id": "sevt_01unknown", "allowed call": allowed}[which]
        with pytest.raises(anthropic.BadRequestError):
            await decide(session.id, (held[1], ALLOW), (wanted, ALLOW))

    assert held[1] in (await heard.idle(2)).stop_reason.event_ids


async def test_an_interrupt_stops_the_model_and_ends_the_turn(make, listen, ask, client):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "think for 60 seconds")
        await heard.until(lambda it: "agent.thinking" in it.types)
        await client.beta.sessions.events.send(session.id, events=[{"type": "user.interrupt"}])
        ended = await heard.idle()

    assert ended.stop_reason.type == "end_turn"
    assert heard.types[-6:] == [
        "user.interrupt",
        "span.model_request_end",
        "user.interrupt",
        "session.thread_status_idle",
        "session.usage",
        "session.status_idle",
    ]


async def test_an_interrupt_cancels_held_calls_and_a_message_may_follow_at_once(make, listen, ask, client, notes):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "delete the note Plan")
        await heard.idle()
        words = {"type": "user.message", "content": [{"type": "text", "text": "say exactly: fine"}]}
        await client.beta.sessions.events.send(session.id, events=[{"type": "user.interrupt"}, words])
        await heard.idle(3)

    reasons = [event.stop_reason.type for event in heard.events if event.type == "session.status_idle"]
    assert reasons == ["requires_action", "end_turn", "end_turn"]
    assert notes.called == []


async def test_an_interrupt_of_a_resting_session_changes_nothing(make, client):
    session = await make.session()

    sent = await client.beta.sessions.events.send(session.id, events=[{"type": "user.interrupt"}])

    assert sent.data[0].processed_at is not None
    assert (await client.beta.sessions.retrieve(session.id)).status == "idle"


async def test_a_failing_model_exhausts_its_retries_and_flushes_the_queue(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "fail")
        await ask(session.id, "say exactly: never")
        ended = await heard.idle()

    statuses = [event.error.retry_status.type for event in heard.events if event.type == "session.error"]
    assert (statuses, ended.stop_reason.type) == (["retrying", "retrying", "exhausted"], "retries_exhausted")
    assert "agent.message" not in heard.types


async def test_a_refusal_says_why(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "refuse")
        ended = await heard.idle()

    assert (ended.stop_reason.type, ended.stop_details.category) == ("refusal", "cyber")


async def test_a_terminated_session_takes_nothing_more(make, listen, ask, client):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "terminate")
        await heard.until(lambda it: "session.status_terminated" in it.types)
        with pytest.raises(anthropic.BadRequestError) as refused:
            await ask(session.id, "hello?")

    assert refused.value.api_message == f"Cannot send events to archived session: {session.id}"
    assert (await client.beta.sessions.retrieve(session.id)).status == "terminated"


async def test_rescheduling_goes_on_by_itself(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "reschedule")
        ended = await heard.idle()

    assert "session.status_rescheduled" in heard.types
    assert ended.stop_reason.type == "end_turn"


async def test_a_reached_budget_pauses_until_it_is_raised(make, listen, ask, client):
    budget = {"type": "limit", "max_list_cost": {"amount": "50", "currency": "USD"}}
    session = await make.session(budget=budget)

    async with listen(session.id) as heard:
        await ask(session.id, "reach the budget")
        paused = await heard.idle()
        with pytest.raises(anthropic.BadRequestError):
            await ask(session.id, "go on")
        with pytest.raises(anthropic.BadRequestError) as too_low:
            await client.beta.sessions.update(session.id, budget=budget)
        raised = {"type": "limit", "max_list_cost": {"amount": "500", "currency": "USD"}}
        await client.beta.sessions.update(session.id, budget=raised)
        ended = await heard.idle(2)

    assert (paused.stop_reason.type, ended.stop_reason.type) == ("budget_reached", "end_turn")
    assert too_low.value.error_code == "budget_not_raised"


async def test_usage_grows_and_comes_before_every_idle(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await heard.idle()
        await ask(session.id, "hello")
        await heard.idle(2)

    places = [number for number, kind in enumerate(heard.types) if kind == "session.status_idle"]
    costs = [int(heard.events[place - 1].usage.list_cost.amount) for place in places]
    assert 0 < costs[0] < costs[1]


async def test_a_disabled_tool_that_is_called_anyway_is_denied(make, listen, ask, notes):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, 'call the tool notes/search_notes with {"query": "x"}')
        await heard.idle()

    use = next(event for event in heard.events if event.type == "agent.mcp_tool_use")
    result = next(event for event in heard.events if event.type == "agent.mcp_tool_result")
    assert (use.evaluated_permission, use.evaluation, result.is_error, notes.called) == ("deny", None, True, [])


async def test_what_no_sdk_knows_comes_through_with_its_real_type(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "unknown event")
        await heard.idle()
        await ask(session.id, "unknown stop reason")
        await heard.idle(2)
        await ask(session.id, "unknown error")
        await heard.idle(3)

    reasons = [event.stop_reason.type for event in heard.events if event.type == "session.status_idle"]
    errors = [event.error.type for event in heard.events if event.type == "session.error"]
    assert "agent.daydream" in heard.types
    assert (reasons, errors) == (["end_turn", "daydreaming", "end_turn"], ["moon_phase_error"])


async def test_the_model_remembers_what_was_asked_before(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "say exactly: hi")
        await heard.idle()
        await ask(session.id, "what did I ask before?")
        await heard.idle(2)

    assert [e for e in heard.events if e.type == "agent.message"][-1].content[0].text.endswith("1. say exactly: hi")


async def test_built_in_tools_are_allowed_by_default_and_simulated(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "run `echo hello`")
        await heard.idle()

    assert next(event for event in heard.events if event.type == "agent.tool_result").content[0].text == "hello"
