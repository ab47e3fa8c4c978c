"""The session stream (docs/reference/managed-agents.md#event-stream and #previews) and the list beside it."""

from __future__ import annotations

import anthropic
import httpx2
import pytest

from simulator.patience import patience


def text_of(heard):
    return "".join(event.delta.content.text for event in heard.events if event.type == "event_delta")


async def test_deltas_reach_only_streams_that_asked(make, listen, ask):
    session = await make.session()

    async with listen(session.id) as plain, listen(session.id, event_deltas=["agent.message"]) as eager:
        await ask(session.id, "write a long text of 100 words")
        await plain.idle()
        await eager.idle()

    message = next(event for event in eager.events if event.type == "agent.message")
    assert "event_delta" not in plain.types
    assert "event_start" not in plain.types
    assert text_of(eager) == message.content[0].text
    assert {event.event_id for event in eager.events if event.type == "event_delta"} == {message.id}


async def test_previews_are_never_listed(make, listen, ask, client):
    session = await make.session()

    async with listen(session.id, event_deltas=["agent.message", "agent.thinking"]) as heard:
        await ask(session.id, "write a long text of 30 words")
        await heard.idle()
        listed = [event async for event in client.beta.sessions.events.list(session.id)]

    previews = ("event_start", "event_delta")
    streamed = {event.id: event.type for event in heard.events if event.type not in previews}
    assert {event.id: event.type for event in listed} == streamed


async def test_a_stream_has_no_replay_and_does_not_end_at_idle(make, listen, ask):
    session = await make.session()
    async with listen(session.id) as heard:
        await ask(session.id, "say exactly: one")
        await heard.idle()

    async with listen(session.id) as late:
        await ask(session.id, "say exactly: two")
        await late.idle()

    said = [event.content[0].text for event in late.events if event.type == "agent.message"]
    assert (said, late.is_over) == (["two"], False)


async def test_a_deleted_session_closes_its_streams(make, listen, client):
    session = await make.session()

    async with listen(session.id) as heard:
        await client.beta.sessions.delete(session.id)
        await heard.until(lambda it: it.is_over)

    assert heard.types == ["session.deleted"]
    with pytest.raises(anthropic.NotFoundError):
        await client.beta.sessions.events.stream(session.id)


@pytest.mark.parametrize("path", ["stream", "list", "send"])
async def test_an_unknown_session_is_404_and_a_malformed_id_is_400(client, path):
    events = client.beta.sessions.events

    async def call(session_id):
        if path == "send":
            return await events.send(session_id, events=[{"type": "user.interrupt"}])
        return await (events.stream(session_id) if path == "stream" else events.list(session_id))

    with pytest.raises(anthropic.NotFoundError):
        await call("sesn_01unknownunknownunknown")
    with pytest.raises(anthropic.BadRequestError) as malformed:
        await call("session-1")
    assert malformed.value.api_message == "Invalid session ID."


async def test_unknown_delta_types_are_refused(make, client):
    session = await make.session()

    with pytest.raises(anthropic.BadRequestError):
        await client.beta.sessions.events.stream(session.id, event_deltas=["agent.dream"])


async def test_silence_is_broken_by_pings(make, agents):
    agents.ping_every = 0.01
    session = await make.session()

    async with httpx2.AsyncClient(trust_env=False) as http, patience():
        headers = {
            "x-api-key": agents.api_key,
            "anthropic-beta": "managed-agents-2026-04-01",
            "anthropic-version": "2026-10-21",
        }
        stream = f"{agents.url}/v1/sessions/{session.id}/events/stream"
        async with http.stream("GET", stream, headers=headers) as answer:
            assert [line async for line in _until_ping(answer)] == ["event: ping"]


async def _until_ping(answer):
    async for line in answer.aiter_lines():
        if line == "event: ping":
            yield line
            return


async def test_a_stream_dropped_in_a_frame_raises_what_the_sdk_does_not_wrap(make, listen, ask, agents):
    agents.faults.stream("drop", at="agent.message")
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await heard.until(lambda it: it.is_over)

    assert isinstance(heard.error, httpx2.HTTPError)
    assert "agent.message" not in heard.types


