"""Two peers: the simulated API, and one of bytes whose every answer a test writes out.

The second is for what no well-behaved API does.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from bot.agents.agents import ManagedAgents
from bot.agents.client import open_client
from bot.agents.stream import Pace
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

QUICK = Pace(first_pause=0, longest_pause=0, patience=20, silence=20, read_timeout=20)
TIMEOUTS = httpx2.Timeout(5, read=1)
EOF = "eof"
RESET = "reset"
HOLD = "hold"
LISTED = "listed"
"""Go on once the past was listed."""
Step = bytes | str | Callable[[], None]


def frame(event: dict[str, Any]) -> bytes:
    """One event as the API writes it into a stream."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


@dataclass
class Answer:
    """A JSON answer other than the usual one."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, kind: str, message: str = "prose of the API", **headers: str) -> Answer:
    """An error as the API words it."""
    return Answer(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)


@dataclass
class RawSession:
    """What one session answers: streams in their order, and what its list has persisted so far."""

    streams: deque[list[Step] | Answer] = field(default_factory=deque)
    lists: deque[Answer] = field(default_factory=deque)
    """Answers that come before the usual one."""
    posts: deque[Answer | None] = field(default_factory=deque)
    """What comes back from what is sent; None cuts the connection."""
    persisted: list[dict[str, Any]] = field(default_factory=list)
    is_chunked: bool = False
    page_size: int = 1000
    requests: list[str] = field(default_factory=list)
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """The client let go of a stream on hold."""


class RawApi:
    """The event endpoints of any number of sessions, byte by byte."""

    def __init__(self) -> None:
        self.sessions: dict[str, RawSession] = {}
        self.url = ""

    def session(self, session_id: str = "sesn_1", **script: Any) -> RawSession:
        self.sessions[session_id] = session = RawSession(**script)
        return session

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target = head.decode().split(" ")[:2]
                session = self.sessions[target.split("/")[3]]
                session.requests.append(target)
                if method != "GET":
                    await reader.readexactly(_length(head))
                    if (answer := session.posts.popleft()) is None:
                        return
                    await self._answer(writer, answer)
                    continue
                if not target.split("?")[0].endswith("/stream"):
                    await self._answer(writer, session.lists.popleft() if session.lists else _list(session, target))
                    session.listed.set()
                elif await self._stream(session, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        body = json.dumps(answer.body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode() + body)
        await writer.drain()

    async def _stream(self, session: RawSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        script = session.streams.popleft()
        if isinstance(script, Answer):
            await self._answer(writer, script)
            return False
        encoding = "transfer-encoding: chunked" if session.is_chunked else "connection: close"
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{encoding}\r\n\r\n".encode())
        for step in script:
            await self._perform(step, session, reader, writer)
        return True

    async def _perform(
        self, step: Step, session: RawSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if isinstance(step, bytes):
            writer.write(b"%x\r\n%s\r\n" % (len(step), step) if session.is_chunked and step else step)
            await writer.drain()
        elif callable(step):
            step()
        elif step == LISTED:
            await session.listed.wait()
        elif step == HOLD:
            await reader.read()
            session.closed.set()
        elif step == RESET:
            writer.transport.abort()


def _length(head: bytes) -> int:
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def _list(session: RawSession, target: str) -> Answer:
    query = parse_qs(urlsplit(target).query)
    since = query.get("created_at[gte]", [""])[0].replace("+00:00", "Z")
    found = [event for event in session.persisted if (event.get("processed_at") or "") >= since]
    start = int(query.get("page", ["0"])[0])
    end = start + session.page_size
    return Answer(200, {"data": found[start:end], "next_page": str(end) if end < len(found) else None})


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
