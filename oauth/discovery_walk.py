"""Walks from an MCP server to its authorization server, request by request (RFC 9728, RFC 8414).

Connecting and an admin's probe walk the same way; how strictly a server's metadata is read is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from oauth.protocol import discovery
from oauth.protocol.discovery import ProtectedResource
from oauth.protocol.http_messages import HttpRequest, HttpResponse
from oauth.protocol.www_authenticate import Challenge

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender

T = TypeVar("T")


async def send_probes(sender: GuardedSender, mcp_url: str) -> list[tuple[HttpRequest, HttpResponse]]:
    """Send messages without a token until one is answered with 401, which is the last one then."""
    sent = []
    # The stateless version too: a server without `initialize` answers that with an error, and this with 401.
    for request in (discovery.build_probe(mcp_url), discovery.build_stateless_probe(mcp_url)):
        answer = await sender.send(request)
        sent.append((request, answer))
        if answer.status == 401:
            break
    return sent


async def find_resource(sender: GuardedSender, mcp_url: str, challenge: Challenge | None) -> ProtectedResource | None:
    """Return the resource's metadata, None where it has none. Raises `RuleBroken`, `UrlRefused`."""
    for url in discovery.build_resource_urls(mcp_url, challenge):
        answer = await sender.send(discovery.build_metadata_request(url, sender.policy))
        resource = discovery.parse_resource(answer, mcp_url, sender.policy)
        if resource is not None:
            return resource
    return None


async def find_server(
    sender: GuardedSender, issuers: Iterable[str], read: Callable[[HttpResponse, str], T | None]
) -> T | None:
    """Return what `read` makes of the first metadata there is, given the response and the issuer it is found under."""
    # The next issuer is asked only where one has no metadata at all, never after a broken rule: whoever can break
    # one answer would choose the server.
    for issuer in issuers:
        for url in discovery.build_issuer_urls(issuer):
            answer = await sender.send(discovery.build_metadata_request(url, sender.policy))
            found = read(answer, issuer)
            if found is not None:
                return found
    return None
