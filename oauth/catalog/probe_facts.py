"""What a probe can find out about a service; data only."""

from __future__ import annotations

from enum import StrEnum


class Quirk(StrEnum):
    """How a service deviates from the rules. The admin accepts it, and it becomes a pin of the saved service."""

    ISSUER_DIFFERS = "issuer_differs"
    """Its metadata names another issuer than the one that leads to it (RFC 8414 §3.3)."""
    PKCE_UNADVERTISED = "pkce_unadvertised"
    """It does not advertise S256 (RFC 7636 with MCP)."""
    RESOURCE_IS_WIDER = "resource_is_wider"
    """Its resource is a parent of the MCP URL, not the URL itself (RFC 9728 §3.3)."""
    OPEN_WITHOUT_TOKEN = "open_without_token"  # noqa: S105  # a word, not a token
    """It answers MCP's first message without a token."""


class ConnectWay(StrEnum):
    """How Deputy can become a client of the service, best first."""

    CLIENT_DOCUMENT = "client_document"
    DYNAMIC = "dynamic"
    PRE_REGISTERED = "pre_registered"
    TOKEN = "token"  # noqa: S105  # a word, not a token
