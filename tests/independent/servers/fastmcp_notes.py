"""Notes behind FastMCP's own OAuth provider, which keeps everything in memory."""

from __future__ import annotations

import sys

from fastmcp import FastMCP
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions

port, registration, _ = int(sys.argv[1]), sys.argv[2], sys.argv[3]
provider = InMemoryOAuthProvider(
    base_url=f"http://127.0.0.1:{port}",
    client_registration_options=ClientRegistrationOptions(
        enabled=registration != "closed", valid_scopes=["notes" if registration == "open" else "of_others"]
    ),
    revocation_options=RevocationOptions(enabled=True),
    required_scopes=["notes"],
)
server = FastMCP("Notes", auth=provider)


@server.tool(annotations={"readOnlyHint": True})
def list_notes() -> list[str]:
    """List the titles of all your notes."""
    return ["Independent"]


@server.tool(annotations={"readOnlyHint": True})
def read_note(title: str) -> str:
    """Read one note by its title."""
    return f"{title} was written by nobody of us."


server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
