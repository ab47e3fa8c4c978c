"""Two peers: the simulated API, and one of bytes whose every answer a test writes out.

The second is for what no well-behaved API does.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from bot.agents.api import ManagedAgents
from bot.agents.client import open_client
from bot.agents.event_stream import Pace
from bot.domain.ports import ProfileSpec, ServiceTools, SessionTools
from simulator.agents.server import AgentsSimulator
from store.records import (
    ChannelId,
    Member,
    Secret,
    SendState,
    SessionState,
    Thread,
    ThreadId,
    Turn,
    TurnId,
    TurnState,
    UserId,
    Vault,
    VaultState,
    WorkspaceId,
)

from .raw import EOF, HOLD, LISTED, RESET, Answer, RawApi, RawSession, frame, refusal

__all__ = ["EOF", "HOLD", "LISTED", "RESET", "Answer", "RawApi", "RawSession", "frame", "refusal"]

QUICK = Pace(first_pause=0, longest_pause=0, patience=20, silence=20, read_timeout=20)
TIMEOUTS = httpx2.Timeout(5, read=1)


@pytest.fixture
async def raw_api():
    """A server on loopback that answers as its sessions are scripted."""
    api = RawApi()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield api
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def raw_client(raw_api):
    """The real SDK, talking to `raw_api`, without its own retries."""
    async with open_client(api_key=Secret("key"), base_url=raw_api.url, max_retries=0) as client:
        yield client


@pytest.fixture
async def raw_agents(raw_client):
    """Deputy's side of `raw_api`."""
    return ManagedAgents(client=raw_client, pace=QUICK)


OWNER = Member(WorkspaceId("T1"), UserId("U1"), "T1", "Ada")
OTHER = Member(WorkspaceId("T1"), UserId("U2"), "T1", "Bob")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOTES = ServiceTools("notes", "https://notes.example/mcp", {"list_notes": "allowed"}, "user_approved")
SPEC = ProfileSpec(
    name="assistant",
    model="claude-sonnet-5",
    system="Help.",
    built_in_rules={"bash": "user_approved", "web_search": "allowed"},
)
NO_TOOLS = SessionTools(SPEC.built_in_rules)
WITH_NOTES = SessionTools(SPEC.built_in_rules, (NOTES,))


def a_thread(**changes: Any) -> Thread:
    thread = Thread(
        id=ThreadId("thread_1"),
        owner=OWNER,
        channel=ChannelId("C1"),
        thread_ts=None,
        title="the owner's own words",
        profile="assistant",
        is_private=False,
        session_state=SessionState.CREATING,
        session_id=None,
        session_vault_id=None,
        created_at=NOW,
    )
    return replace(thread, **changes)


def a_turn(turn_id: str = "turn_1", task: str = "say exactly: Hi") -> Turn:
    return Turn(
        id=TurnId(turn_id),
        thread_id=ThreadId("thread_1"),
        owner=OWNER,
        state=TurnState.RUNNING,
        send_state=SendState.SENDING,
        task=task,
        source=None,
        notice=None,
        stop_requested_by=None,
        created_at=NOW,
        started_at=NOW,
    )


@pytest.fixture
async def simulated():
    """The simulated API."""
    async with AgentsSimulator().running() as api:
        yield api
        assert api.troubles == []


@pytest.fixture
async def client(simulated):
    """The real SDK at the simulated API, without its own retries: those wait."""
    key = Secret(simulated.api_key)
    async with open_client(api_key=key, base_url=simulated.url, timeouts=TIMEOUTS, max_retries=0) as client:
        yield client


@pytest.fixture
async def agents(client):
    """Deputy's side of the simulated API."""
    return ManagedAgents(client=client, pace=QUICK)


@pytest.fixture
async def vault(agents):
    """The owner's vault."""
    vault_id = await agents.create_vault(OWNER, "marker_1")
    return Vault("marker_1", OWNER, VaultState.ACTIVE, vault_id)


@pytest.fixture
async def profile(agents):
    """The saved profile."""
    return await agents.save_profile(SPEC, None)


@pytest.fixture
async def session_id(agents, vault, profile):
    """A session of the owner without any service."""
    return await agents.create_session(a_thread(), vault, profile, NO_TOOLS, 500)
