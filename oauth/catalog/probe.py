"""Finds out what is behind an MCP URL, without credentials, for an admin to see before they approve it.

What is shown becomes the pins of the saved service (`oauth/catalog/saved_services.py`). Metadata may deviate more here
than in a connection: each deviation is named as a quirk, which the admin accepts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from oauth.catalog.probe_facts import ConnectWay, Quirk
from oauth.catalog.registrable_domain import list_foreign
from oauth.discovery_walk import find_resource, find_server, send_probes
from oauth.errors import CredentialRefused, NotAnMcpServer, RuleBroken, ServiceMisbehaved, Unreachable, UrlRefused
from oauth.mcp.tool_definitions import ListedTool
from oauth.protocol import discovery
from oauth.protocol.discovery import AuthorizationServer, Pins, ProtectedResource
from oauth.protocol.http_messages import HttpRequest, HttpResponse, parse_json_object
from oauth.protocol.registration import AUTH_METHODS
from oauth.protocol.url_policy import UrlPolicy, get_host, get_origin, get_place, require_url
from oauth.protocol.www_authenticate import Challenge

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender
    from oauth.mcp.list_tools import ToolLister


@dataclass(frozen=True, slots=True)
class Probe:
    """What an MCP URL turned out to be; everything in it is the server's own claim."""

    mcp_url: str
    resource: ProtectedResource | None = None
    """None: it has no metadata, so it can only be connected by a personal token."""
    server: AuthorizationServer | None = None
    found_under: str | None = None
    """The issuer as the resource names it; `server.issuer` is what the server says of itself."""
    quirks: tuple[Quirk, ...] = ()
    tools: tuple[ListedTool, ...] | None = None
    """Its tools, if it lists them without a token; None: they are known once somebody connects."""

    @property
    def host(self) -> str:
        """The host of the MCP URL, in lower case."""
        return get_host(self.mcp_url)

    @property
    def told_name(self) -> str | None:
        """The name that the service gives itself; any server may claim any name."""
        return self.resource.name if self.resource else None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the resource advertises, which may be all that exist."""
        return (self.resource.scopes or ()) if self.resource else ()

    @property
    def endpoint_hosts(self) -> tuple[str, ...]:
        """Every host that browsers and codes would be sent to, sorted."""
        if self.server is None:
            return ()
        return tuple(sorted({get_host(endpoint) for endpoint in discovery.list_endpoints(self.server)}))

    @property
    def foreign_hosts(self) -> tuple[str, ...]:
        """Those hosts, and hosts of issuers, that are on another registrable domain than the MCP URL."""
        # To be shown loudly: a server that sends people to another's sign-in may be that other's own, or may want
        # the tokens for it (docs/reference/oauth.md#client-binding).
        issuers = (self.server.issuer, self.found_under or "") if self.server else ()
        return list_foreign((*self.endpoint_hosts, *(get_host(issuer) for issuer in issuers)), self.host)

    @property
    def ways(self) -> tuple[ConnectWay, ...]:
        """The ways to become its client, best first; pre-registered is always one, if the service agrees."""
        if self.server is None:
            return (ConnectWay.TOKEN,)
        is_public_ok = not self.server.auth_methods or "none" in self.server.auth_methods
        found = [ConnectWay.CLIENT_DOCUMENT] if self.server.takes_client_documents and is_public_ok else []
        if self.server.registration_endpoint is not None:
            found.append(ConnectWay.DYNAMIC)
        return (*found, ConnectWay.PRE_REGISTERED)

    @property
    def needs_client(self) -> bool:
        """Whether an admin must make a client at the service first."""
        return self.ways[0] is ConnectWay.PRE_REGISTERED

    @property
    def pins(self) -> Pins:
        """What every connection is held to, once this is approved."""
        if self.server is None:
            return Pins()
        return Pins(self.server.issuer, self.endpoint_hosts, Quirk.PKCE_UNADVERTISED in self.quirks)

    @property
    def fingerprint(self) -> str:
        """The SHA-256, in hex, of all that is shown: an approval is for exactly this."""
        # Sorted where a server may change the order, so that nobody is asked again for nothing.
        shown = [
            self.mcp_url,
            self.resource and [self.resource.resource, sorted(self.scopes), self.resource.name],
            self.server and [self.server.issuer, self.found_under, sorted(discovery.list_endpoints(self.server))],
            self.ways,
            self.quirks,
        ]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Knock:
    """How the server responds to messages without a token."""

    is_asked: bool = False
    """It demanded a token."""
    challenge: Challenge | None = None
    is_open: bool = False
    """It answered one of them with 200, whatever the body."""
    status: int = 0
    """The first response's HTTP status."""
    moved_to: str = ""
    """Where it redirects to, on its own origin; empty: nowhere."""


