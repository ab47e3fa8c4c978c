"""What the web server asks from its first second on: the start's own answers, then the app that was built.

A start may wait for long: for Slack, a locked database, the API. Who looks after the process must be able to tell
that from one that hangs, and Slack must not believe that anything was taken.
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
    """An app that is another one once `open` was called; connections are kept over it."""

    def __init__(self) -> None:
        self.waits_for: str | None = None
        """What the start is waiting for, as `/healthz` names it: no secret, no address."""
        self._app: ASGIApp = self._answer_starting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        await self._app(scope, receive, send)

    def open(self, app: ASGIApp) -> None:
        """Let this app answer from now on."""
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
    """Say that this process takes requests, whether or not its peers are there: to start it again would not help."""
    return JSONResponse({"alive": True})
