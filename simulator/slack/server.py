"""The Slack simulator as a server on loopback: wires its parts and has every knob in one place."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp import web

from simulator.clock import SimulatorClock
from simulator.patience import LONG, patience
from simulator.slack import people
from simulator.slack.delivery import Ack, Deliveries
from simulator.slack.faults import Faults
from simulator.slack.hooks import Hooks
from simulator.slack.looking import Looking
from simulator.slack.messages import Message
from simulator.slack.openid import OpenId
from simulator.slack.socket import SocketMode
from simulator.slack.webapi import Access, Call, WebApi
from simulator.slack.workspace import Workspace

TICK = 0.02
CANARY = "canary-"
"""A part of every secret, so that tests find one wherever it must not be."""
MANIFEST_SCOPES = (
    "app_mentions:read assistant:write channels:history channels:read chat:write commands files:read files:write"
    " groups:history groups:read im:history im:write mpim:history mpim:read team:read users:read"
)


class SlackSimulator(Looking):
    """One workspace with one app in it.

    `async with SlackSimulator().running() as slack:`; the app connects with `api_url`, `bot_token`
    and `app_token`, or is sent signed HTTP at `http_endpoint`.
    """

    def __init__(
        self,
        clock: SimulatorClock | None = None,
        port: int = 0,
        *,
        enforce_rate_limits: bool = False,
        http_endpoint: str | None = None,
    ) -> None:
        self.clock = clock or SimulatorClock()
        self.bot_token = f"xoxb-{CANARY}{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{people.APP}-{CANARY}{secrets.token_hex(12)}"
        self.config_token = f"xoxe.xoxp-1-{CANARY}{secrets.token_hex(12)}"
        self.signing_secret = CANARY + secrets.token_hex(16)
        self.client_id = "1234567890.1234567890"
        self.client_secret = CANARY + secrets.token_hex(16)
        self.team_id, self.api_app_id = people.TEAM, people.APP
        self.bot_user_id, self.bot_id = people.BOT, people.BOT_ID
        self.alice, self.bob, self.carol = people.ALICE, people.BOB, people.CAROL
        self.guest, self.stranger, self.gone = people.GUEST, people.STRANGER, people.GONE
        self.general, self.random = people.GENERAL, people.RANDOM
        self.private, self.shared = people.PRIVATE, people.SHARED
        self.change = asyncio.Condition()
        self._dirty = asyncio.Event()
        workspace = Workspace(self.clock)
        workspace.on_change = self._dirty.set
        deliveries = Deliveries(self.clock, self.signing_secret, workspace.changed)
        super().__init__(workspace, deliveries, Hooks(workspace))
        deliveries.endpoint = http_endpoint
        deliveries.shape = self._in_organisation
        self.socket_mode = SocketMode(deliveries)
        scopes = set(MANIFEST_SCOPES.split())
        self.web_api = WebApi(workspace, Access(self.bot_token, self.app_token, scopes, config_token=self.config_token))
        self.web_api.enforces_rate_limits = enforce_rate_limits
        self.openid = OpenId(workspace, self.client_id, self.client_secret)
        self.app = web.Application(client_max_size=4 * 1024 * 1024)
        """More routes may be added until `running`."""
        self._port = port
        self._add_routes()

    def _in_organisation(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        organisation = self.workspace.organisation
        return organisation.shape(kind, payload) if organisation else payload

    # knobs and records

    @property
    def faults(self) -> Faults:
        """The failures that are planned for methods."""
        return self.web_api.faults

    @property
    def calls(self) -> list[Call]:
        """Every Web API request, oldest first."""
        return self.web_api.calls

    @property
    def acks(self) -> list[Ack]:
        """Every acknowledgement of the app."""
        return self.deliveries.acks

    @property
    def scopes(self) -> set[str]:
        """The bot token's scopes; tests may change them."""
        return self.web_api.access.scopes

    @property
    def latency(self) -> dict[str, float]:
        """Method → real seconds before it is carried out."""
        return self.web_api.latency

    @property
    def latency_after(self) -> dict[str, float]:
        """Method → real seconds between carrying it out and answering."""
        return self.web_api.latency_after

    @property
    def redirect_uris(self) -> set[str]:
        """The registered addresses for Sign in with Slack."""
        return self.openid.redirect_uris

    @property
    def issuer(self) -> str:
        """The `iss` of id_tokens."""
        return self.openid.issuer

    @issuer.setter
    def issuer(self, issuer: str) -> None:
        self.openid.issuer = issuer

    @property
    def enforce_rate_limits(self) -> bool:
        """Whether Slack's rate tiers hold."""
        return self.web_api.enforces_rate_limits

    @enforce_rate_limits.setter
    def enforce_rate_limits(self, value: bool) -> None:
        self.web_api.enforces_rate_limits = value

    @property
    def http_endpoint(self) -> str | None:
        """Where signed HTTP is sent; None: Socket Mode."""
        return self.deliveries.endpoint

    @http_endpoint.setter
    def http_endpoint(self, endpoint: str | None) -> None:
        self.deliveries.endpoint = endpoint

    @property
    def subscriptions(self) -> set[str] | None:
        """The app's event subscriptions, as in a manifest; None: all."""
        return self.workspace.subscriptions

    @subscriptions.setter
    def subscriptions(self, names: set[str] | None) -> None:
        self.workspace.subscriptions = names

    @property
    def broken_streams(self) -> list[Message]:
        """The messages with the permanent broken pill."""
        return self.workspace.broken_streams()

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end."""
        return self.workspace.url

    @property
    def api_url(self) -> str:
        """The `base_url` for slack_sdk."""
        return self.url + "/api/"

    def calls_of(self, method: str, *, ok: bool | None = None) -> list[Call]:
        """Return the recorded calls of one method."""
        return [call for call in self.calls if call.method == method and ok in {None, call.ok}]

    def uninstall(self) -> None:
        """Uninstall the app: it is sent `tokens_revoked` and `app_uninstalled`, and its tokens become invalid."""
        super().uninstall()
        self.web_api.access.is_revoked = True

    # life

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SlackSimulator]:
        """Serve on 127.0.0.1 while the block runs."""
        runner = web.AppRunner(self.app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.workspace.url = f"http://{host}:{port}"
        self.workspace.issue_socket_url = lambda: self.socket_mode.issue(self.url)
        tasks = [asyncio.create_task(part()) for part in (self.deliveries.run, self._tick, self._notify)]
        try:
            yield self
        finally:
            self.web_api.close()
            await self.socket_mode.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await runner.cleanup()

    async def _tick(self) -> None:
        while True:
            self.workspace.sweep()
            self.deliveries.tick()
            await asyncio.sleep(TICK)

    async def _notify(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            async with self.change:
                self.change.notify_all()

    async def until(self, predicate: Callable[[Workspace], Any], seconds: float = LONG) -> Any:
        """Wait until `predicate` is true of the workspace; return what it returned. Raises TimeoutError."""
        found: Any = None

        def is_found() -> bool:
            nonlocal found
            found = predicate(self.workspace)
            return bool(found)

        async with patience(seconds), self.change:
            await self.change.wait_for(is_found)
        return found

    def _add_routes(self) -> None:
        router, openid = self.app.router, self.openid
        router.add_post("/api/openid.connect.token", openid.token)
        router.add_get("/api/openid.connect.keys", openid.keys)
        router.add_get("/openid/connect/keys", openid.keys)
        router.add_get("/openid/connect/authorize", openid.authorize)
        router.add_post("/openid/connect/authorize", openid.approve)
        router.add_get("/.well-known/openid-configuration", openid.configuration)
        router.add_post("/sim/act-as", openid.act_as)
        router.add_route("*", "/api/{method}", self.web_api.handle)
        router.add_get("/link/", self.socket_mode.handle)
        for kind in ("commands", "actions"):
            router.add_post(f"/{kind}/{{team}}/{{number}}/{{id}}", self.hooks.respond)
        files = {"upload": self.hooks.upload, "download": self.web_api.download}
        upload, download = (partial(self.web_api.transfer, name, serve=serve) for name, serve in files.items())
        router.add_post("/upload/{id}", upload)
        router.add_get("/files-pri/{id}/{name}", download)

    # connections

    def drop_socket(self) -> None:
        """Break every socket without a closing handshake."""
        self.socket_mode.drop()

    async def refresh_socket(self, reason: str = "refresh_requested") -> None:
        """Ask the app to connect anew."""
        await self.socket_mode.refresh(reason)

    async def send_raw(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """POST any bytes to the app's endpoint, as a forger would; return status and text."""
        if self.http_endpoint is None:
            raise ValueError("only over HTTP")
        request = aiohttp.request("POST", self.http_endpoint, data=body, headers=headers)
        async with request as response:
            return response.status, await response.text()

    async def send_socket_text(self, text: str) -> None:
        """Send any text through every socket, well-formed or not."""
        for socket in list(self.socket_mode.open):
            await socket.send_text(text)

    async def authorize_openid(self, url: str, as_user: str) -> str:
        """Do what the browser of `as_user` would do at an authorize URL; return the URL it is redirected to."""
        parts = urlsplit(url)
        if parts.path != "/openid/connect/authorize":
            raise ValueError(url)
        return self.openid.redirect(dict(parse_qsl(parts.query)), as_user)
