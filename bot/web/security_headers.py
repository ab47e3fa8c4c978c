"""Puts security headers on every response: pages, errors, refusals, health."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oauth.security_headers import build_headers


class Secured:
    """Adds the headers to every answer of an app; headers that an answer sets itself stay.

    It must be the outermost app, so that no answer goes without them.
    """

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self.headers = build_headers(is_https=is_https)
        """Also for answers of the server that no app sees (`GuardedProtocol`)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured)