async def test_a_clean_end_is_no_error(make, listen, ask, agents):
    agents.faults.stream("eof", at="agent.message")
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await heard.until(lambda it: it.is_over)

    assert heard.error is None


async def test_an_error_frame_raises_with_status_200(make, listen, ask, agents):
    agents.faults.stream("error", after=2)
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await heard.until(lambda it: it.is_over)

    assert (heard.error.status_code, heard.error.type) == (200, "overloaded_error")


async def test_a_duplicate_comes_twice_with_one_id(make, listen, ask, agents):
    agents.faults.stream("duplicate", at="agent.message")
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await heard.idle()

    ids = [event.id for event in heard.events if event.type == "agent.message"]
    assert (len(ids), len(set(ids))) == (2, 1)


async def test_a_silent_stream_hides_what_the_list_still_tells(make, listen, ask, agents, client):
    agents.faults.stream("silence", at="agent.message")
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await agents.until(lambda a: a.sessions[session.id].status == "idle" and a.sessions[session.id].stop_reason)
        listed = await client.beta.sessions.events.list(session.id, order="desc", limit=1)

    assert "session.status_idle" not in heard.types
    assert listed.data[0].type == "session.status_idle"


async def test_the_list_goes_both_ways_by_pages_types_and_times(make, listen, ask, client):
    session = await make.session()
    async with listen(session.id) as heard:
        await ask(session.id, "summarise my notes")
        await heard.idle()
    events = client.beta.sessions.events

    forward = [event.id async for event in events.list(session.id, limit=3)]
    backward = [event.id async for event in events.list(session.id, limit=4, order="desc")]
    said = [event async for event in events.list(session.id, types=["agent.message"])]
    late = [event async for event in events.list(session.id, created_at_gt=said[0].processed_at)]

    assert forward == backward[::-1]
    assert [event.type for event in said] == ["agent.message"] * 2
    assert [event.id for event in late] == forward[forward.index(said[0].id) + 1 :]


async def test_a_cursor_of_another_order_is_refused(make, listen, ask, client):
    session = await make.session()
    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await heard.idle()

    page = await client.beta.sessions.events.list(session.id, limit=1)
    with pytest.raises(anthropic.BadRequestError):
        await client.beta.sessions.events.list(session.id, limit=1, order="desc", page=page.next_page)


async def test_a_delayed_frame_comes_after_the_echo_of_the_request(make, listen, ask, agents):
    agents.faults.stream("delay", at="user.message", seconds=0.05)
    session = await make.session()

    async with listen(session.id) as heard:
        echo = await ask(session.id, "hello")
        heard_at_echo = list(heard.events)
        await heard.idle()

    assert (heard_at_echo, heard.events[0].id) == ([], echo.data[0].id)


async def test_an_idle_stream_can_be_broken(make, listen, agents):
    session = await make.session()

    async with listen(session.id) as heard:
        agents.drop_streams()
        await heard.until(lambda it: it.is_over)

    assert isinstance(heard.error, httpx2.HTTPError)


async def test_any_event_can_be_injected(make, listen, agents):
    session = await make.session()

    async with listen(session.id) as heard:
        agents.inject(session.id, {"type": "agent.sang", "song": "la"})
        await heard.until(lambda it: it.events)

    assert (heard.types, heard.events[0].to_dict()["song"]) == (["agent.sang"], "la")


async def test_a_session_can_be_terminated_from_outside(make, listen, ask, agents):
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "think for 60 seconds")
        await heard.until(lambda it: "agent.thinking" in it.types)
        await agents.terminate(session.id)
        await heard.until(lambda it: "session.status_terminated" in it.types)

    assert agents.sessions[session.id].status == "terminated"


async def test_the_stored_status_may_lag_behind_the_stream(make, listen, ask, *, client, agents, clock):
    agents.idle_lag = 60
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "hello")
        await heard.idle()
        with pytest.raises(anthropic.BadRequestError):
            await client.beta.sessions.archive(session.id)
        clock.advance(61)
        archived = await client.beta.sessions.archive(session.id)

    assert archived.status == "terminated"
