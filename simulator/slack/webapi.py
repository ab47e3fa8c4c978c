"""The Web API over HTTP: arguments, tokens, scopes, rates, planned faults, recorded calls.

The methods themselves are in `simulator/slack/methods`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.slack.errors import SlackError
from simulator.slack.faults import Fault, Faults
from simulator.slack.limits import RateLimits
from simulator.slack.methods import agents, apps, chat, conversations, files, streams, views
from simulator.slack.methods.registry import METHODS, Args, Method
from simulator.slack.workspace import Workspace

__all__ = ["LOADED", "Call", "WebApi"]

LOADED = (agents, apps, chat, conversations, files, streams, views)
"""Importing them fills the registry."""


NEWER = frozenset({"agents.sessions.setStatus", "chat.startStream"})
"""Methods that what stands in Slack's place may not have; then there is a page, and no JSON."""


@dataclass
class Call:
    """One request of the app, as it was recorded."""

    method: str
    args: dict[str, Any]
    at: float
    ok: bool = False
    error: str | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None


@dataclass
class Access:
    """The tokens that are valid and the scopes they carry."""

    bot_token: str
    app_token: str
    scopes: set[str]
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    config_token: str = ""
    is_revoked: bool = False

    def token_for(self, method: Method) -> str:
        """Return the only token that a method takes."""
        if method.is_for_config:
            return self.config_token
        return self.app_token if method.is_for_app else self.bot_token


Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebApi:
    """The handler of `/api/{method}`."""

    def __init__(self, workspace: Workspace, access: Access) -> None:
        self._workspace = workspace
        self.access = access
        self.faults = Faults()
        self.limits = RateLimits(workspace.clock)
        self.enforces_rate_limits = False
        self.tells_scopes = True
        """Whether answers have `x-oauth-scopes`; some proxies take it out."""
        self.calls: list[Call] = []
        self.latency: dict[str, float] = {}
        self.latency_after: dict[str, float] = {}
        self._closing = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one call."""
        name = request.match_info["method"]
        try:
            given, token = await read_arguments(request)
        except SlackError as error:
            return self._respond({"ok": False, "error": error.code})
        call = Call(name, given, self._workspace.now())
        self.calls.append(call)
        await self._pause(self.latency.get(name, 0.0))
        if name in NEWER and self._workspace.rough.strikes("slack:not_found_without_json"):
            call.error = "404"
            self._workspace.changed()
            return web.Response(status=404, text="<html>Not Found</html>", content_type="text/html")
        fault = self.faults.strike(name)
        if fault:
            call.fault = fault.kind
        if fault and not fault.kind.endswith("_after"):
            self._workspace.changed()  # so that who waits for the failed call sees it
            return await self._strike(request, fault, call)
        response = self._serve(name, given, token, call)
        self._workspace.changed()
        await self._pause(self.latency_after.get(name, 0.0))
        return await self._strike(request, fault, call) if fault else response

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Serve a file's content to a token that may read it; else a sign-in page with status 200, as Slack does."""
        file = self._workspace.files.get(request.match_info["id"])
        self._workspace.downloads.append((request.host, "Authorization" in request.headers))
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        access = self.access
        may_read = bearer == access.bot_token and "files:read" in access.scopes and not access.is_revoked
        if file is None or file["content"] is None or not may_read:
            return web.Response(text="<!DOCTYPE html><title>Sign in to Slack</title>", content_type="text/html")
        hop = int(request.query.get("hop", "0"))
        if hop < int(file.get("hops", 0)):
            # As an organisation does, whose files are at a host of its own; `moves_to` is somebody else's.
            location = f"{file.get('moves_to', '')}{request.path}?hop={hop + 1}"
            return web.Response(status=302, headers={"location": location})
        return web.Response(body=file["content"], content_type=file.get("mimetype") or "application/octet-stream")

    async def transfer(self, name: str, request: web.Request, serve: Endpoint) -> web.StreamResponse:
        """Apply a fault that is planned for `name` to a file's transfer, which is no method and not recorded."""
        fault = self.faults.strike(name)
        if fault is None:
            return await serve(request)
        if fault.kind == "malformed":
            return await self._cut_short(await serve(request))
        if fault.kind.endswith("_after"):
            await serve(request)
        return await self._strike(request, fault, Call(name, {}, self._workspace.now()))

    @staticmethod
    async def _cut_short(response: web.StreamResponse) -> web.StreamResponse:
        """Return a response whose last byte is missing, of a call that was carried out."""
        body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
        return web.Response(status=response.status, body=body[:-1], content_type=response.content_type)

    async def _pause(self, seconds: float) -> None:
        """Wait in real time, at most until the server closes; the call is recorded before."""
        if seconds:
            self._workspace.changed()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)

    def close(self) -> None:
        """Release every call that a fault holds."""
        self._closing.set()

    def _serve(self, name: str, given: dict[str, Any], token: str | None, call: Call) -> web.Response:
        method = METHODS.get(name)
        if method is None:
            call.error = "unknown_method"
            return self._respond({"ok": False, "error": "unknown_method", "req_method": name})
        try:
            self._check_access(method, token)
            args = Args({key: value for key, value in given.items() if key in method.arguments and value is not None})
            wait = self.limits.take(method, args) if self.enforces_rate_limits else None
            if wait is not None:
                call.error = "ratelimited"
                return self._limited(wait)
            self._workspace.sweep()
            call.answer = {"ok": True, **method.handler(self._workspace, args)}
            call.ok = True
        except SlackError as error:
            call.error = error.code
            call.answer = {"ok": False, "error": error.code, **error.extra}
        return self._respond(call.answer, method)

    def _check_access(self, method: Method, token: str | None) -> None:
        access = self.access
        if token is None:
            raise SlackError("not_authed")
        if token not in {access.bot_token, access.app_token, access.config_token}:
            raise SlackError("invalid_auth")
        if access.is_revoked:
            raise SlackError("token_revoked")
        if token != access.token_for(method):
            raise SlackError("not_allowed_token_type")
        granted = access.app_scopes if method.is_for_app else access.scopes
        if method.scopes and granted.isdisjoint(method.scopes):
            raise SlackError("missing_scope", needed=",".join(method.scopes), provided=",".join(sorted(granted)))

    def _respond(self, answer: Mapping[str, Any], method: Method | None = None) -> web.Response:
        scopes = self.access.app_scopes if method and method.is_for_app else self.access.scopes
        headers = {"x-slack-req-id": "simulated"}
        if self.tells_scopes:
            headers["x-oauth-scopes"] = ",".join(sorted(scopes))
        if method:
            headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
        return web.json_response(answer, headers=headers)

    def _limited(self, wait: int) -> web.Response:
        answer = {"ok": False, "error": "ratelimited"}
        return web.json_response(answer, status=429, headers={"Retry-After": str(wait)})

    async def _strike(self, request: web.Request, fault: Fault, call: Call) -> web.StreamResponse:
        call.error = call.error or fault.kind
        kind = fault.kind.removesuffix("_after").removesuffix("_before")
        match kind:
            case "connection_error":
                if request.transport is not None:
                    request.transport.abort()
            case "timeout":
                await self._closing.wait()
            case "status_404" | "status_408" | "status_413" | "status_500" | "status_503":
                # Not JSON: what answers is a proxy in front of Slack.
                status = int(kind.removeprefix("status_"))
                return web.Response(status=status, text="<html>Sorry</html>", content_type="text/html")
            case "ratelimited":
                return self._limited(fault.retry_after)
            case "malformed":
                return web.Response(text='{"ok": tru', content_type="application/json")
            case _:
                call.error = fault.error
                return self._respond({"ok": False, "error": fault.error})
        return web.Response(status=503)


async def read_arguments(request: web.Request) -> tuple[dict[str, Any], str | None]:
    """Return the arguments, from query, form or JSON, and the token. Raises `invalid_json`, `json_not_object`."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        given |= body
    elif request.can_read_body:
        given |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    token = given.pop("token", None)
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer" and bearer:
        token = bearer
    return given, token
