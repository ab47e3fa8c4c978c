"""Finds an MCP server's authorization server from RFC 9728 and RFC 8414 metadata; pure.

`oauth/discovery_walk.py` sends the requests, one candidate after another.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9207 import AuthorizationServerMetadata as IssuerMetadata

from oauth.errors import RuleBroken, UrlRefused
from oauth.protocol.http_messages import HttpRequest, HttpResponse, parse_json_object
from oauth.protocol.url_policy import (
    UrlPolicy,
    get_host,
    insert_well_known,
    is_resource_of,
    require_url,
    urlsplit_strictly,
)
from oauth.protocol.www_authenticate import Challenge, find_bearer

USER_AGENT = "Deputy/0.1 (OAuth client)"
_OURSELVES = {"name": "Deputy", "version": "0.1"}
_WITH_INITIALIZE = "2025-11-25"
_STATELESS = "2026-07-28"  # the first version without `initialize`
_METADATA = {"accept": "application/json", "user-agent": USER_AGENT}
_OURS = frozenset(
    {
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "state",
    }
)
"""Parameters that no endpoint may carry in its own query; `resource` and `scope` there are replaced by ours."""
_VALIDATED = (
    "issuer",
    "grant_types_supported",
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "token_endpoint_auth_methods_supported",
    "code_challenge_methods_supported",
    "scopes_supported",
)
"""The fields that we read. Authlib's `validate()` would refuse a server for one that we do not read."""
# Each issuer costs up to three requests, and the resource's server chooses how many it names.
_MAX_SERVERS = 8
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """What we use of a protected resource's metadata (RFC 9728 §2)."""

    resource: str
    issuers: tuple[str, ...]
    scopes: tuple[str, ...] | None
    name: str | None = None
    """`resource_name`, if it can be shown: self-chosen and unverified, for admins only."""


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """An authorization server's metadata, checked (RFC 8414 §2, OpenID Connect Discovery §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str | None
    revocation_endpoint: str | None
    auth_methods: tuple[str, ...]
    takes_client_documents: bool
    sends_iss: bool
    scopes: tuple[str, ...]
    userinfo_endpoint: str | None = None
    """Where it says whose a token is (OpenID Connect Discovery §3); None where it may not be asked."""


@dataclass(frozen=True, slots=True)
class Pins:
    """What the catalogue expects of a service's metadata (docs/reference/oauth.md#pinned-issuers)."""

    trusted_issuer: str | None = None
    """The exact `issuer` in its metadata, where that differs from the one that leads to it."""
    endpoint_hosts: tuple[str, ...] = ()
    """The hosts that its endpoints may be on; required with `trusted_issuer`; empty: any."""
    pkce_unadvertised_ok: bool = False
    """It supports S256 without advertising it; we send it in any case."""


def build_probe(mcp_url: str) -> HttpRequest:
    """Return an `initialize` without a token, for the challenge in its response (MCP authorization)."""
    params = {"protocolVersion": _WITH_INITIALIZE, "capabilities": {}, "clientInfo": _OURSELVES}
    return _build_message(mcp_url, "initialize", params, {})


def build_stateless_probe(mcp_url: str) -> HttpRequest:
    """Return a `tools/list` without a token, for servers without `initialize` (MCP 2026-07-28).

    Version and capabilities are then in the `_meta` and the headers of every request.
    """
    meta = {
        "io.modelcontextprotocol/protocolVersion": _STATELESS,
        "io.modelcontextprotocol/clientInfo": _OURSELVES,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = {"mcp-protocol-version": _STATELESS, "mcp-method": "tools/list"}
    return _build_message(mcp_url, "tools/list", {"_meta": meta}, headers)


def _build_message(mcp_url: str, method: str, params: dict[str, Any], more: dict[str, str]) -> HttpRequest:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        **more,
    }
    # Without the body: status and challenge are all we need, and an open server may answer with an endless stream.
    return HttpRequest("POST", mcp_url, headers, json.dumps(message).encode(), wants_body=False)


