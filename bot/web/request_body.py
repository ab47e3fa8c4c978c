"""Reads a request's body with a limit of bytes and time, counted as it arrives: a length header may lie."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import Message

BODY_SECONDS = 10.0
"""For all of a body; those who send us any are machines in data centres."""


class BodyRefused(Exception):
    """The body is too large, or does not come; `status` is how that is answered."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def read_body(request: Request, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """Return the whole body. Raises `BodyRefused`; then the rest was not read."""
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()) or len(length) > len(str(limit)) or int(length) > limit:
        raise BodyRefused(413)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise BodyRefused(413)
    except TimeoutError:
        raise BodyRefused(408) from None
    return bytes(body)


def replay(request: Request, body: bytes) -> Request:
    """Return the request with a body that was read, for whoever reads it once more."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)
