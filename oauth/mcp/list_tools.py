"""Lists a service's tools with the official MCP client, over the guarded sender.

The client opens no connection itself: every request goes through `oauth/guarded_http.py`, to the MCP URL only,
follows no redirect, and is limited in time, bytes, pages and tools.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from oauth.errors import CredentialRefused, Unreachable
from oauth.mcp.listing_guard import ListingGuard
from oauth.mcp.tool_definitions import ListedTool, parse_tool
from oauth.protocol.url_policy import get_host

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender
    from store.records import Secret

MOST_TOOLS = 500
_MOST_PAGES = 20
_MOST_BYTES = 4 * 1024 * 1024
_SECONDS = 20.0


class ToolLister:
    """Lists tools of services; stateless."""

    def __init__(self, sender: GuardedSender, *, seconds: float = _SECONDS, most_bytes: int = _MOST_BYTES) -> None:
        self._sender = sender
        self._seconds = seconds
        self._most_bytes = most_bytes

    async def list_tools(self, mcp_url: str, token: Secret | None) -> tuple[ListedTool, ...]:
        """Return the service's tools as this token sees them; None asks without one.

        Raises `CredentialRefused` where the service does not take the token, else `Unreachable`.
        """
        # mcp takes most of a second to import, and nothing else of ours needs it.
        from oauth.mcp.client import FAILURES, list_raw  # noqa: PLC0415

        budget = ListingGuard(self._sender, mcp_url, self._most_bytes)
        try:
            async with asyncio.timeout(self._seconds):
                raw = await list_raw(budget, mcp_url, token, MOST_TOOLS, _MOST_PAGES)
        except TimeoutError as error:
            raise Unreachable("the tools were not listed in time") from error
        except FAILURES as error:
            if budget.is_unauthorized:
                raise CredentialRefused(get_host(mcp_url)) from None
            # `from None`: what the client raises may repeat what the service said.
            raise Unreachable(budget.refusal or f"the tools cannot be listed: {type(error).__name__}") from None
        tools = {tool.name: tool for tool in map(parse_tool, raw) if tool is not None}
        return tuple(tools.values())