@dataclass(frozen=True, slots=True)
class _Inside:
    """What the MCP client finds without a token."""

    is_mcp: bool
    tools: tuple[ListedTool, ...] | None = None


class Prober:
    """Probes MCP URLs through the guarded sender; sends no secret, registers nothing, stores nothing."""

    def __init__(self, sender: GuardedSender, listing: ToolLister) -> None:
        self._sender = sender
        self._listing = listing

    @property
    def policy(self) -> UrlPolicy:
        """The URL policy that a probe keeps to."""
        return self._sender.policy

    async def probe(self, mcp_url: str) -> Probe:
        """Return what is behind the URL.

        Raises `UrlRefused` against the policy, `Unreachable`, `NotAnMcpServer`, and `ServiceMisbehaved`
        (its `service` is the host) for what no pin can excuse: endpoints over http, a resource that is
        another's, no client authentication in common.
        """
        require_url(mcp_url, self._sender.policy)
        host = get_host(mcp_url)
        with _step(host, "discovery"):
            knock = await self._knock(mcp_url)
        # Whatever demands a bearer token is taken for an MCP server; anything else must prove that it speaks MCP.
        inside = (
            _Inside(is_mcp=True) if knock.is_asked and not knock.is_open else await self._look_inside(mcp_url, knock)
        )
        with _step(host, "discovery"):
            resource = await self._find_described(mcp_url, knock, inside)
        mine = [Quirk.OPEN_WITHOUT_TOKEN] if knock.is_open and inside.is_mcp else []
        if resource is None:
            return Probe(mcp_url, quirks=tuple(mine), tools=inside.tools)
        with _step(host, "metadata"):
            found_under, server, quirks = await self._find_server(resource)
        if get_place(resource.resource) != get_place(mcp_url):
            mine.append(Quirk.RESOURCE_IS_WIDER)
        return Probe(mcp_url, resource, server, found_under, tuple(sorted({*mine, *quirks})), inside.tools)

    async def _look_inside(self, mcp_url: str, knock: _Knock) -> _Inside:
        """Speak MCP to a server that did not demand a token at first."""
        try:
            return _Inside(is_mcp=True, tools=await self._listing.list_tools(mcp_url, None))
        except CredentialRefused:
            # It demands a token for its tools only: no fault, they are known once somebody connects.
            return _Inside(is_mcp=knock.is_open)
        except Unreachable:
            return _Inside(is_mcp=False)

    async def _knock(self, mcp_url: str) -> _Knock:
        sent = await send_probes(self._sender, mcp_url)
        moved_to = (_moved_to(answer, mcp_url, self._sender.policy) for _, answer in sent)
        found = _Knock(
            is_open=any(answer.status == 200 for _, answer in sent),
            status=sent[0][1].status,
            moved_to=next(filter(None, moved_to), ""),
        )
        request, answer = sent[-1]
        if answer.status != 401:
            return found
        challenge = discovery.parse_probe(answer)
        # A 401 for another scheme, such as Basic, is a website's, not an MCP server's (MCP authorization).
        is_said = bool(answer.header_values("www-authenticate"))
        is_asked = challenge is not None or not (is_said or await self._asks_for_client(request))
        return replace(found, is_asked=is_asked, challenge=challenge)

    async def _asks_for_client(self, request: HttpRequest) -> bool:
        """Say whether it is a token endpoint, whose 401 asks for a client and for no token (RFC 6749 §5.2)."""
        try:
            # The challenge may be missing there, so only the body tells it from an MCP server.
            answer = await self._sender.send(replace(request, wants_body=True))
            return parse_json_object(answer).get("error") == "invalid_client"
        except (RuleBroken, Unreachable):
            return False

    async def _find_described(self, mcp_url: str, knock: _Knock, inside: _Inside) -> ProtectedResource | None:
        """Return the resource's metadata, None where it has none. Raises `NotAnMcpServer`."""
        not_one = NotAnMcpServer(get_host(mcp_url), knock.status, knock.moved_to)
        is_mcp = knock.is_asked or inside.is_mcp
        try:
            resource = await find_resource(self._sender, mcp_url, knock.challenge)
        except (RuleBroken, UrlRefused):
            # A website that answers everything with its home page: what is broken there is no metadata.
            if not is_mcp:
                raise not_one from None
            raise
        if resource is None and not is_mcp:
            raise not_one
        return resource

    async def _find_server(self, resource: ProtectedResource) -> tuple[str, AuthorizationServer, tuple[Quirk, ...]]:
        def read(answer: HttpResponse, issuer: str) -> tuple[str, AuthorizationServer, tuple[Quirk, ...]] | None:
            found = read_server(answer, issuer, self._sender.policy)
            return found and (issuer, *found)

        found = await find_server(self._sender, resource.issuers, read)
        if found is None:
            raise RuleBroken("RFC 8414 §3: no authorization server metadata")
        return found


