"""Services that admins saved, our OAuth clients at them, and the tools they listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import ServiceName, UserId, WorkspaceId
from store.records.secret import Secret


@dataclass(frozen=True, slots=True)
class Registration:
    """Our OAuth client at one issuer for one service (RFC 7591, or pre-registered)."""

    service: ServiceName
    issuer: str
    redirect_uri: str
    client_id: str
    client_secret: Secret | None
    auth_method: str
    """`none`, `client_secret_basic` or `client_secret_post`."""
    created_at: datetime
    expires_at: datetime | None


class RegistrationKind(StrEnum):
    """How members get into a service."""

    AUTO = "auto"
    """OAuth; Deputy registers itself (client document, or RFC 7591)."""
    PRE_REGISTERED = "pre_registered"
    """OAuth with a client that an admin made at the service."""
    TOKEN = "token"  # noqa: S105  # a kind, not a token
    """A personal token, given in a modal."""


@dataclass(frozen=True, slots=True)
class SavedService:
    """A service as an admin approved it: added by URL, or a shipped one with a client or other scopes.

    What was shown when it was approved is kept and must hold from then on: the issuer, the resource
    and the hosts are pins (docs/reference/oauth.md#pinned-issuers). A client is sealed for its service,
    origin and issuer.
    """

    workspace_id: WorkspaceId
    name: ServiceName
    title: str
    mcp_url: str
    is_shipped: bool
    """It changes a shipped service: of this row only scopes and client count."""
    registration: RegistrationKind
    approved_by: UserId
    approved_at: datetime
    manage_url: str | None = None
    issuer: str | None = None
    resource: str | None = None
    endpoint_hosts: tuple[str, ...] = ()
    pkce_unadvertised_ok: bool = False
    scopes: tuple[str, ...] = ()
    client_id: str | None = None
    client_secret: Secret | None = None
    secret_variable: str | None = None
    """The environment variable that the secret came from, where a file named one."""
    shown: str = ""
    """Fingerprint of the probe that the admin saw."""
    version: int = 0
    """Counts the saves; who changes it names the one they saw. 0: not saved yet."""


@dataclass(frozen=True, slots=True)
class ServiceTool:
    """A tool of a service as it was listed when a member connected it."""

    service: ServiceName
    name: str
    title: str | None
    description: str
    """What the service tells the model, cut after 4096 characters; `definition_hash` is of the whole."""
    schema_hash: str
    """SHA-256 of its input schema as canonical JSON, hex."""
    annotations: dict[str, bool]
    """`readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`, as far as told; hints, never proof."""
    definition_hash: str
    """SHA-256 of name, title, description, schema and annotations, hex: what an approval was made for."""
    first_seen_at: datetime
    changed_at: datetime | None
    """When its definition last became another one; None: never since it was first seen."""
    seen_at: datetime
    schema: str | None = None
    """Its input schema as indented JSON, cut after 16384 characters; None where it was listed before that was kept."""
