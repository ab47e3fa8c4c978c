"""A remote service people connect: "Notes", an MCP server (streamable HTTP) behind OAuth 2.1, made with the mcp SDK."""
