"""A member's connection to a service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import ConnectionId, CredentialId, ServiceName, VaultId
from store.records.people import Member


class ConnectionState(StrEnum):
    """Whether a connection can be used now."""

    CONNECTED = "connected"
    BROKEN = "broken"
    """It works no more, and its member has to connect again."""
    DISCONNECTED = "disconnected"
    """It has no credential; connecting again makes another connection."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A member's authorisation of one service: a credential in the member's vault."""

    id: ConnectionId
    owner: Member
    service: ServiceName
    vault_id: VaultId
    credential_id: CredentialId
    mcp_server_url: str
    account: str | None
    """The account's name, as the service states it; None where it does not."""
    scope: str | None
    """As granted; None where the service did not say."""
    state: ConnectionState
    expires_at: datetime | None
    """When it ends and the member has to connect again; None where no end is known."""
    connected_at: datetime
    asked_scope: str | None = None
    """As asked for; connecting again asks for it again, whatever was granted (MCP authorization, step-up)."""
