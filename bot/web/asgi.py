"""The ASGI app: health, metrics, Slack over HTTP, and the pages of `oauth`, all on one port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot.web.front import LIVENESS, READINESS, livez
from bot.web.request_body import BodyRefused, read_body, replay

log = structlog.get_logger(__name__)

Health = Callable[[], Awaitable[dict[str, bool]]]
SLACK_BODY_LIMIT = 1_000_000
"""Bytes of a request's body; Slack's largest payloads, views, have 250 kB."""


def build_web(
    *,
    pages: Sequence[BaseRoute],
    bolt: AsyncApp | None,
    health: Health,
    registry: CollectorRegistry,
    new_reference: Callable[[], str],
    on_bad_signature: Callable[[], None],
) -> ASGIApp:
    """Return the app. Without `bolt` there is no Slack endpoint: Slack delivers through Socket Mode."""
    routes: list[BaseRoute] = [
        Route(READINESS, _healthz(health), methods=["GET"]),
        Route(LIVENESS, livez, methods=["GET"]),
        Route("/metrics", _metrics(registry), methods=["GET"]),
        *pages,
    ]
    if bolt:
        events = _slack(AsyncSlackRequestHandler(bolt), SignatureWarning(on_bad_signature))
        routes.append(Route("/slack/events", events, methods=["POST"]))
    app = Starlette(routes=routes, exception_handlers={Exception: _on_error(new_reference)})
    # Starlette would redirect to an address built from the request's `Host` header, which a client chooses.
    app.router.redirect_slashes = False
    return app


def _healthz(health: Health) -> Callable[[Request], Awaitable[Response]]:
    async def healthz(_: Request) -> Response:
        parts = await health()
        return JSONResponse(parts, status_code=200 if all(parts.values()) else 503)

    return healthz


def _metrics(registry: CollectorRegistry) -> Callable[[Request], Awaitable[Response]]:
    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return metrics


class SignatureWarning:
    """Warns of bad signatures at most once a minute: anybody who knows the address can send any number."""

    PAUSE_SECONDS = 60.0

    def __init__(self, on_bad_signature: Callable[[], None]) -> None:
        self._on_bad_signature = on_bad_signature
        self._not_before = -self.PAUSE_SECONDS

    def note(self) -> None:
        """Count one bad signature, and log it unless one was logged within the last minute."""
        self._on_bad_signature()
        if (now := asyncio.get_running_loop().time()) < self._not_before:
            return
        self._not_before = now + self.PAUSE_SECONDS
        log.warning("slack_signature_refused", hint="if these are Slack's requests, SLACK_SIGNING_SECRET is another's")


def _slack(handler: AsyncSlackRequestHandler, warning: SignatureWarning) -> Callable[[Request], Awaitable[Response]]:
    async def events(request: Request) -> Response:
        if not request.headers.get("x-slack-request-timestamp", "0").isdecimal():
            # Bolt raises on a timestamp that is no number, which would look like a bug of ours.
            return PlainTextResponse("invalid request", status_code=401)
        try:
            body = await read_body(request, SLACK_BODY_LIMIT)
        except BodyRefused as error:
            return PlainTextResponse("not accepted", status_code=error.status)
        answer = await handler.handle(replay(request, body))
        # Bolt answers 401 only for a bad signature or an old timestamp.
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            warning.note()
        return answer

    return events


def _on_error(new_reference: Callable[[], str]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return the catch-all for pages: a reference for the person, everything else for the log."""

    async def on_error(request: Request, error: Exception) -> Response:
        reference = new_reference()
        # Only the first part of the path, since a path may contain a ticket.
        log.error("page_failed", reference=reference, area=request.url.path.split("/")[1], exc_info=error)
        text = f"Something broke on our side. Reference {reference}. Please try again from Slack."
        return PlainTextResponse(text, status_code=500)

    return on_error
