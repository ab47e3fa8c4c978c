"""Reads a request's body with a limit of bytes and time, counted as it arrives: a `Content-Length` may lie."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import Message

BODY_SECONDS = 10.0
"""Seconds for a whole body; only Slack's and Anthropic's servers send us any, and those are fast."""


class BodyRefused(Exception):
    """The body is too large or too slow; `status` is the HTTP status to answer with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def read_body(request: Request, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """Return the whole body. Raises `BodyRefused`; the rest of the body is not read then."""
    # `isdecimal` alone takes digits of other scripts, and `int` of a very long number is slow.
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
    """Return the request with its body, which was read already, for a handler that reads it again."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)
