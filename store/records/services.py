"""Services that admins saved, our OAuth clients at services, and the tools that services list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import ServiceName, UserId, WorkspaceId
from store.records.secret import Secret


@dataclass(frozen=True, slots=True)
class Registration:
    """Our OAuth client at one issuer for one service: pre-registered, a client document, or by RFC 7591."""

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
    """How Deputy becomes a service's client."""

    AUTO = "auto"
    """OAuth; Deputy registers itself (client document, or RFC 7591)."""
    PRE_REGISTERED = "pre_registered"
    """OAuth with a client that an admin made at the service."""
    TOKEN = "token"  # noqa: S105  # a kind, not a token
    """No OAuth: each member gives a personal token in a form."""


@dataclass(frozen=True, slots=True)
class SavedService:
    """A service as an admin approved it: added by URL, or a shipped one with a client or other scopes.

    Issuer, resource and hosts are what the admin was shown, and every connection is held to them
    (docs/decisions/0020). A client's secret is sealed for its service, server and issuer.
    """

    workspace_id: WorkspaceId
    name: ServiceName
    title: str
    mcp_url: str
    is_shipped: bool
    """Whether it changes a shipped service; then only its scopes and client are used."""
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
    """The environment variable that the secret came from, where a settings file named one."""
    shown: str = ""
    """The fingerprint of the probe that the admin saw."""
    version: int = 0
    """The number of saves; a change names the version that it was based on. 0: not saved yet."""


@dataclass(frozen=True, slots=True)
class ServiceTool:
    """A tool as a service last listed it, when a member connected."""

    service: ServiceName
    name: str
    title: str | None
    description: str
    """What the service tells the model, cut after 4096 characters; `definition_hash` covers the whole text."""
    schema_hash: str
    """SHA-256, in hex, of its input schema as canonical JSON."""
    annotations: dict[str, bool]
    """Those of `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint` that the service gives: claims."""
    definition_hash: str
    """SHA-256, in hex, of name, title, description, schema and annotations: what trust in the tool is bound to."""
    first_seen_at: datetime
    changed_at: datetime | None
    """When its definition last changed; None: never since it was first seen."""
    seen_at: datetime
    schema: str | None = None
    """Its input schema as indented JSON, cut after 16384 characters; None where it was listed before we stored it."""
