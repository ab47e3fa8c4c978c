"""The official MCP client over our guarded sender. `oauth/mcp/list_tools.py` imports it when tools are listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from oauth.errors import ConnectError
from oauth.protocol.discovery import USER_AGENT
from oauth.protocol.http_messages import HttpRequest

if TYPE_CHECKING:
    from oauth.mcp.listing_guard import ListingGuard
    from store.records import Secret

# The client checks answers by pydantic (whose errors are ValueErrors) inside task groups (which raise
# ExceptionGroups), and raises RuntimeErrors for a version or a result that it does not know.
FAILURES = (MCPError, httpx2.HTTPError, httpx2.InvalidURL, ConnectError, ExceptionGroup, ValueError, RuntimeError)
"""What the client raises where a service answers wrongly."""

_SET_BY_SENDER = frozenset({"accept-encoding", "connection", "content-length", "host", "transfer-encoding"})


async def list_raw(
    budget: ListingGuard, mcp_url: str, token: Secret | None, most_tools: int, most_pages: int
) -> list[dict[str, Any]]:
    """Return at most `most_tools` tools as the service lists them. Raises `FAILURES`."""
    headers = {"user-agent": USER_AGENT}
    if token is not None:
        headers["authorization"] = f"Bearer {token.reveal()}"
    async with httpx2.AsyncClient(transport=_Guarded(budget), headers=headers, trust_env=False) as http:
        transport = streamable_http_client(mcp_url, http_client=http)
        ours = Implementation(name="Deputy", version="0.1")
        # No cache: a service could have an older listing repeated, and a changed tool would stay unseen.
        async with Client(transport, client_info=ours, cache=None) as client:
            return await _read_pages(client, most_tools, most_pages)


async def _read_pages(client: Client, most_tools: int, most_pages: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    # Pages are counted too: one may be empty and always name a next one.
    for _ in range(most_pages):
        page = await client.list_tools(cursor=cursor)
        found += [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None or len(found) >= most_tools:
            break
    return found[:most_tools]


class _Guarded(httpx2.AsyncBaseTransport):
    """The client's transport: each of its requests goes through the guard."""

    def __init__(self, budget: ListingGuard) -> None:
        self._budget = budget

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; a refusal by the guard becomes a connection error, which the client can handle."""
        body = await request.aread()
        headers = {name: value for name, value in request.headers.items() if name not in _SET_BY_SENDER}
        async with AsyncExitStack() as stack:
            ours = HttpRequest(request.method, str(request.url), headers, body or None)
            try:
                status, answered, pieces = await self._budget.open(ours, stack)
            except ConnectError as error:
                raise httpx2.ConnectError("refused or unreachable", request=request) from error
            # The connection now belongs to the body: closing that gives it back.
            return httpx2.Response(
                status, headers=list(answered), stream=_Pieces(pieces, stack.pop_all()), request=request
            )


class _Pieces(httpx2.AsyncByteStream):
    """A response's body while it is read; closing it gives the connection back."""

    def __init__(self, pieces: AsyncIterator[bytes], stack: AsyncExitStack) -> None:
        self._pieces = pieces
        self._stack = stack

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._pieces:
                yield piece
        except ConnectError as error:
            raise httpx2.ReadError("refused or broken off") from error

    async def aclose(self) -> None:
        """End the request and give its connection back."""
        await self._stack.aclose()