def parse_probe(answer: HttpResponse) -> Challenge | None:
    """Return the Bearer challenge of a 401, None for any other response. Raises `RuleBroken`."""
    # Not every server challenges: Google's answer 200, Slack's 400 where MCP is off. The well-known URLs decide then.
    return find_bearer(answer.header_values("www-authenticate")) if answer.status == 401 else None


def build_resource_urls(mcp_url: str, challenge: Challenge | None) -> tuple[str, ...]:
    """Return the URLs that may have the resource metadata, in order (RFC 9728 §3.1, §5.1)."""
    if challenge is not None and "resource_metadata" in challenge.params:
        # This one alone: falling back to the root could find another resource's (the conformance suite fails it).
        return (challenge.params["resource_metadata"],)
    with_path = insert_well_known(mcp_url, "oauth-protected-resource")
    at_root = f"{with_path.partition('/.well-known/')[0]}/.well-known/oauth-protected-resource"
    return tuple(dict.fromkeys((with_path, at_root)))


def build_issuer_urls(issuer: str) -> tuple[str, ...]:
    """Return the URLs that may have the server's metadata, in MCP's order (RFC 8414 §3.1)."""
    # For an issuer with a path never the one at the root: that is another issuer's, such as another tenant's.
    oauth = insert_well_known(issuer, "oauth-authorization-server")
    openid = insert_well_known(issuer, "openid-configuration")
    if urlsplit_strictly(issuer).path in ("", "/"):
        return oauth, openid
    return oauth, openid, f"{issuer.removesuffix('/')}/.well-known/openid-configuration"


def build_metadata_request(url: str, policy: UrlPolicy) -> HttpRequest:
    """Return the GET for a metadata document; raises `UrlRefused`."""
    return HttpRequest("GET", require_url(url, policy), _METADATA)


def parse_resource(answer: HttpResponse, mcp_url: str, policy: UrlPolicy) -> ProtectedResource | None:
    """Return the resource's metadata, None where there is none (4xx). Raises `RuleBroken`, `UrlRefused`."""
    document = _parse_document(answer)
    if document is None:
        return None
    # A server that claims another's resource would be given that one's tokens (RFC 9728 §7.3).
    resource = require_url(document.get("resource"), policy)
    if not is_resource_of(resource, mcp_url):
        raise RuleBroken("RFC 9728 §3.3: resource is another's")
    issuers = _strings(document, "authorization_servers")
    if not issuers or len(issuers) > _MAX_SERVERS:
        raise RuleBroken("RFC 9728 §2 with MCP: no usable authorization_servers")
    scopes = _strings(document, "scopes_supported") if document.get("scopes_supported") is not None else None
    name = document.get("resource_name")
    shown = name if isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME else None
    return ProtectedResource(resource, tuple(require_url(issuer, policy) for issuer in issuers), scopes, shown)


def parse_server(answer: HttpResponse, issuer: str, pins: Pins, policy: UrlPolicy) -> AuthorizationServer | None:
    """Return the server's metadata, None where there is none (4xx). Raises `RuleBroken`, `UrlRefused`."""
    document = _parse_document(answer)
    if document is None:
        return None
    # Identical as strings: no case folding, no trailing slash, no default port (RFC 8414 §3.3).
    if document.get("issuer") != (pins.trusted_issuer or issuer):
        raise RuleBroken("RFC 8414 §3.3: issuer differs")
    _require_valid(document)
    _require_pkce(document, pins)
    server = AuthorizationServer(
        issuer=document["issuer"],
        authorization_endpoint=require_url(document.get("authorization_endpoint"), policy),
        token_endpoint=require_url(document.get("token_endpoint"), policy),
        registration_endpoint=_optional(document, "registration_endpoint", policy),
        revocation_endpoint=_optional(document, "revocation_endpoint", policy),
        # RFC 8414 §2: absent means client_secret_basic, which a public client takes for `none`.
        auth_methods=_strings(document, "token_endpoint_auth_methods_supported"),
        # `is True`: a text such as "false" must switch nothing on.
        takes_client_documents=document.get("client_id_metadata_document_supported") is True,
        sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
        scopes=_strings(document, "scopes_supported"),
        userinfo_endpoint=_find_userinfo(document, pins, policy),
    )
    _require_hosts(server, pins)
    _require_clean_query(server.authorization_endpoint)
    return server


