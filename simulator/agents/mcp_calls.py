"""Real MCP calls over streamable HTTP, with the credential that the session's vaults have for the server."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from simulator.agents.refreshing import is_expired, refresh
from simulator.agents.state import Credential, Json, Session, Vault, World

PROTOCOL = "2025-11-25"
PORTS = {"http": 80, "https": 443}


class McpTrouble(Exception):
    """A server could not be used; `kind` is the session error's type."""

    def __init__(self, kind: str, message: str, response: httpx2.Response | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.response = response


AUTHENTICATION = "mcp_authentication_failed_error"
CONNECTION = "mcp_connection_failed_error"


def normalised(url: str) -> str:
    """Return the URL in the form in which the API matches credentials: without case, default port and last slash."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port and parts.port != PORTS.get(scheme) else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{host}{port}{parts.path.rstrip('/')}{query}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Authority:
    """The credential that a call uses, and its vault."""

    vault: Vault
    credential: Credential

    @property
    def token(self) -> str:
        """The bearer token."""
        auth = self.credential.auth
        return str(auth["token"] if auth["type"] == "static_bearer" else auth["access_token"])


class McpCalls:
    """Lists and calls the tools of MCP servers for sessions."""

    def __init__(self, world: World, http: httpx2.AsyncClient) -> None:
        self._world = world
        self._http = http

    def authority(self, session: Session, url: str) -> Authority | None:
        """Return the first credential for the URL, in the order of the session's vaults; None if there is none."""
        for vault_id in session.vault_ids:
            vault = self._world.vaults.get(vault_id)
            if vault is None or vault.archived_at is not None:
                continue
            for credential in vault.credentials.values():
                stored = credential.auth.get("mcp_server_url")
                if stored and credential.archived_at is None and normalised(stored) == normalised(url):
                    return Authority(vault, credential)
        return None

    def _check_egress(self, session: Session, url: str) -> None:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" and not (self._world.allow_loopback and _is_loopback(host)):
            raise McpTrouble(CONNECTION, "only https servers can be reached")
        environment = self._world.environments.get(session.environment_id)
        network = environment.config.get("networking", {}) if environment else {}
        if network.get("type") != "limited" or network["allow_mcp_servers"] or host in network["allowed_hosts"]:
            return
        raise McpTrouble(CONNECTION, "egress to this host is blocked by the environment's networking")

    async def _authorised(self, session: Session, url: str) -> Authority | None:
        # Without a credential the server is tried all the same: it may be open, or its 401 says what is missing.
        found = self.authority(session, url)
        if found and is_expired(found.credential, self._world.now()):
            refreshed = await refresh(self._world, self._http, found.credential)
            if refreshed["status"] != "succeeded":
                raise McpTrouble(AUTHENTICATION, "the credential has expired and could not be refreshed")
        return found

    async def list_tools(self, session: Session, server: Json) -> list[Json]:
        """Open the server and return its tools. Raises McpTrouble."""
        self._check_egress(session, server["url"])
        authority = await self._authorised(session, server["url"])
        connection = Connection(self._http, server["url"], authority.token if authority else None)
        try:
            await connection.open()
            tools: list[Json] = (await connection.ask("tools/list", {})).get("tools", [])
        except McpTrouble as trouble:
            if authority is None and trouble.kind == AUTHENTICATION:
                raise McpTrouble(
                    AUTHENTICATION,
                    f"MCP server '{server['name']}' initialize failed: no credential is stored for this server URL",
                ) from trouble
            raise
        finally:
            await connection.close()
        return tools

    async def call(
        self, session: Session, server: Json, tool: str, arguments: Json, tool_use_id: str
    ) -> tuple[str, bool]:
        """Call the tool; return its text and whether it is an error. Writes the authority log either way."""
        authority: Authority | None = None
        try:
            self._check_egress(session, server["url"])
            authority = await self._authorised(session, server["url"])
            text, is_error = await self._call(server["url"], authority, tool, arguments)
        except McpTrouble as trouble:
            text, is_error = trouble.message, True
        self._world.log(
            "mcp_call",
            session,
            vault_id=authority.vault.id if authority else None,
            vault_metadata=dict(authority.vault.metadata) if authority else {},
            credential_id=authority.credential.id if authority else None,
            server_url=server["url"],
            tool=tool,
            tool_use_id=tool_use_id,
            arguments=arguments,
            is_error=is_error,
        )
        return text, is_error

    async def _call(self, url: str, authority: Authority | None, tool: str, arguments: Json) -> tuple[str, bool]:
        connection = Connection(self._http, url, authority.token if authority else None)
        try:
            await connection.open()
            result = await connection.ask("tools/call", {"name": tool, "arguments": arguments})
        finally:
            await connection.close()
        texts = [block["text"] for block in result.get("content", []) if block.get("type") == "text"]
        return "\n".join(texts), bool(result.get("isError", False))


class Connection:
    """One MCP session over streamable HTTP: initialize, ask, delete."""

    def __init__(self, http: httpx2.AsyncClient, url: str, token: str | None) -> None:
        self._http = http
        self._url = url
        self._headers = {"accept": "application/json, text/event-stream"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        self._next = 0
        self.last: httpx2.Response | None = None

    async def open(self) -> None:
        """Send `initialize` and `notifications/initialized`. Raises McpTrouble."""
        hello = {
            "protocolVersion": PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "managed-agents-simulator", "version": "1"},
        }
        agreed = await self.ask("initialize", hello)
        if self.last is not None and "mcp-session-id" in self.last.headers:
            self._headers["mcp-session-id"] = self.last.headers["mcp-session-id"]
        self._headers["mcp-protocol-version"] = str(agreed.get("protocolVersion", PROTOCOL))
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def ask(self, method: str, params: Json) -> Json:
        """Return the result of one JSON-RPC request. Raises McpTrouble."""
        self._next += 1
        response = await self._post({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        message = _message(response, self._next)
        if "error" in message:
            raise McpTrouble(CONNECTION, f"{method} failed: {message['error'].get('message', '')}", response)
        result: Json = message.get("result", {})
        return result

    async def _post(self, message: Json) -> httpx2.Response:
        try:
            response = await self._http.post(self._url, json=message, headers=self._headers)
        except httpx2.HTTPError as error:
            raise McpTrouble(CONNECTION, f"the server cannot be reached: {type(error).__name__}") from error
        self.last = response
        if response.status_code in (401, 403):
            raise McpTrouble(AUTHENTICATION, f"the server answered {response.status_code}", response)
        if response.status_code >= 400:
            raise McpTrouble(CONNECTION, f"the server answered {response.status_code}", response)
        return response

    async def close(self) -> None:
        """End the MCP session, if the server gave it an id; its response does not matter."""
        if "mcp-session-id" not in self._headers:
            return
        try:
            await self._http.delete(self._url, headers=self._headers)
        except httpx2.HTTPError:
            return


def _message(response: httpx2.Response, number: int) -> Json:
    kind = response.headers.get("content-type", "")
    try:
        if not kind.startswith("text/event-stream"):
            found: Any = response.json()
            return found if isinstance(found, dict) else {}
        messages = [
            json.loads(line[5:]) for line in response.text.splitlines() if line.startswith("data:") and line[5:].strip()
        ]
    except ValueError as error:
        raise McpTrouble(CONNECTION, "the server's answer cannot be read", response) from error
    return next((message for message in messages if message.get("id") == number), {})
