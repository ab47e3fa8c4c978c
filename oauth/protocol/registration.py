"""Becoming a service's client: pre-registered, client id metadata document, or RFC 7591; pure.

`oauth/connect/service_client.py` stores a registration and lets attempts share it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oauth.errors import NoRegistration, RuleBroken
from oauth.protocol.discovery import USER_AGENT, AuthorizationServer
from oauth.protocol.http_messages import HttpRequest, HttpResponse, parse_json_object
from oauth.protocol.url_policy import get_origin
from store.records import Registration, Secret, ServiceName

# Post before basic: clients differ on form-encoding before base64 (RFC 6749 §2.3.1), and Anthropic's is not known.
AUTH_METHODS = ("none", "client_secret_post", "client_secret_basic")
"""The client authentication that we can do and a vault can store, best first."""
# Some servers end a client after 90 days without telling it, and nobody can refresh with one that has ended. A week
# leaves a connection most of that time without a new client each day (docs/reference/oauth.md#clients-that-expire).
_REUSABLE_FOR = timedelta(days=7)
# Longer than an attempt takes, so that the client outlives it.
_SAFE_MARGIN = timedelta(hours=1)
_CLIENT_ID = re.compile(r"[\x20-\x7e]{1,2048}")  # RFC 6749 appendix A.1
_SECRET = re.compile(r"[\x20-\x7e]{1,4096}")  # RFC 6749 appendix A.2


@dataclass(frozen=True, slots=True)
class PreRegistered:
    """Our client at a service, made by the operator in the service's own settings."""

    client_id: str
    client_secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """Who we are for one service, before its issuer is known."""

    service: ServiceName
    redirect_uri: str
    base_url: str
    pre_registered: PreRegistered | None
    trusted_issuer: str | None
    """The issuer that the pre-registered client belongs to, by the catalogue."""

    @property
    def document_url(self) -> str | None:
        """The URL of our client id metadata document; None where a service could not fetch it (no public https)."""
        is_public = self.base_url.startswith("https://") and get_origin(self.base_url)[2] == 443
        return f"{self.base_url}/oauth/client/{self.service}.json" if is_public else None


def choose_registration(client: RegisteredClient, server: AuthorizationServer, now: datetime) -> Registration | None:
    """Return the registration that needs no request, None if the client must register (RFC 7591).

    In MCP's order: pre-registered, client document, dynamic (docs/reference/oauth.md#client-registration).
    Raises `NoRegistration`, `RuleBroken`.
    """
    if client.pre_registered is not None:
        return _configured(client, client.pre_registered, server, now)
    if _may_use_document(client, server):
        return _registration(client, server.issuer, PreRegistered(str(client.document_url)), "none", now=now)
    if server.registration_endpoint is None:
        raise NoRegistration(client.service, server.issuer)
    return None


def _configured(
    client: RegisteredClient, configured: PreRegistered, server: AuthorizationServer, now: datetime
) -> Registration:
    # A server that names another's issuer, such as GitHub's, must not be given our client there.
    if client.trusted_issuer != server.issuer:
        raise RuleBroken("docs/reference/oauth.md#client-binding: the configured client belongs to another issuer")
    # Unstated means basic alone (RFC 8414 §2), which a client without a secret could not do.
    offered = server.auth_methods or ("client_secret_post", "client_secret_basic", "none")
    usable = [method for method in AUTH_METHODS if method in offered and _fits(method, configured.client_secret)]
    if not usable:
        raise RuleBroken("RFC 8414 §2: no client authentication in common")
    return _registration(client, server.issuer, configured, usable[0], now=now)


def _fits(method: str, secret: Secret | None) -> bool:
    # A client that has a secret must use it: with `none` anybody could act as this client.
    return (method == "none") is (secret is None)


def _may_use_document(client: RegisteredClient, server: AuthorizationServer) -> bool:
    is_public_client_ok = not server.auth_methods or "none" in server.auth_methods
    return server.takes_client_documents and is_public_client_ok and client.document_url is not None


def is_reusable(registration: Registration, now: datetime) -> bool:
    """Say whether a dynamic registration may serve one more attempt."""
    is_expired = registration.expires_at is not None and registration.expires_at <= now + _SAFE_MARGIN
    return not is_expired and now - registration.created_at < _REUSABLE_FOR


