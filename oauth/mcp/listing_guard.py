"""Limits what the MCP client may do while it lists a service's tools."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from oauth.errors import ConnectError, Unreachable
from oauth.protocol.http_messages import HttpRequest

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender


class ListingGuard:
    """The limits of one listing: requests to the MCP URL only, and at most `most_bytes` of all bodies together."""

    def __init__(self, sender: GuardedSender, mcp_url: str, most_bytes: int) -> None:
        self._sender = sender
        self._mcp_url = mcp_url
        self._left = most_bytes
        self.refusal: str | None = None
        """Why the guard stopped the client, in our own words; None where it did not."""
        self.is_unauthorized = False
        """Whether the service refused the token, or a request without one (RFC 6750 §3.1)."""

    async def open(self, request: HttpRequest, stack: AsyncExitStack) -> tuple[int, Any, AsyncIterator[bytes]]:
        """Send one of the client's requests; return status, headers and body in chunks.

        The connection belongs to `stack`. Raises `Unreachable` against a limit, and as `GuardedSender.open`.
        """
        # Wherever a server leads the client, by a redirect or within the protocol, the token does not go along.
        if request.url != self._mcp_url:
            raise self._refuse("the tools are listed at another address")
        answer, pieces = await stack.enter_async_context(self._sender.open(request))
        self.is_unauthorized = self.is_unauthorized or answer.status in (401, 403)
        if 300 <= answer.status < 400:  # said as what it is; the client would only report a wrong status
            raise self._refuse("the service sent us elsewhere for its tools")
        return answer.status, answer.headers, self._counted(pieces)

    async def _counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self._left -= len(piece)
            if self._left < 0:
                raise self._refuse("the list of tools is too large")
            yield piece

    def _refuse(self, why: str) -> ConnectError:
        self.refusal = why
        return Unreachable(why)
