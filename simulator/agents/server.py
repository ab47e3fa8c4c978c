"""The Managed Agents simulator: real HTTP on loopback, authentication, faults, recorded requests."""

from __future__ import annotations

import asyncio
import json
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx2
from aiohttp import web

from simulator.agents.agents import Agents
from simulator.agents.asking import Ask, Endpoint, Route
from simulator.agents.credentials import Credentials
from simulator.agents.environments import Environments
from simulator.agents.errors import ApiError
from simulator.agents.events import Events
from simulator.agents.faults import RequestFault
from simulator.agents.files import Files
from simulator.agents.ids import new_id
from simulator.agents.machine import Machine
from simulator.agents.mcp_calls import McpCalls
from simulator.agents.rough import status_of_refusal, status_of_success
from simulator.agents.sessions import Sessions
from simulator.agents.state import Call, World
from simulator.agents.streams import cut
from simulator.agents.vaults import Vaults
from simulator.clock import SimulatorClock

BETA = "managed-agents-2026-04-01"
BETA_FREE = ("/v1/files", "/v1/models")
LARGEST = 32 * 1024 * 1024
STATUSES = {f"status_{status}": status for status in (400, 403, 413, 429, 500, 529)}


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


class AgentsSimulator(World):
    """The simulated Managed Agents API; its public state and knobs are those of `World`."""

    def __init__(
        self, *, clock: SimulatorClock | None = None, port: int = 0, api_key: str = "sk-ant-canary-simulator"
    ) -> None:
        super().__init__(clock=clock or SimulatorClock())
        self.api_key = api_key
        self.port = port

    @property
    def url(self) -> str:
        """The base URL, for `ANTHROPIC_BASE_URL`."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[AgentsSimulator]:
        """Serve until the block ends; then every session's task and every stream ends."""
        async with httpx2.AsyncClient(verify=_trusted(), trust_env=False, timeout=30) as http:
            machine = self.machine = Machine(self, McpCalls(self, http))
            self.output_files = Files(self)
            server = web.AppRunner(
                self._application(machine, http), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
            )
            await server.setup()
            site = web.TCPSite(server, "127.0.0.1", self.port)
            await site.start()
            self.port = server.addresses[0][1]
            try:
                async with self.webhooks.delivering(http):
                    yield self
            finally:
                await asyncio.gather(*(machine.stop(session) for session in self.sessions.values()))
                await self.disconnect()
                await server.cleanup()
                await asyncio.gather(*self._notices)

    def inject(self, session_id: str, event: dict[str, Any]) -> None:
        """Send an event of any type and form in a session, as a later version of the API might."""
        self.machine.journal.emit_unchecked(self.sessions[session_id], event)

    async def terminate(self, session_id: str) -> None:
        """Terminate a session, whatever it is doing."""
        session = self.sessions[session_id]
        await self.machine.stop(session)
        self.machine.terminate(session)

    def drop_streams(self) -> None:
        """Break every open stream at once."""
        for session in self.sessions.values():
            for subscriber in session.subscribers:
                subscriber.cut()

    async def disconnect(self) -> None:
        """End every open stream cleanly."""
        for session in self.sessions.values():
            for subscriber in session.subscribers:
                subscriber.frames.put_nowait(None)
        await asyncio.sleep(0)

    def routes(self, machine: Machine, http: httpx2.AsyncClient) -> list[Route]:
        """Return every endpoint."""
        agents, environments, vaults = Agents(self), Environments(self), Vaults(self)
        credentials = Credentials(self, http, vaults.find, vaults.usable)
        sessions = Sessions(self, machine, agents, environments, vaults)
        events = Events(self, machine, sessions.find)
        return [
            *agents.routes(),
            *environments.routes(),
            *vaults.routes(),
            *credentials.routes(),
            *sessions.routes(),
            *events.routes(),
            *self.output_files.routes(),
        ]

    def _application(self, machine: Machine, http: httpx2.AsyncClient) -> web.Application:
        application = web.Application(client_max_size=LARGEST)
        for method, path, endpoint in self.routes(machine, http):
            application.router.add_route(method, path, self._handler(endpoint))
        application.router.add_route("*", "/{rest:.*}", self._handler(_nowhere))
        return application

    def _handler(self, endpoint: Endpoint) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            headers = {
                "request-id": new_id("req"),
                "anthropic-organization-id": "00000000-0000-4000-8000-000000000001",
                "anthropic-workspace-id": "wrkspc_01Simulator",
            }
            try:
                return await self._answer(request, endpoint, headers)
            except ApiError as error:
                return self._refuse(request, error, headers)
            except Exception:  # noqa: BLE001 - a bug of ours must be seen by the test that met it
                self.troubles.append(traceback.format_exc())
                return _refusal(ApiError(500, "Internal server error"), headers)

        return handle

    async def _answer(self, request: web.Request, endpoint: Endpoint, headers: dict[str, str]) -> web.StreamResponse:
        is_upload = (request.content_type or "").startswith("multipart/")
        raw = b"" if is_upload else await self._read(request)
        self._record(request, raw)
        fault = self.faults.of_request(request.method, request.path)
        if fault is not None and fault.kind == "connection_error_before":
            return _cut_off(request)
        if fault is not None:
            await _strike_before(fault)
        self._authenticate(request)
        asked = Ask(request, raw, headers)
        if request.method in ("GET", "DELETE"):
            asked.no_body()
        answered = await endpoint(asked)
        if fault is not None and fault.kind == "connection_error_after":
            return _cut_off(request)
        if fault is not None and fault.kind == "timeout_after":
            await asyncio.Event().wait()
        if isinstance(answered, web.StreamResponse):
            return answered
        is_malformed = fault is not None and fault.kind == "malformed"
        body = b"{malformed" if is_malformed else self.written(answered)
        status = status_of_success(self.rough, request.method)
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)

    def _refuse(self, request: web.Request, error: ApiError, headers: dict[str, str]) -> web.Response:
        if error.status == 404 and self.rough.strikes("agents:not_found_without_json"):
            return web.Response(status=404, text="<html><h1>Not Found</h1></html>", content_type="text/html")
        error.status = status_of_refusal(self.rough, error.status, request.path)
        return _refusal(error, headers)

    @staticmethod
    async def _read(request: web.Request) -> bytes:
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise ApiError(413, "Request exceeds the maximum size") from error

    def _record(self, request: web.Request, raw: bytes) -> None:
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        self.calls.append(Call(request.method, request.path, dict(request.query), dict(request.headers), body))
        self.note()

    def _authenticate(self, request: web.Request) -> None:
        bearer = request.headers.get("authorization", "")
        given = bearer[7:] if bearer.startswith("Bearer ") else request.headers.get("x-api-key")
        if given != self.api_key:
            raise ApiError(401, "invalid x-api-key" if given else "authentication is required")
        betas = [beta.strip() for beta in request.headers.get("anthropic-beta", "").split(",")]
        # Files need no beta header, a session's files do (docs/reference/managed-agents.md#files).
        is_free = request.path.startswith(BETA_FREE) and "scope_id" not in request.query
        if BETA not in betas and not is_free:
            raise ApiError(404, "Not found")
        if "anthropic-version" not in request.headers:
            raise ApiError(400, "anthropic-version: header is required")


async def _nowhere(_: Ask) -> dict[str, Any]:
    raise ApiError(404, "Not found")


def _cut_off(request: web.Request) -> web.Response:
    cut(request)
    return web.Response(status=500)  # nobody is there to read it


async def _strike_before(fault: RequestFault) -> None:
    if fault.kind == "timeout":
        await asyncio.Event().wait()
    if fault.kind in STATUSES:
        headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
        raise ApiError(STATUSES[fault.kind], "A fault that a test ordered", code=fault.code, headers=headers)


def _refusal(error: ApiError, headers: dict[str, str]) -> web.Response:
    body = json.dumps(error.body(headers["request-id"]))
    return web.Response(
        status=error.status, text=body, content_type="application/json", headers=headers | error.headers
    )
