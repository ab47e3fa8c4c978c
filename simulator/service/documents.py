"""The two metadata documents that a client begins with, with a scenario's changes; `door.py` serves them."""

from __future__ import annotations

from typing import Any

from simulator.service.authority import OPENID, SCOPES
from simulator.service.quirks import Quirks

PRM = "/.well-known/oauth-protected-resource"
METHODS = ["none", "client_secret_post", "client_secret_basic"]


def server_metadata(quirks: Quirks, url: str) -> dict[str, Any]:
    """Return the authorization-server metadata (RFC 8414 §2, RFC 9207 §3)."""
    document: dict[str, Any] = {
        "issuer": quirks.metadata_issuer or url + quirks.server_path,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "revocation_endpoint": f"{url}/revoke",
        "revocation_endpoint_auth_methods_supported": METHODS,
        "scopes_supported": offered_scopes(quirks),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": METHODS,
    }
    if not quirks.no_registration:
        document["registration_endpoint"] = f"{url}/register"
    if quirks.tells_account:
        document["userinfo_endpoint"] = f"{url}/userinfo"
    if quirks.pkce_methods is not None:
        document["code_challenge_methods_supported"] = quirks.pkce_methods
    if quirks.require_iss:
        document["authorization_response_iss_parameter_supported"] = True
    return laid_over(document, quirks.extra_metadata)


def offered_scopes(quirks: Quirks) -> list[str]:
    """Return the scopes that a client may ask for."""
    return [*SCOPES, OPENID] if quirks.tells_account else SCOPES


def resource_name(quirks: Quirks, url: str) -> str:
    """Return the `resource` of the protected-resource metadata."""
    names = {"parent": f"{url}/", "origin": url, "other_origin": "https://notes.elsewhere.example/mcp"}
    return names.get(quirks.resource_metadata, f"{url}/mcp")


def resource_metadata(quirks: Quirks, url: str) -> dict[str, Any]:
    """Return the protected-resource metadata (RFC 9728 §2)."""
    document: dict[str, Any] = {
        "resource": resource_name(quirks, url),
        "authorization_servers": [url + quirks.server_path + quirks.server_name_end],
        "scopes_supported": offered_scopes(quirks) if quirks.advertised_scopes is None else quirks.advertised_scopes,
        "bearer_methods_supported": ["header"],
        "resource_name": quirks.service_title,
    }
    if quirks.resource_metadata == "no_servers":
        document["authorization_servers"] = []
    if quirks.resource_metadata == "no_resource":
        del document["resource"]
    return document


def laid_over(document: dict[str, Any], changes: dict[str, object]) -> dict[str, Any]:
    """Return the document with these members replaced; a None removes the member."""
    return {key: value for key, value in {**document, **changes}.items() if value is not None}
