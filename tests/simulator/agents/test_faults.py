"""Faults that tests order (docs/reference/managed-agents.md#retries and #errors)."""

from __future__ import annotations

import anthropic
import pytest

SEND = "/v1/sessions/*/events"


async def test_an_answer_that_is_lost_leaves_the_request_done(make, ask, agents):
    session = await make.session()
    agents.faults.add(SEND, "POST", 1, "connection_error_after")

    with pytest.raises(anthropic.APIConnectionError):
        await ask(session.id, "hello")

    sent = [event for event in agents.sessions[session.id].events if event["type"] == "user.message"]
    assert len(sent) == 1


async def test_a_request_that_is_cut_before_leaves_nothing(make, ask, agents):
    session = await make.session()
    agents.faults.add(SEND, "POST", 1, "connection_error_before")

    with pytest.raises(anthropic.APIConnectionError):
        await ask(session.id, "hello")

    assert agents.sessions[session.id].events == []


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("status_429", anthropic.RateLimitError),
        ("status_500", anthropic.InternalServerError),
        ("status_529", anthropic.InternalServerError),
    ],
)
async def test_a_status_is_raised_once_on_the_nth_request(client, agents, kind, error):
    agents.faults.add("/v1/vaults", "GET", 2, kind, retry_after=7)

    await client.beta.vaults.list()
    with pytest.raises(error) as raised:
        await client.beta.vaults.list()
    await client.beta.vaults.list()

    assert raised.value.response.headers["retry-after"] == "7"


async def test_the_sdk_retries_what_the_api_asks_it_to(client, agents):
    agents.faults.add("/v1/vaults", "GET", 1, "status_529", retry_after=0)

    await client.with_options(max_retries=1).beta.vaults.list()

    assert [call.path for call in agents.calls] == ["/v1/vaults"] * 2


async def test_a_silent_server_runs_into_the_clients_timeout(client, agents):
    agents.faults.add("/v1/vaults", "GET", 1, "timeout")

    with pytest.raises(anthropic.APITimeoutError):
        await client.with_options(timeout=0.05).beta.vaults.list()


async def test_a_malformed_answer_cannot_be_read(client, agents):
    agents.faults.add("/v1/vaults", "GET", 1, "malformed")

    with pytest.raises((anthropic.APIError, ValueError)):
        await client.beta.vaults.list()


async def test_requests_are_recorded_with_their_bodies(client, agents):
    await client.beta.vaults.create(display_name="alice")

    call = agents.calls[-1]
    assert (call.method, call.path, call.body) == ("POST", "/v1/vaults", {"display_name": "alice"})


def test_a_fault_that_does_not_exist_cannot_be_ordered(agents):
    with pytest.raises(ValueError, match="explode"):
        agents.faults.add(kind="explode")
