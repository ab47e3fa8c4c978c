"""The catalogue's services as the simulator can play them: their quirks, and the catalogue entry for each.

Each is written from what is known of the service (the catalogue has the sources), with the simulator's address in
place of the service's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.service.server import ServiceSimulator

OURS = 'scopes = ["notes:read", "notes:write"]'
CLIENT = 'registration = "pre_registered"'
HERE = 'endpoint_hosts = ["127.0.0.1"]'
GOOGLE_ASKS = {"access_type": "offline", "prompt": "consent"}
QUARTER = 90 * 24 * 3600
MONTH = 30 * 24 * 3600


@dataclass(frozen=True)
class ServiceProfile:
    """How a service behaves, and what the catalogue must pin to connect it."""

    pins: tuple[str, ...]
    """Lines of its catalogue entry; `{url}` is the simulator's address."""
    quirks: Mapping[str, Any] = field(default_factory=dict)
    """Values for `Quirks`; `{url}` in a text is the simulator's address."""
    client_method: str | None = None
    """How a pre-registered client authenticates; None: clients register themselves."""

    def play(self, service: ServiceSimulator) -> None:
        """Make the simulator behave like this service from now on."""
        for name, value in self.quirks.items():
            setattr(service, name, value.format(url=service.url) if isinstance(value, str) else value)

    def entry(self, name: str, service: ServiceSimulator, changed: Mapping[str, str | None] | None = None) -> str:
        """Return the catalogue entry; `changed` replaces the line of a key, or removes it with None."""
        lines = {line.partition(" = ")[0]: line for line in self.pins} | {k: v for k, v in (changed or {}).items() if v}
        kept = [line for key, line in lines.items() if (changed or {}).get(key, "") is not None]
        head = [f"[services.{name}]", f'title = "{name.title()}"', f'mcp_url = "{service.mcp_url}"']
        return "\n".join([*head, *(line.replace("{url}", service.url) for line in kept), ""])


ALONE = {"no_registration": True, "require_iss": False, "omit_iss": True}
"""No dynamic registration, and no `iss`."""
ISSUER_HERE = 'trusted_issuer = "{url}"'

PROFILES: Mapping[str, ServiceProfile] = {
    "notion": ServiceProfile((HERE,), {"client_lifetime": QUARTER, "refresh_token_lifetime": MONTH}),
    "linear": ServiceProfile((HERE,), {"client_lifetime": QUARTER, "refresh_token_lifetime": MONTH}),
    "sentry": ServiceProfile(
        (HERE, "grant_days = 30"), {"require_iss": False, "client_lifetime": QUARTER, "refresh_token_lifetime": MONTH}
    ),
    "atlassian": ServiceProfile((), {"server_path": "/VCeDsk8", "require_iss": False, "omit_iss": True}),
    "github": ServiceProfile(
        (CLIENT, 'trusted_issuer = "{url}/login/oauth"', HERE, OURS),
        {
            **ALONE,
            "server_path": "/login/oauth",
            "advertised_scopes": ["repo", "delete_repo", "workflow", "codespace"],
            "refusals_with_200": True,
            "ignore_resource": True,
            "access_token_lifetime": None,
            "no_refresh_token": True,
        },
        "client_secret_post",
    ),
    "slack": ServiceProfile(
        (CLIENT, 'trusted_issuer = "{url}/slack"', HERE, 'resource = "{url}"', 'token_profile = "slack"', OURS),
        {
            **ALONE,
            "metadata_issuer": "{url}/slack",
            "resource_metadata": "origin",
            "token_form": "nested",
            "refusals_with_200": True,
            "ignore_resource": True,
            "access_token_lifetime": 43200,
        },
        "client_secret_post",
    ),
    "asana": ServiceProfile(
        (CLIENT, ISSUER_HERE, HERE, OURS), {**ALONE, "resource_metadata": "parent"}, "client_secret_post"
    ),
    "hubspot": ServiceProfile(
        (CLIENT, ISSUER_HERE, HERE),
        {**ALONE, "extra_metadata": {"token_endpoint_auth_methods_supported": ["client_secret_post"]}},
        "client_secret_post",
    ),
    "stripe": ServiceProfile(
        (HERE, OURS), {"server_path": "/mcp-access", "bare_challenge_url": True, "resource_metadata": "origin"}
    ),
    "intercom": ServiceProfile((HERE,)),
    "gmail": ServiceProfile(
        (CLIENT, ISSUER_HERE, HERE, OURS, 'authorize_params = { access_type = "offline", prompt = "consent" }'),
        {
            **ALONE,
            "server_name_end": "/",
            "metadata_name": "openid-configuration",
            "open_initialize": True,
            "refresh_asks": GOOGLE_ASKS,
            "advertised_scopes": ["https://mail.google.com/", "https://www.googleapis.com/auth/gmail.modify"],
            "ignore_resource": True,
        },
        "client_secret_post",
    ),
}
"""By the catalogue's names; Google's other services behave like Gmail."""
