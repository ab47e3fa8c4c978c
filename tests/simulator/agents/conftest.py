"""The simulated API, the real SDK in front of it, and a tiny MCP server behind it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import anthropic
import httpx2
import pytest
from aiohttp import web

from simulator.agents.server import AgentsSimulator
from simulator.clock import SimulatorClock
from simulator.patience import patience

TOOLS = {
    "list_notes": [],
    "read_note": ["title"],
    "write_note": ["title", "text"],
    "delete_note": ["title"],
    "search_notes": ["query"],
}


class TinyNotes:
    """An MCP server of one user's notes; `token` is the only bearer it takes."""

    def __init__(self):
        self.token = "token-good"
        self.refresh_token = "refresh-1"
        self.notes = {"Groceries": "Milk and bread. Also eggs.", "Plan": "Ship on Friday."}
        self.called = []
        self.refreshed = []
        self.url = ""
        self.token_endpoint = ""

    async def handle(self, request):
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "invalid_token"}, status=401)
        message = await request.json()
        if "id" not in message:
            return web.Response(status=202)
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": self.answer(message)})

    def answer(self, message):
        if message["method"] == "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "n", "version": "1"},
            }
        if message["method"] == "tools/list":
            schemas = {
                name: {"type": "object", "properties": {one: {"type": "string"} for one in names}}
                for name, names in TOOLS.items()
            }
            return {"tools": [{"name": name, "inputSchema": schema} for name, schema in schemas.items()]}
        name, arguments = message["params"]["name"], message["params"]["arguments"]
        self.called.append((name, arguments))
        return {"content": [{"type": "text", "text": self.call(name, arguments)}]}

    def call(self, name, arguments):
        if name == "write_note":
            self.notes[arguments["title"]] = arguments["text"]
        if name == "delete_note":
            self.notes.pop(arguments["title"], None)
        if name == "read_note":
            return json.dumps({"title": arguments["title"], "text": self.notes.get(arguments["title"], "")})
        return json.dumps([{"title": title} for title in self.notes])

    async def refresh(self, request):
        form = await request.post()
        self.refreshed.append(dict(form) | {"authorization": request.headers.get("authorization")})
        if form["refresh_token"] != self.refresh_token:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.token = f"token-{len(self.refreshed)}"
        self.refresh_token = f"refresh-{len(self.refreshed) + 1}"
        return web.json_response({"access_token": self.token, "refresh_token": self.refresh_token, "expires_in": 3600})

    @asynccontextmanager
    async def running(self):
        application = web.Application()
        application.router.add_post("/mcp", self.handle)
        application.router.add_post("/token", self.refresh)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.url, self.token_endpoint = base + "/mcp", base + "/token"
        try:
            yield self
        finally:
            await runner.cleanup()


@pytest.fixture
async def notes():
    async with TinyNotes().running() as notes:
        yield notes


@pytest.fixture
def clock():
    return SimulatorClock()


@pytest.fixture
async def agents(clock):
    async with AgentsSimulator(clock=clock).running() as agents:
        yield agents
    assert agents.troubles == []


@pytest.fixture
async def client(agents):
    async with anthropic.AsyncAnthropic(
        base_url=agents.url,
        api_key=agents.api_key,
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(trust_env=False),
    ) as client:
        yield client


def mcp_tools(**policies):
    """`write_note="always_ask"`; what is not named is disabled."""
    configs = [
        {"name": name, "enabled": True, "permission_policy": {"type": policy}} for name, policy in policies.items()
    ]
    return {
        "type": "mcp_toolset",
        "mcp_server_name": "notes",
        "default_config": {"enabled": False},
        "configs": configs,
    }


BUILT_IN = {"type": "agent_toolset_20260401"}
RULES = {
    "list_notes": "always_allow",
    "read_note": "always_allow",
    "write_note": "always_ask",
    "delete_note": "always_ask",
}


@pytest.fixture
async def make(client, notes):
    """Builders that go through the SDK, as the bot does."""

    async def environment(**config):
        return await client.beta.environments.create(
            name=f"e{len(await everything())}", config={"type": "cloud", **config}
        )

    async def everything():
        return [one async for one in client.beta.environments.list()]

    async def agent(**fields):
        defaults = {
            "model": "claude-opus-5-5",
            "name": "Helper",
            "mcp_servers": [{"type": "url", "name": "notes", "url": notes.url}],
            "tools": [mcp_tools(**RULES), BUILT_IN],
        }
        return await client.beta.agents.create(**defaults | fields)

    async def vault(owner="alice", token="token-good", **auth):
        vault = await client.beta.vaults.create(display_name=owner, metadata={"external_user_id": owner})
        if token:
            credential = {"type": "mcp_oauth", "mcp_server_url": notes.url, "access_token": token, **auth}
            await client.beta.vaults.credentials.create(vault.id, auth=credential)
        return vault

    async def session(*, agent=None, vaults=None, environment=None, **fields):
        vaults = [await make.vault()] if vaults is None else vaults
        return await client.beta.sessions.create(
            agent=(agent or await make.agent()).id,
            environment_id=(environment or await make.environment()).id,
            vault_ids=[vault.id for vault in vaults],
            **fields,
        )

    make = SimpleNamespace(environment=environment, agent=agent, vault=vault, session=session)
    return make


class Listener:
    """An open stream, read in the background."""

    def __init__(self):
        self.events = []
        self.error = None
        self.is_over = False
        self._changed = asyncio.Condition()

    async def read(self, stream):
        try:
            async for event in stream:
                await self._add(event)
        except (httpx2.HTTPError, anthropic.APIError) as error:
            self.error = error
        self.is_over = True
        async with self._changed:
            self._changed.notify_all()

    async def _add(self, event):
        async with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    async def until(self, holds):
        async with patience(), self._changed:
            await self._changed.wait_for(lambda: holds(self))
        return self

    async def idle(self, times=1):
        await self.until(lambda it: it.types.count("session.status_idle") >= times)
        return self.events[-1]

    @property
    def types(self):
        return [event.type for event in self.events]


@pytest.fixture
async def listen(client):
    @asynccontextmanager
    async def listen(session_id, **options):
        listener = Listener()
        async with await client.beta.sessions.events.stream(session_id, **options) as stream:
            task = asyncio.create_task(listener.read(stream))
            try:
                yield listener
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    return listen


@pytest.fixture
def ask(client):
    async def ask(session_id, words, *more):
        events = [{"type": "user.message", "content": [{"type": "text", "text": words}]}, *more]
        return await client.beta.sessions.events.send(session_id, events=events)

    return ask


@pytest.fixture
def decide(client):
    async def decide(session_id, *answers):
        events = [{"type": "user.tool_confirmation", "tool_use_id": use, **fields} for use, fields in answers]
        return await client.beta.sessions.events.send(session_id, events=events)

    return decide
