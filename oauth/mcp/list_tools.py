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

# Several times what the largest services list; each tool is stored and shown to admins.
MOST_TOOLS = 500
_MOST_PAGES = 20
# All answers of one listing together: 500 tools of 8 KB.
_MOST_BYTES = 4 * 1024 * 1024
_SECONDS = 20.0


class ToolLister:
    """Lists the tools of services; stateless."""

    def __init__(self, sender: GuardedSender, *, seconds: float = _SECONDS, most_bytes: int = _MOST_BYTES) -> None:
        self._sender = sender
        self._seconds = seconds
        self._most_bytes = most_bytes

    async def list_tools(self, mcp_url: str, token: Secret | None) -> tuple[ListedTool, ...]:
        """Return the tools that the service lists for this token, or without one.

        Raises `CredentialRefused` where the service does not accept the token, else `Unreachable`.
        """
        # `mcp` takes most of a second to import, and nothing else of ours needs it.
        from oauth.mcp.client import FAILURES, list_raw  # noqa: PLC0415

        budget = ListingGuard(self._sender, mcp_url, self._most_bytes)
        try:
            async with asyncio.timeout(self._seconds):
                raw = await list_raw(budget, mcp_url, token, MOST_TOOLS, _MOST_PAGES)
        except TimeoutError as error:
            raise Unreachable("the tools were not listed in time") from error
        except FAILURES as error:
            # What the client makes of a 401 differs by version and step, so the guard remembers that it saw one.
            if budget.is_unauthorized:
                raise CredentialRefused(get_host(mcp_url)) from None
            # `from None`: what the client raises may repeat the service's own text.
            raise Unreachable(budget.refusal or f"the tools cannot be listed: {type(error).__name__}") from None
        # Rules and pins name a tool by its name alone: of two with one name the last is the one that is known.
        tools = {tool.name: tool for tool in map(parse_tool, raw) if tool is not None}
        return tuple(tools.values())
