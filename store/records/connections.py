"""A member's connection to a service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import ConnectionId, CredentialId, ServiceName, VaultId
from store.records.people import Member


class ConnectionState(StrEnum):
    """What a member can expect of a connection right now."""

    CONNECTED = "connected"
    BROKEN = "broken"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Connection:
    """A member's authorisation of one service: one vault credential."""

    id: ConnectionId
    owner: Member
    service: ServiceName
    vault_id: VaultId
    credential_id: CredentialId
    mcp_server_url: str
    account: str | None
    """The account's name at the service, when it tells; else None."""
    scope: str | None
    """As granted."""
    state: ConnectionState
    expires_at: datetime | None
    """When the grant ends by itself and the member has to connect again; None where it is refreshed."""
    connected_at: datetime
    asked_scope: str | None = None
    """As asked for; connecting again asks for it again, whatever was granted (MCP, scope step-up)."""
