"""The service as a whole, served on a loopback port, and the helpers with which tests drive it."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from html import unescape
from typing import Any, ClassVar
from urllib.parse import urljoin

import httpx
import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.clock import SimulatorClock
from simulator.patience import LONG, patience
from simulator.service.accounts import seeded
from simulator.service.authority import SCOPES, Access, Authority, Refresh, mint
from simulator.service.consent import ConsentPages, page
from simulator.service.documents import resource_name
from simulator.service.door import Door
from simulator.service.gate import SURROGATE, BearerDoor, FaultDoor
from simulator.service.quirks import Quirks
from simulator.service.tools import Call, NotesServer


@dataclass(frozen=True)
class Visit:
    """A recorded HTTP request, without its secrets."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class LoopbackServer(uvicorn.Server):
    """uvicorn that leaves signals to the program around it and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.stopping = asyncio.Event()

    def capture_signals(self) -> Any:
        """Install no signal handlers: Ctrl-C is for the program that runs us."""
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then set the event that `running` waits for."""
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Wait for the end. uvicorn's own loop checks ten times a second, which would cost every test a tenth."""
        await self.stopping.wait()


@dataclass
class ServiceSimulator(Quirks):
    """The service "Notes": `async with ServiceSimulator(clock=…).running() as notes`, with the switches of `Quirks`."""

    clock: SimulatorClock = field(default_factory=SimulatorClock)
    port: int = 0
    url: str = field(default="", init=False)
    accounts: dict[str, dict[str, str]] = field(default_factory=seeded)
    """Account → title → text."""
    personas: dict[str, str] = field(default_factory=dict)
    """Value of the browser's `sim_user` cookie → the account suggested first."""
    calls: list[Call] = field(default_factory=list, init=False)
    visits: list[Visit] = field(default_factory=list, init=False)
    change: asyncio.Condition = field(default_factory=asyncio.Condition, init=False)
    _authority: Authority | None = field(default=None, init=False, repr=False)
    _notices: set[asyncio.Task[None]] = field(default_factory=set, init=False, repr=False)

    shutdown_seconds: ClassVar[int] = 1

    @property
    def mcp_url(self) -> str:
        """The URL of the MCP endpoint."""
        return f"{self.url}/mcp"

    @property
    def manage_url(self) -> str:
        """The page where an account's owner revokes access."""
        return f"{self.url}/account"

    @property
    def authority(self) -> Authority:
        """The authorization server's state; only while running."""
        if self._authority is None:
            raise RuntimeError("the service is not running")
        return self._authority

    @property
    def tokens(self) -> dict[str, Access | Refresh]:
        """Every token that was issued, with `subject` (the account), `client_id`, `family`, `revoked`, `used`."""
        return self.authority.tokens

    @property
    def clients(self) -> dict[str, OAuthClientInformationFull]:
        """Every registered client."""
        return self.authority.clients

    def forget_clients(self) -> None:
        """Forget all registrations, as services do after months: their next token request is `invalid_client`."""
        self.authority.clients.clear()

    def preregister(self, redirect_uri: str, method: str = "client_secret_post") -> OAuthClientInformationFull:
        """Make a client by hand, as an admin does in a service without dynamic registration."""
        client = OAuthClientInformationFull(
            client_id=f"pre-{secrets.token_hex(6)}",
            client_secret=None if method == "none" else mint("cs"),
            redirect_uris=[AnyUrl(redirect_uri)],
            token_endpoint_auth_method=method,
            scope=" ".join(SCOPES),
        )
        self.authority.clients[client.client_id] = client
        self.authority.redirect_uris[client.client_id] = [redirect_uri]
        return client

    def personal_token(self, account: str = "alice@example.com") -> str:
        """Make a token by hand, as a person does in the service's settings; it has every scope and no end."""
        token = mint("pat")
        self.authority.tokens[token] = Access(
            token=token,
            client_id="personal",
            scopes=list(SCOPES),
            family=token,
            ends=None,
            subject=account,
            resource=self.mcp_url,
        )
        return token

    def calls_of(self, account: str) -> list[Call]:
        """Return the tool calls made with an account's tokens."""
        return [call for call in self.calls if call.account == account]

    async def until(self, holds: Callable[[ServiceSimulator], Any], seconds: float = LONG) -> None:
        """Return once `holds(self)` is true. Raises TimeoutError."""
        async with patience(seconds), self.change:
            await self.change.wait_for(lambda: bool(holds(self)))

    async def consent(self, authorize_url: str, account: str = "alice@example.com", *, allow: bool = True) -> str:
        """Do by HTTP what a person does in the browser; return the URL that the browser is sent to in the end."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(authorize_url)
            location = answer.headers.get("location", "")
            if not location.startswith(f"{self.url}/consent/"):
                if not location:
                    raise RefusedByService(answer.status_code, answer.text)
                return str(location)
            signed_in = await self._submit(browser, location, {"account": account})
            decision = {"decision": "allow" if allow else "deny"}
            return await self._submit(browser, signed_in, decision)

    async def _submit(self, browser: httpx.AsyncClient, address: str, values: dict[str, str]) -> str:
        shown = await browser.get(address)
        action = re.search(r'<form method="post" action="([^"]+)"', shown.text)
        csrf = re.search(r'name="csrf" value="([^"]+)"', shown.text)
        if action is None or csrf is None:
            raise RefusedByService(shown.status_code, shown.text)
        target = urljoin(address, unescape(action[1]))
        answer = await browser.post(target, data={"csrf": unescape(csrf[1]), **values}, headers={"Origin": self.url})
        if answer.status_code != 303:
            raise RefusedByService(answer.status_code, answer.text)
        return str(answer.headers["location"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ServiceSimulator]:
        """Serve while the block runs."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self._app(),
            log_config=None,
            date_header=False,
            access_log=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=self.shutdown_seconds,
        )
        server = LoopbackServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        task.add_done_callback(lambda _task: server.listening.set())
        await server.listening.wait()
        try:
            yield self
        finally:
            self.release.set()
            server.stopping.set()
            await task
            listener.close()

    def _app(self) -> ASGIApp:
        self._authority = Authority(self, self.clock, self.url, self._resources, self._noted)
        self._authority.tokens[SURROGATE] = Access(
            token=SURROGATE, client_id="anonymous", scopes=[], family="anonymous", ends=None
        )
        tools = NotesServer(self, self._authority, self.accounts, self._record, self.mcp_url)
        inner = tools.streamable_http_app()
        pages = ConsentPages(self._authority, self.accounts, self.personas, self.url)
        outer = Starlette(
            routes=[
                *Door(self, self._authority, self.url).routes(),
                *pages.routes(),
                Route("/", home),
                Mount("/", Only("/mcp", BearerDoor(inner, self, self._authority, self.url))),
            ],
            lifespan=lambda _app: tools.session_manager.run(),
        )
        return Recorder(FaultDoor(outer, self), self._visited)

    def _resources(self) -> set[str]:
        return {self.mcp_url, resource_name(self, self.url)}

    def _record(self, tool: str, arguments: dict[str, Any]) -> Call:
        token = get_access_token()
        call = Call(
            at=self.clock.now(),
            account=(token.subject or "") if token else "",
            client_id=token.client_id if token else "",
            token=token.token if token else "",
            tool=tool,
            arguments=arguments,
        )
        self.calls.append(call)
        self._noted()
        return call

    def _visited(self, request: Request) -> None:
        self.visits.append(
            Visit(request.method, request.url.path, dict(request.query_params), without_secrets(request))
        )
        self._noted()

    def _noted(self) -> None:
        """Wake those who wait in `until`."""
        task = asyncio.create_task(self._notify())
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    async def _notify(self) -> None:
        async with self.change:
            self.change.notify_all()


class RefusedByService(Exception):
    """The pages did not lead to a redirect; carries the last one's status and body."""


class Recorder:
    """Records every request before it is answered."""

    def __init__(self, app: ASGIApp, note: Callable[[Request], None]) -> None:
        self._app = app
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        if scope["type"] == "http":
            self._note(Request(scope))
        await self._app(scope, receive, send)


class Only:
    """Lets one path through and answers 404 for the rest."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        self._path = path
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        answer: ASGIApp = self._app if scope["path"] == self._path else Response(status_code=404)
        await answer({**scope, "root_path": ""}, receive, send)


def without_secrets(request: Request) -> dict[str, str]:
    """Return the headers without credentials and cookies."""
    return {key: value for key, value in request.headers.items() if key not in {"authorization", "cookie"}}


async def home(_request: Request) -> Response:
    """Serve the service's home page."""
    return page('<h2>Notes</h2><p>A simulated notes service.</p><p><a href="/account">Connected apps</a></p>')
