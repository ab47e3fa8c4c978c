"""The switches by which a scenario makes the service deviate from a strict one.

Each is read where it takes effect (authority, documents, door, tools).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from simulator.roughness import Roughness

Fault = Literal["500", "503", "html", "not_json", "empty", "redirect", "big", "hold", "lost"]
"""`hold` waits for `Quirks.release`; `lost` carries the request out and answers 500; `html` and `not_json` are 200."""

TokenFailure = Literal[
    "invalid_grant",
    "invalid_client",
    "invalid_request",
    "invalid_target",
    "slow_down",
    "500",
    "html",
    "error_200",
    "lost",
]

MetadataQuirk = Literal["exact", "parent", "origin", "other_origin", "missing", "root", "no_servers", "no_resource"]
"""What the protected-resource metadata (RFC 9728) claims; `root` is served at the bare well-known address only."""


@dataclass
class Quirks:
    """Attributes that tests may read and change at any time while the service runs."""

    rough: Roughness = field(default_factory=Roughness)
    """What strikes at random, of the kinds that begin with `service:`."""
    service_title: str = "Notes"
    """The service's title on its pages."""
    deny_authorize: bool = False
    """`/authorize` answers `access_denied` at once, without a page."""
    fail_next_token: TokenFailure | None = None
    """How the next request to `/token` fails, once. Only `lost` uses up the code."""
    fail_next_refresh: TokenFailure | None = None
    """The same, for the next refresh only."""
    no_refresh_token: bool = False
    access_token_lifetime: int | None = 3600
    """Seconds by the simulator's clock; None: no `expires_in`, no end."""
    refresh_token_lifetime: int | None = None
    code_lifetime: int = 60
    rotate_refresh_tokens: bool = True
    detect_reuse: bool = True
    """A used refresh token or code that comes again revokes everything of that grant (RFC 9700 §4.14.2)."""
    extra_token_fields: dict[str, object] = field(default_factory=dict)
    """Members that replace those of the token response; a None removes the member."""
    granted_scopes: list[str] | None = None
    tells_account: bool = False
    """OpenID Connect: with the scope `openid`, `/userinfo` tells the token's account."""
    extra_userinfo: dict[str, object] = field(default_factory=dict)
    """Members that replace those of userinfo; a None removes the member."""

    require_iss: bool = True
    """Advertise RFC 9207, which obliges the client to insist on `iss`."""
    omit_iss: bool = False
    wrong_iss: str | None = None
    require_resource: bool = True
    """RFC 8707: authorize and token requests must name the resource."""

    no_registration: bool = False
    registration_auth_method: str | None = None
    """RFC 7591 §3.2.1: what the service registers instead of what was asked for."""
    registration_error: str | None = None
    extra_registration_fields: dict[str, object] = field(default_factory=dict)
    client_lifetime: int | None = None
    """Seconds after which a registered client is forgotten (`invalid_client`)."""

    pkce_methods: list[str] | None = field(default_factory=lambda: ["S256"])
    """Advertised only; S256 is always demanded. None: not advertised."""
    metadata_issuer: str | None = None
    extra_metadata: dict[str, object] = field(default_factory=dict)
    """Members that replace those of the authorization server's metadata; a None removes the member."""
    resource_metadata: MetadataQuirk = "exact"
    bare_challenge: bool = False
    """401 without `WWW-Authenticate`."""
    challenge_scope: str | None = None
    open_initialize: bool = False
    """Everything but `tools/call` is answered without a token, as Google's servers do."""

    server_path: str = ""
    """The authorization server has a path: its metadata is at the inserted well-known address only (RFC 8414 §3.1)."""
    server_name_end: str = ""
    """What the resource's metadata adds to the issuer's name, such as Google's slash."""
    metadata_name: Literal["oauth-authorization-server", "openid-configuration"] = "oauth-authorization-server"
    advertised_scopes: list[str] | None = None
    """The resource's `scopes_supported`, far more than anybody should ask for."""
    bare_challenge_url: bool = False
    """`resource_metadata` without its quotes."""
    ignore_resource: bool = False
    """It does not know RFC 8707: it accepts any `resource`, and its tokens are bound to none."""
    token_form: Literal["standard", "nested"] = "standard"  # a shape, not a token
    """`nested`: Slack's, with `ok`, the member's token in `authed_user`, and commas between scopes."""
    refusals_with_200: bool = False
    """The token endpoint sends errors with status 200."""
    refresh_asks: dict[str, str] = field(default_factory=dict)
    """Parameters of the authorization request without which there is no refresh token."""

    broken: dict[str, Fault] = field(default_factory=dict)
    """Path → fault, for every request to it."""
    release: asyncio.Event = field(default_factory=asyncio.Event)

    extra_tools: dict[str, str] = field(default_factory=dict)
    """Name → description of additional tools; each returns its name."""
    tool_descriptions: dict[str, str] = field(default_factory=dict)
    """Name → description that replaces the tool's own."""
    tool_titles: dict[str, str] = field(default_factory=dict)
    """Name → title that replaces the tool's own."""
    tool_schemas: dict[str, dict[str, object]] = field(default_factory=dict)
    """Name → input schema that replaces the tool's own."""
    listing_fault: Fault | None = None
    """How `tools/list` is answered to Deputy, which is known by its user agent; sessions still get the list."""
    failing_tools: dict[str, str] = field(default_factory=dict)
    """Name → the error its calls end with."""
    hidden_tools: set[str] = field(default_factory=set)