def _parse_document(answer: HttpResponse) -> dict[str, Any] | None:
    if 400 <= answer.status < 500:
        return None
    if answer.status != 200:
        # Not "none here": going on to the next issuer would let whoever can break one choose another.
        raise RuleBroken("RFC 8414 §3.2: neither 200 nor 4xx")
    return parse_json_object(answer)


def _strings(document: dict[str, Any], key: str) -> tuple[str, ...]:
    found = document.get(key)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise RuleBroken(f"RFC 8414 §2: {key} is not a list of strings")
    return tuple(found)


def _require_valid(document: dict[str, Any]) -> None:
    """Have Authlib judge the fields that we read; hosts, ports and items are ours to judge (docs/decisions/0050)."""
    given = {key: value for key, value in document.items() if value is not None}  # null is how some leave a field out
    metadata, of_issuer = AuthorizationServerMetadata(given), IssuerMetadata(given)
    checks = [(key, getattr(metadata, f"validate_{key}")) for key in _VALIDATED]
    checks.append(("iss parameter", of_issuer.validate_authorization_response_iss_parameter_supported))
    for key, check in checks:
        try:
            check()
        except (ValueError, TypeError, AttributeError) as error:  # Authlib does not ask whether a URL is a string
            raise RuleBroken(f"RFC 8414 §2: {key} unusable") from error


def _require_pkce(document: dict[str, Any], pins: Pins) -> None:
    methods = _strings(document, "code_challenge_methods_supported")
    # The pin excuses silence (AWS Cognito), never a list without S256: that server says it cannot.
    if not methods and pins.pkce_unadvertised_ok:
        return
    if "S256" not in methods:
        raise RuleBroken("RFC 7636 with MCP: S256 not advertised")


def _optional(document: dict[str, Any], key: str, policy: UrlPolicy) -> str | None:
    # An empty string is how some servers leave a field out.
    return require_url(document[key], policy) if document.get(key) not in (None, "") else None


def _find_userinfo(document: dict[str, Any], pins: Pins, policy: UrlPolicy) -> str | None:
    # Only a label comes of it, so an endpoint that is against a rule or a pin is left out and refuses nothing.
    try:
        endpoint = _optional(document, "userinfo_endpoint", policy)
    except UrlRefused:
        return None
    is_elsewhere = endpoint and pins.endpoint_hosts and get_host(endpoint) not in pins.endpoint_hosts
    return None if is_elsewhere else endpoint


def list_endpoints(server: AuthorizationServer) -> tuple[str, ...]:
    """Return every URL of the server that browsers, codes or tokens are sent to."""
    endpoints: Collection[str | None] = (
        server.authorization_endpoint,
        server.token_endpoint,
        server.registration_endpoint,
        server.revocation_endpoint,
        server.userinfo_endpoint,
    )
    return tuple(endpoint for endpoint in endpoints if endpoint)


def _require_hosts(server: AuthorizationServer, pins: Pins) -> None:
    hosts = {get_host(endpoint) for endpoint in list_endpoints(server)}
    if pins.endpoint_hosts and not hosts <= set(pins.endpoint_hosts):
        raise RuleBroken("docs/reference/oauth.md#pinned-issuers: endpoint on a host that is not pinned")


def _require_clean_query(endpoint: str) -> None:
    # A query is legal there (RFC 6749 §3.1), but one with our parameters could send its own `redirect_uri` or `state`.
    query = urlsplit_strictly(endpoint).query
    if _OURS & {name for name, _ in parse_qsl(query, keep_blank_values=True)}:
        raise RuleBroken("RFC 6749 §3.1: endpoint carries request parameters")