def read_server(
    answer: HttpResponse, issuer: str, policy: UrlPolicy
) -> tuple[AuthorizationServer, tuple[Quirk, ...]] | None:
    """Return the server's metadata with the quirks that a pin must excuse; None where there is none (4xx).

    Raises `RuleBroken`, `UrlRefused` for what no pin excuses, as in a connection.
    """
    # Pins are made from what it says, then it is judged by the same parser as in a connection: so what is
    # approved here is accepted there, and nothing else.
    if 400 <= answer.status < 500:
        return None
    quirks, pins = [], Pins()
    document = parse_json_object(answer) if answer.status == 200 else {}
    claimed = document.get("issuer")
    if answer.status == 200 and claimed != issuer:
        pins = replace(pins, trusted_issuer=require_url(claimed, policy))
        quirks.append(Quirk.ISSUER_DIFFERS)
    if document.get("code_challenge_methods_supported") is None:
        pins = replace(pins, pkce_unadvertised_ok=True)
        quirks.append(Quirk.PKCE_UNADVERTISED)
    server = discovery.parse_server(answer, issuer, pins, policy)
    if server is None:
        return None
    if server.auth_methods and not set(server.auth_methods) & set(AUTH_METHODS):
        raise RuleBroken("RFC 8414 §2: no client authentication in common")
    return server, tuple(quirks)


def _moved_to(answer: HttpResponse, mcp_url: str, policy: UrlPolicy) -> str:
    """Return where a redirect leads, if that is an allowed URL of the same origin; empty otherwise."""
    # Only shown, never followed: the admin may type the right URL then. Another origin's would be advertising.
    locations = answer.header_values("location") if 300 <= answer.status < 400 else ()
    if len(locations) != 1:
        return ""
    try:
        url = require_url(urljoin(mcp_url, locations[0]), policy)
    except (UrlRefused, ValueError):
        return ""
    return url if get_origin(url) == get_origin(mcp_url) and url != mcp_url else ""


@contextmanager
def _step(host: str, name: str) -> Iterator[None]:
    try:
        yield
    except (RuleBroken, UrlRefused) as error:
        raise ServiceMisbehaved(host, name, error.rule) from error
