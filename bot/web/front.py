"""The app that the web server runs from its first second on: its own answers during the start, then the built app.

A start may take long, since it waits for Slack, a locked database or the API. Whoever monitors the process must be able
to tell that from a process that hangs, and Slack must not believe that a request was accepted.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LIVENESS = "/livez"
READINESS = "/healthz"
# Seconds
_COME_AGAIN = {"retry-after": "5"}


class Front:
    """Answers by itself until `open` is called, and from then on passes requests to the app; connections stay open."""

    def __init__(self) -> None:
        self.waits_for: str | None = None
        """What the start is waiting for, as `/healthz` shows it; never a secret or an address."""
        self._app: ASGIApp = self._answer_starting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        await self._app(scope, receive, send)

    def open(self, app: ASGIApp) -> None:
        """Pass requests to this app from now on."""
        self._app = app

    async def _answer_starting(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Response
        if scope["path"] == LIVENESS:
            answer = await livez(Request(scope))
        elif scope["path"] == READINESS:
            state = {"starting": True, "waits_for": self.waits_for}
            answer = JSONResponse(state, status_code=503, headers=_COME_AGAIN)
        else:
            words = "Deputy is starting. Please try again in a moment."
            answer = PlainTextResponse(words, status_code=503, headers=_COME_AGAIN)
        await answer(scope, receive, send)


async def livez(_: Request) -> Response:
    """Answer that this process takes requests, even if its peers are out: restarting it would not help then."""
    return JSONResponse({"alive": True})