def build_registration_request(client: RegisteredClient, server: AuthorizationServer, scope: str | None) -> HttpRequest:
    """Return the registration request (RFC 7591 §3.1) with `application_type`, which MCP requires."""
    offered = server.auth_methods
    method = next((method for method in AUTH_METHODS if not offered or method in offered), "none")
    metadata = _client_metadata(client) | {"application_type": "web", "token_endpoint_auth_method": method}
    if scope:
        metadata["scope"] = scope
    headers = {"accept": "application/json", "content-type": "application/json", "user-agent": USER_AGENT}
    return HttpRequest("POST", str(server.registration_endpoint), headers, json.dumps(metadata).encode())


def build_client_document(client: RegisteredClient) -> dict[str, Any]:
    """Return our client id metadata document (draft-ietf-oauth-client-id-metadata-document-00 §4)."""
    return _client_metadata(client) | {"client_id": client.document_url, "token_endpoint_auth_method": "none"}


def _client_metadata(client: RegisteredClient) -> dict[str, Any]:
    return {
        "client_name": "Deputy",
        "client_uri": client.base_url,
        "redirect_uris": [client.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }


def parse_registration(answer: HttpResponse, client: RegisteredClient, issuer: str, now: datetime) -> Registration:
    """Return what we were registered as; raises `RuleBroken` where it cannot be used.

    RFC 7591 §3.2.1 lets the server replace what was asked, so the response counts. It belongs to
    `issuer`, the validated one, whatever the response says.
    """
    if answer.status not in (200, 201):  # 201 by RFC 7591 §3.2.1; 200 is seen
        raise RuleBroken("RFC 7591 §3.2: registration refused")
    document = parse_json_object(answer)
    client_id = document.get("client_id")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise RuleBroken("RFC 7591 §3.2.1: client_id missing or unusable")
    # Some echo nothing. One that echoes another address would send members' codes there.
    echoed = document.get("redirect_uris") or [client.redirect_uri]
    if not isinstance(echoed, list) or client.redirect_uri not in echoed:
        raise RuleBroken("RFC 7591 §3.2.1: our redirect URI was replaced")
    secret = _parse_secret(document)
    method = _parse_method(document, secret)
    expires_at = _parse_expiry(document, now) if secret else None
    # Some give a secret to a public client too; it authenticates with none, so the secret is not stored.
    kept = secret if method != "none" else None
    return _registration(client, issuer, PreRegistered(client_id, kept), method, now=now, expires_at=expires_at)


def _parse_secret(document: Mapping[str, Any]) -> Secret | None:
    secret = document.get("client_secret")
    if secret in (None, ""):
        return None
    if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
        raise RuleBroken("RFC 7591 §3.2.1: client_secret unusable")
    return Secret(secret)


def _parse_method(document: Mapping[str, Any], secret: Secret | None) -> str:
    # RFC 7591 §2: absent means client_secret_basic, but a server that sends no secret cannot mean that.
    given = document.get("token_endpoint_auth_method") or ("client_secret_basic" if secret else "none")
    if given not in AUTH_METHODS or (given != "none" and secret is None):
        raise RuleBroken("RFC 7591 §2: unusable token_endpoint_auth_method")
    return str(given)


def _parse_expiry(document: Mapping[str, Any], now: datetime) -> datetime | None:
    at = document.get("client_secret_expires_at")
    if at in (None, "", 0):  # 0 is "never" (RFC 7591 §3.2.1)
        return None
    if isinstance(at, bool) or not isinstance(at, int) or not 0 < at < 2**33:
        raise RuleBroken("RFC 7591 §3.2.1: client_secret_expires_at unusable")
    expires_at = datetime.fromtimestamp(at, UTC)
    if expires_at <= now:
        raise RuleBroken("RFC 7591 §3.2.1: client_secret expired at birth")
    return expires_at


def _registration(
    client: RegisteredClient,
    issuer: str,
    identity: PreRegistered,
    method: str,
    *,
    now: datetime,
    expires_at: datetime | None = None,
) -> Registration:
    return Registration(
        service=client.service,
        issuer=issuer,
        redirect_uri=client.redirect_uri,
        client_id=identity.client_id,
        client_secret=identity.client_secret,
        auth_method=method,
        created_at=now,
        expires_at=expires_at,
    )
