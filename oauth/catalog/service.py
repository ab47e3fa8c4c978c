"""A service: where it is, how to connect to it, and its pins; data only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from oauth.protocol.discovery import Pins
from oauth.protocol.registration import PreRegistered
from store.records import RegistrationKind, ServiceName

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""What a service may be called, in the catalogue and by admins."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The catalogue's rule for each tool of a service; rules that admins set for the service replace it."""

    allowed_tools: tuple[str, ...] = ()
    user_approved_tools: tuple[str, ...] = ()
    denied_tools: tuple[str, ...] = ()
    default: str = "user_approved"
    """The rule for tools that are in none of the lists: `user_approved` or `denied`."""


class ServiceQuirk(StrEnum):
    """What a service does differently from the rules, or from what people expect; docs/services.md has the sentence.

    Where it changes how we connect, a pin says so as well. The rest is for admins and for the simulator,
    which plays each service with its quirks.
    """

    ALL_SCOPES_ADVERTISED = "all_scopes_advertised"
    BARE_CHALLENGE_URL = "bare_challenge_url"
    CLIENT_PERISHES = "client_perishes"
    COMMA_SCOPES = "comma_scopes"
    ERRORS_WITH_200 = "errors_with_200"
    GRANT_ENDS = "grant_ends"
    IGNORES_RESOURCE = "ignores_resource"
    ISSUER_DIFFERS = "issuer_differs"
    ISS_UNADVERTISED = "iss_unadvertised"
    NESTED_TOKEN = "nested_token"  # noqa: S105  # a word, not a token
    NO_SCOPE_CHOICE = "no_scope_choice"
    OPEN_INITIALIZE = "open_initialize"
    REDIRECT_ALLOWLIST = "redirect_allowlist"
    REFRESH_ON_REQUEST = "refresh_on_request"
    REFRESH_ROTATES = "refresh_rotates"
    RESOURCE_IS_WIDER = "resource_is_wider"


@dataclass(frozen=True, slots=True)
class Service:
    """A service as members can connect it; immutable."""

    name: ServiceName
    title: str
    mcp_url: str
    """Exactly as the agent declares it, since the vault matches it (docs/reference/managed-agents.md#credentials)."""
    manage_url: str | None
    """The provider's own page for revoking access."""
    scopes: tuple[str, ...] = ()
    """What to ask for; empty: what the service advertises."""
    tools: Tools = field(default_factory=Tools)
    pins: Pins = field(default_factory=Pins)
    resource: str | None = None
    """The `resource` that its metadata must carry; None: any that covers the MCP URL."""
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    """What its authorization request needs besides, such as Google's `access_type`."""
    token_profile: str = "standard"  # noqa: S105  # the name of a parser
    """How its token response is read: `standard` or `slack` (`oauth/protocol/tokens.py`)."""
    registration: RegistrationKind = RegistrationKind.AUTO
    client: PreRegistered | None = None
    """Our client there, where an admin or the operator made one."""
    token_page: str | None = None
    """Where people make a personal token, if the service takes one."""
    grant_days: int | None = None
    """Days after which an authorization ends, refreshed or not."""
    quirks: tuple[ServiceQuirk, ...] = ()
    note: str | None = None
    """For admins: what must be done at the service first."""

    @property
    def takes_oauth(self) -> bool:
        """Whether a member can connect it by OAuth in this deployment."""
        needs_client = self.registration is RegistrationKind.PRE_REGISTERED
        return self.registration is not RegistrationKind.TOKEN and (self.client is not None or not needs_client)

    @property
    def takes_token(self) -> bool:
        """Whether a member can connect it by a personal token."""
        return self.registration is RegistrationKind.TOKEN or self.token_page is not None

    @property
    def is_available(self) -> bool:
        """Whether a member can connect it in this deployment, by OAuth or by a token."""
        return self.takes_oauth or self.takes_token
