"""What a probe can find out about a service, as enums; data only."""

from __future__ import annotations

from enum import StrEnum


class Quirk(StrEnum):
    """Where a service leaves the rules; the pin that lets it be connected all the same is saved with it."""

    ISSUER_DIFFERS = "issuer_differs"
    """Its metadata names another issuer than the one it is found under (RFC 8414 §3.3)."""
    PKCE_UNADVERTISED = "pkce_unadvertised"
    """It does not say that it supports S256 (RFC 7636 with MCP)."""
    RESOURCE_IS_WIDER = "resource_is_wider"
    """Its resource is a parent of the MCP URL, not the URL itself (RFC 9728 §3.3)."""
    OPEN_WITHOUT_TOKEN = "open_without_token"  # noqa: S105  # a word, not a token
    """It answers without asking for a token at first."""


class ConnectWay(StrEnum):
    """How Deputy can become a client of the service, best first."""

    CLIENT_DOCUMENT = "client_document"
    DYNAMIC = "dynamic"
    PRE_REGISTERED = "pre_registered"
    TOKEN = "token"  # noqa: S105  # a word, not a token
