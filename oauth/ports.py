"""What `oauth` needs of others: a vault to store a credential in, and somebody to tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from store.database import Tx
from store.records import Connection, Member, Secret, ServiceName, Ticket


@dataclass(frozen=True, slots=True)
class Refresh:
    """All that Anthropic needs to refresh the token; we never do (docs/reference/oauth.md#vault-credentials)."""

    refresh_token: Secret
    token_endpoint: str
    client_id: str
    client_secret: Secret | None
    auth_method: str
    """The method that worked in the code exchange: `none`, `client_secret_basic`, `client_secret_post`."""
    resource: str | None
    scope: str | None


@dataclass(frozen=True, slots=True)
class Credential:
    """A token on its one way from the provider's answer to the vault; never stored by us."""

    mcp_server_url: str
    access_token: Secret
    expires_at: datetime | None
    refresh: Refresh | None
    scope: str | None
    """As granted, or as asked where the server did not say."""
    asked_scope: str | None = None
    is_personal: bool = False
    """A token that the member made at the service, not one of OAuth: a `static_bearer`."""
    account: str | None = None
    """Whose it is by the service's word; shown to its owner only."""
    ends_at: datetime | None = None
    """When the grant ends for good; None where it can be refreshed for as long as anybody knows."""


class Validity(StrEnum):
    """The API's verdict on a stored credential (`mcp_oauth_validate`)."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Failure(StrEnum):
    """How an attempt ended without a connection; shown in words by the bot and the pages."""

    DENIED = "denied"
    EXPIRED = "expired"
    CODE = "code"
    SOMEBODY_ELSE = "somebody_else"
    OTHER_BROWSER = "other_browser"
    SERVICE = "service"
    NOT_WORKING = "not_working"
    VAULT = "vault"
    VAULT_FULL = "vault_full"
    TOKEN_UNREADABLE = "token_unreadable"  # noqa: S105  # a word, not a token
    TOKEN_REFUSED = "token_refused"  # noqa: S105  # a word, not a token
    TOKEN_LOST = "token_lost"  # noqa: S105  # a word, not a token
    ALL_PAUSED = "all_paused"
    MEMBER_PAUSED = "member_paused"
    SERVICE_PAUSED = "service_paused"
    MAY_NOT_CONNECT = "may_not_connect"
    NOT_OFFERED = "not_offered"
    NOT_SERVED = "not_served"
    """They are no member whom Deputy serves, or not any more."""
    UNVERIFIABLE = "unverifiable"
    """Slack did not say who they are at that moment."""


@dataclass(eq=False)
class VaultRefused(Exception):
    """The credential could not be stored; nothing usable is left behind. The old one, if any, is gone."""

    code: str = ""
    """The API's own code, or our word for an outage; never its prose."""
    status: int | None = None


class VaultFull(VaultRefused):
    """There is no room for one more credential; the older ones are untouched."""


@dataclass(eq=False)
class VaultForbidden(VaultRefused):
    """The rules of this moment do not let the owner connect the service; an older credential is untouched."""

    failure: Failure = Failure.NOT_SERVED


class Clock(Protocol):
    """The time, aware UTC."""

    def now(self) -> datetime:
        """Return the current time."""


class CredentialStore(Protocol):
    """The member's own vault, wherever it is."""

    async def require_permitted(self, owner: Member, service: ServiceName) -> None:
        """Ask the rules, by what Slack and the settings say now. Raises `VaultForbidden`, `VaultRefused` in doubt."""

    async def put(self, owner: Member, service: ServiceName, credential: Credential) -> Connection:
        """Store the credential in the owner's vault in place of an older one and record the connection.

        The rules are asked again right before, for minutes lie between link and token. Raises `VaultRefused`.
        """

    async def validate(self, connection: Connection) -> Validity:
        """Ask the API whether the credential works, without spending its refresh token."""

    async def repair(self, owner: Member, service: ServiceName) -> None:
        """Make records and vault say the same after a doubt, such as a crash in the middle of `put`."""

    async def remove(self, connection: Connection) -> None:
        """Delete the credential and record the connection as disconnected. Idempotent."""


class Outcomes(Protocol):
    """The bot's ear: what became of a ticket. What is given a transaction is owed from when that is stored."""

    async def connected(self, tx: Tx, ticket: Ticket, connection: Connection) -> None:
        """Owe it to the member to be told, to have the link button replaced and waiting turns offered again."""

    async def code_wanted(self, ticket: Ticket, until: datetime) -> None:
        """Ask the member for the code that their browser shows; only without Sign in with Slack. Must not raise."""

    async def failed(self, tx: Tx, ticket: Ticket, failure: Failure, reference: str) -> None:
        """Owe it to the member to be told why and what to do next."""

    def send(self, ticket: Ticket) -> None:
        """Have what is owed told now that it is stored."""
