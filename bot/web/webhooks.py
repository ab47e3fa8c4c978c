"""The endpoint for webhooks of the Managed Agents API: limits the body's size, then asks the handler.

`bot.agents.webhooks` verifies deliveries and reads them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.model.errors import Forged
from bot.web.request_body import BodyRefused, read_body

log = structlog.get_logger(__name__)

Take = Callable[[bytes, Mapping[str, str]], Awaitable[None]]
"""Stores a delivery, given its raw body and headers. Raises `Forged`; after any other error the API delivers again."""
PATH = "/anthropic/webhooks"
BODY_LIMIT = 64 * 1024
"""Bytes of a delivery; an event has a few hundred."""


def build_route(take: Take) -> Route:
    """Return the route; it answers 204 only after the delivery is stored."""

    async def deliver(request: Request) -> Response:
        try:
            await take(await read_body(request, BODY_LIMIT), request.headers)
        except BodyRefused as error:
            return PlainTextResponse("not accepted", status_code=error.status)
        except Forged:
            log.warning("webhook_forged")
            return PlainTextResponse("not accepted", status_code=401)
        return Response(status_code=204)

    return Route(PATH, deliver, methods=["POST"])
