"""The client that the conformance suite drives: `oauth`'s own code, and of its neighbours what it needs.

Here is only what the browser does (follow the authorize redirect to where it leads), what the vault does
(keep the token) and what the agent does (call the MCP server with it, by the stateless lifecycle of
2026-07-28). Which scenarios there are and how each must end is for `__main__.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oauth.catalog.service import Service
from oauth.connect.browser import new_secret
from oauth.connect.service_client import ServiceClient
from oauth.errors import ConnectError, RuleBroken, ServiceDeclined
from oauth.guarded_http import GuardedSender
from oauth.protocol.authorization import (
    AuthorizationCode,
    EarlierRequest,
    build_authorization_url,
    parse_callback,
    parse_state,
)
from oauth.protocol.discovery import USER_AGENT, Pins
from oauth.protocol.http_messages import HttpRequest, HttpResponse
from oauth.protocol.registration import PreRegistered, RegisteredClient
from oauth.protocol.tokens import CodeExchange
from oauth.protocol.url_policy import UrlPolicy, get_host
from oauth.protocol.www_authenticate import Challenge, find_bearer
from store.database import Database
from store.records import Secret, ServiceName
from tests.conformance.settings import DATABASE, KEY, REVISION

OUR_DOCUMENT = "https://conformance-test.local/client-metadata.json"
"""Where the suite wants a client id metadata document to be; it never asks for it there."""


class PublishedClient(RegisteredClient):
    """Our client in the one scenario where the address of its document is the suite's, not ours."""

    @property
    def document_url(self) -> str | None:
        return OUR_DOCUMENT


class DrivenServers(ServiceClient):
    """`ServiceClient`, except for the address of that document."""

    def build_client(self, service: Service) -> RegisteredClient:
        client = super().build_client(service)
        if os.environ["MCP_CONFORMANCE_SCENARIO"] != "auth/basic-cimd":
            return client
        return PublishedClient(service.name, client.redirect_uri, client.base_url, None, None)


@dataclass
class Driver:
    """One client of one MCP server."""

    service: Service
    servers: ServiceClient
    sender: GuardedSender
    token: Secret | None = None
    earlier: EarlierRequest | None = None

    async def use(self, method: str, **params: Any) -> None:
        """Call the MCP server until it is content with our token; as often as `oauth` allows."""
        while (challenge := _read_refusal(await self._call(method, params))) is not None:
            await self.authorize(challenge)

    async def authorize(self, challenge: Challenge) -> None:
        """Get a token: all decisions are `oauth`'s, the redirect in the middle is the browser's."""
        is_more_wanted = challenge.params.get("error") == "insufficient_scope"
        earlier = self.earlier if is_more_wanted else None
        if earlier is not None:
            earlier = EarlierRequest(earlier.scope, earlier.attempts, challenge)
        prepared = await self.servers.prepare(self.service, datetime.now(UTC), earlier)
        state, verifier = new_secret(), Secret(new_secret())
        url = build_authorization_url(prepared.server, prepared.ask, state, verifier)
        pairs = await self._visit(url)
        if parse_state(pairs) != state:
            raise RuleBroken("RFC 6749 §10.12: state is another's")
        answer = parse_callback(pairs, prepared.server.issuer, iss_required=prepared.server.sends_iss)
        if not isinstance(answer, AuthorizationCode):
            raise ServiceDeclined(self.service.name, "authorization", answer.code)
        registered = prepared.registration
        exchange = CodeExchange(
            token_endpoint=prepared.server.token_endpoint,
            client_id=registered.client_id,
            client_secret=registered.client_secret,
            auth_method=registered.auth_method,
            redirect_uri=registered.redirect_uri,
            resource=prepared.ask.resource,
            verifier=verifier,
        )
        tokens = await self.servers.exchange(self.service, prepared.server.issuer, exchange, answer.code)
        self.token = tokens.access_token
        self.earlier = EarlierRequest(prepared.ask.scope, 1 + (earlier.attempts if earlier else 0))

    async def _visit(self, url: str) -> list[tuple[str, str]]:
        answer = await self.sender.send(HttpRequest("GET", url))
        [location] = answer.header_values("location")
        return parse_qsl(urlsplit(location).query, keep_blank_values=True)

    async def _call(self, method: str, params: dict[str, Any]) -> HttpResponse:
        meta = {
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": {"name": "deputy-conformance", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        headers = {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "mcp-protocol-version": REVISION,
            "mcp-method": method,
            "user-agent": USER_AGENT,
        }
        if "name" in params:
            headers["mcp-name"] = params["name"]
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token.reveal()}"
        return await self.sender.send(HttpRequest("POST", self.service.mcp_url, headers, json.dumps(message).encode()))


def _read_refusal(answer: HttpResponse) -> Challenge | None:
    """Return the challenge of a refused call (RFC 6750 §3), None where the call went through."""
    if answer.status in (401, 403):
        return find_bearer(answer.header_values("www-authenticate")) or Challenge("bearer", {})
    if answer.status != 200:
        raise RuleBroken(f"MCP: {answer.status} to a call")
    return None


def build_service(url: str, context: dict[str, Any]) -> Service:
    """Return what the catalogue would say of the suite's server."""
    client = None
    pins = Pins()
    if "client_id" in context:
        client = PreRegistered(context["client_id"], Secret(context["client_secret"]))
        pins = Pins(trusted_issuer=context["issuer"], endpoint_hosts=(get_host(context["issuer"]),))
    return Service(ServiceName("conformance"), "Conformance", url, None, pins=pins, client=client)


async def drive(url: str, database: Database) -> None:
    """Connect and use the server's tool, twice: between the two it may change its mind."""
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    async with GuardedSender(UrlPolicy(allow_loopback=True)) as sender:
        servers = DrivenServers(sender=sender, database=database, base_url="http://127.0.0.1:9")
        driver = Driver(build_service(url, context), servers, sender)
        await driver.use("tools/list")
        await driver.use("tools/call", name="test-tool", arguments={})
        await driver.use("tools/list")


async def main(url: str) -> int:
    """Drive, and say on the last line how it ended: `connected`, or the class of what was refused."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.environ[DATABASE], Path(folder) / "deputy.db")
        database = Database.open(f"sqlite:///{folder}/deputy.db", (Secret(os.environ[KEY]),))
        try:
            await drive(url, database)
        except ConnectError as error:
            print(f"refused: {error!r}")
            return 1
        finally:
            await database.close()
    print("connected")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[-1])))
