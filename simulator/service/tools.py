"""The MCP server: six tools over the notes of the account whose token came with the call.

Records every call; the token itself is checked before (door.py, authority.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools.base import Tool as ServedTool
from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import AnyHttpUrl

from simulator.service.authority import Authority
from simulator.service.quirks import Quirks

READ = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
WRITE = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
DELETE = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
WRITING_TOOLS = frozenset({"write_note", "delete_note"})
LONGEST_TEXT = 100_000


@dataclass
class Call:
    """One tool call: whose token did what."""

    at: float
    account: str
    client_id: str
    token: str = field(repr=False)
    tool: str
    arguments: dict[str, Any]
    error: str | None = None


class NotesTools:
    """What the tools do, for the account of the current request."""

    def __init__(self, accounts: dict[str, dict[str, str]]) -> None:
        self._accounts = accounts

    def _mine(self) -> dict[str, str]:
        return self._accounts[account_of_request()]

    async def list_notes(self) -> list[str]:
        """List the titles of all your notes."""
        return list(self._mine())

    async def read_note(self, title: str) -> str:
        """Read one note by its title."""
        notes = self._mine()
        if title not in notes:
            raise ToolError(f"There is no note called {title!r}.")
        return notes[title]

    async def search_notes(self, query: str) -> list[str]:
        """Find notes whose title or text contains the words; returns titles."""
        words = query.lower().split()
        return [t for t, text in self._mine().items() if all(w in f"{t} {text}".lower() for w in words)]

    async def write_note(self, title: str, text: str) -> str:
        """Write a note; a note with the same title is replaced."""
        if not title.strip():
            raise ToolError("A note needs a title.")
        if len(title) > 200 or len(text) > LONGEST_TEXT:
            raise ToolError("The note is too long.")
        self._mine()[title] = text
        return f"Saved “{title}”."

    async def delete_note(self, title: str) -> str:
        """Delete one note by its title."""
        if self._mine().pop(title, None) is None:
            raise ToolError(f"There is no note called {title!r}.")
        return f"Deleted “{title}”."

    async def whoami(self) -> str:
        """Say which account is signed in."""
        return account_of_request()


TOOLS = {
    "list_notes": ("List notes", READ),
    "read_note": ("Read a note", READ),
    "search_notes": ("Search notes", READ),
    "whoami": ("Who am I", READ),
    "write_note": ("Write a note", WRITE),
    "delete_note": ("Delete a note", DELETE),
}


@cache
def _described() -> tuple[ServedTool, ...]:
    """Return the tools of nobody's notes: their schemas take as long to make as a server does to start."""
    nobodys = NotesTools({})
    return tuple(
        ServedTool.from_function(getattr(nobodys, name), title=title, annotations=annotations)
        for name, (title, annotations) in TOOLS.items()
    )


def account_of_request() -> str:
    """Return the account of the bearer token of the request being answered."""
    token = get_access_token()
    if token is None or not token.subject:
        raise ToolError("Nobody is signed in.")
    return token.subject


class NotesServer(MCPServer[Any]):
    """The SDK's server, with the scenario's changes to its tools and a record of its calls."""

    def __init__(
        self,
        quirks: Quirks,
        authority: Authority,
        accounts: dict[str, dict[str, str]],
        record: Callable[[str, dict[str, Any]], Call],
        mcp_url: str,
    ) -> None:
        super().__init__(
            "notes",
            title=quirks.service_title,
            instructions="Notes of one person. Titles are unique.",
            version="1.4.0",
            tools=[tool.model_copy(update={"fn": getattr(NotesTools(accounts), tool.name)}) for tool in _described()],
            token_verifier=authority,
            log_level="CRITICAL",
            auth=AuthSettings(
                issuer_url=AnyHttpUrl(authority.issuer),
                resource_server_url=AnyHttpUrl(mcp_url),
                validate_token_resource=False,  # the authority does, and knows the scenario's resource names
            ),
        )
        self._quirks = quirks
        self._record = record

    async def list_tools(self) -> list[Tool]:
        """Return the tools as this scenario has them."""
        shown = [tool for tool in await super().list_tools() if tool.name not in self._quirks.hidden_tools]
        for tool in shown:
            tool.description = self._quirks.tool_descriptions.get(tool.name, tool.description)
            tool.title = self._quirks.tool_titles.get(tool.name, tool.title)
            tool.input_schema = self._quirks.tool_schemas.get(tool.name, tool.input_schema)
        extra = [
            Tool(name=name, description=description, input_schema={"type": "object", "properties": {}})
            for name, description in self._quirks.extra_tools.items()
        ]
        return shown + extra

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Run the tool and record whose token ran it."""
        call = self._record(name, arguments)
        call.error = self._quirks.failing_tools.get(name)
        if call.error is not None:
            raise ToolError(call.error)
        try:
            if name in self._quirks.extra_tools:
                return CallToolResult(content=[TextContent(type="text", text=name)])
            return await super().call_tool(name, arguments, context)
        except ToolError as problem:
            call.error = str(problem)
            raise
