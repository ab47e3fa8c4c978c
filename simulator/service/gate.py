"""The bearer check before the MCP endpoint, and the faults that can be put before any path."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.service.authority import Access, Authority
from simulator.service.documents import PRM
from simulator.service.forms import replayed
from simulator.service.quirks import Quirks
from simulator.service.tools import WRITING_TOOLS

SURROGATE = "canary-at-anonymous"
"""The token with which `open_initialize` passes unauthenticated requests on; it belongs to no account."""


class BearerDoor:
    """Passes requests with a valid token on to the MCP endpoint, and challenges all others (RFC 9728 §5.1)."""

    def __init__(self, app: ASGIApp, quirks: Quirks, authority: Authority, url: str) -> None:
        self._app = app
        self._quirks = quirks
        self._authority = authority
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        request = Request(scope, receive)
        if "authorization" not in request.headers and self._quirks.rough.strikes("service:redirect"):
            await RedirectResponse(f"{self._url}/mcp/", 307)(scope, receive, send)
            return
        body = await request.body()
        asked = rpc(body)
        fault = self._quirks.listing_fault
        if fault and asked.get("method") == "tools/list" and "deputy" in request.headers.get("user-agent", "").lower():
            await fault_response(fault)(scope, receive, send)
            return
        token = await self._token(request)
        if isinstance(token, Access):
            refusal = self._insufficient(token, asked)
        elif (
            self._quirks.open_initialize
            and asked.get("method") != "tools/call"
            and "authorization" not in request.headers
        ):
            scope, refusal = as_anonymous(scope), None
        else:
            refusal = self._unauthorized(request)
        if refusal is not None:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, replayed(body, receive), send)

    async def _token(self, request: Request) -> Access | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token == SURROGATE:
            return None
        return await self._authority.load_access_token(token)

    def _unauthorized(self, request: Request) -> Response:
        wrong = "authorization" in request.headers
        error = "invalid_token" if wrong else "missing_token"
        response = JSONResponse({"error": error, "error_description": "Sign in to Notes."}, 401)
        if not self._quirks.bare_challenge:
            response.headers["www-authenticate"] = self._challenge('error="invalid_token"' if wrong else None)
        return response

    def _insufficient(self, token: Access, asked: dict[str, Any]) -> Response | None:
        params = asked.get("params")
        tool = params.get("name") if isinstance(params, dict) else None
        writes = asked.get("method") == "tools/call" and tool in WRITING_TOOLS
        if not writes or "notes:write" in token.scopes:
            return None
        challenge = self._challenge('error="insufficient_scope"', "notes:write")
        return JSONResponse({"error": "insufficient_scope"}, 403, headers={"www-authenticate": challenge})

    def _challenge(self, error: str | None, wanted: str | None = None) -> str:
        parts = [error] if error else []
        if self._quirks.resource_metadata not in {"missing", "root"}:
            quote = "" if self._quirks.bare_challenge_url else '"'
            parts.append(f"resource_metadata={quote}{self._url}{PRM}/mcp{quote}")
        scopes = wanted or self._quirks.challenge_scope
        if scopes:
            parts.append(f'scope="{scopes}"')
        return "Bearer " + (", ".join(parts) or 'realm="notes"')


class FaultDoor:
    """The outermost layer: answers with a fault at the paths where the scenario put one."""

    def __init__(self, app: ASGIApp, quirks: Quirks) -> None:
        self._app = app
        self._quirks = quirks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        fault = self._quirks.broken.get(scope.get("path", ""))
        if fault == "hold":
            await self._quirks.release.wait()
            fault = None
        if fault == "lost":
            await self._app(scope, receive, swallow)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await fault_response(fault)(scope, receive, send)


def fault_response(fault: str) -> Response:
    """Return a broken server's response of this kind."""
    page = "<!doctype html><html><body><h1>Notes is down for maintenance</h1></body></html>"
    answers: dict[str, Callable[[], Response]] = {
        "html": lambda: HTMLResponse(page),
        "not_json": lambda: Response("{not json", media_type="application/json"),
        "empty": lambda: Response(b"", media_type="application/json"),
        "redirect": lambda: RedirectResponse("http://127.0.0.1:9/elsewhere", 302),
        "big": lambda: Response(b'{"padding":"' + b"x" * 2_000_000 + b'"}', media_type="application/json"),
        "503": lambda: HTMLResponse(page, 503),
    }
    return answers.get(fault, lambda: HTMLResponse(page, 500))()


def rpc(body: bytes) -> dict[str, Any]:
    """Return the JSON-RPC message; empty for a body that is none, which the SDK answers."""
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def as_anonymous(scope: Scope) -> Scope:
    """Return the scope with the surrogate token."""
    return {**scope, "headers": [*scope["headers"], (b"authorization", f"Bearer {SURROGATE}".encode())]}


async def swallow(_message: Message) -> None:
    """Discard a part of a response."""
    await asyncio.sleep(0)
