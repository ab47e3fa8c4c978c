"""The whole port: what may not be repeated is not, what may be is."""

from __future__ import annotations

import pytest
from anthropic import AsyncAnthropic

from bot.agents.api import ManagedAgents
from bot.agents.client import open_client
from bot.domain.ports import Agents
from bot.model.errors import AgentsUnavailable
from oauth.ports import Credential
from store.records import Secret

from .conftest import NO_TOOLS, OWNER, QUICK, TIMEOUTS, a_thread, a_turn

CREDENTIAL = Credential("https://notes.example/mcp", Secret("canary-access"), None, None, None)


@pytest.fixture
async def patient(simulated):
    """With the SDK's own retries, as in production."""
    key = Secret(simulated.api_key)
    async with open_client(api_key=key, base_url=simulated.url, timeouts=TIMEOUTS, max_retries=2) as client:
        yield ManagedAgents(client=client, pace=QUICK)


def test_the_port_is_whole() -> None:
    named = [name for name in vars(Agents) if not name.startswith("_")]
    agents = ManagedAgents(client=open_nothing())

    assert [name for name in named if not callable(getattr(agents, name, None))] == []


def open_nothing():
    """A client that is never used."""
    return AsyncAnthropic(api_key="key", base_url="http://127.0.0.1:1")


async def posts_during(simulated, attempt) -> int:
    before = len(simulated.calls)
    with pytest.raises(AgentsUnavailable):
        await attempt
    return sum(call.method == "POST" for call in simulated.calls[before:])


@pytest.mark.parametrize("kind", ["connection_error_after", "status_500"])
async def test_what_would_be_done_twice_is_sent_once(simulated, patient, vault, profile, kind) -> None:
    session_id = await patient.create_session(a_thread(), vault, profile, NO_TOOLS, 500)
    simulated.faults.add("/v1/*", "POST", kind=kind, times=99)

    assert await posts_during(simulated, patient.create_vault(OWNER, "marker_2")) == 1
    assert await posts_during(simulated, patient.create_session(a_thread(), vault, profile, NO_TOOLS, 500)) == 1
    assert await posts_during(simulated, patient.send_request(session_id, a_turn(), "", "Hi")) == 1


@pytest.mark.parametrize("kind", ["connection_error_before", "status_500"])
async def test_a_credential_is_sent_again_only_after_looking(simulated, patient, vault, kind) -> None:
    simulated.faults.add("/v1/*", "POST", kind=kind, times=99)

    assert await posts_during(simulated, patient.add_credential(vault, CREDENTIAL, "notes")) == 2
    assert [call.method for call in simulated.calls[-4:]] == ["POST", "GET", "GET", "POST"]


async def test_what_may_be_repeated_is(simulated, patient, vault, session_id) -> None:
    simulated.faults.add(f"/v1/sessions/{session_id}*", "*", kind="status_500")

    assert await patient.session_vaults(session_id) == (vault.vault_id,)
