"""What `oauth` needs from the bot: the time, vaults for credentials, and a way to report what became of a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from store.database import Tx
from store.records import Connection, Member, Secret, ServiceName, Ticket


@dataclass(frozen=True, slots=True)
class Refresh:
    """All that Anthropic needs to refresh the token; we never refresh (docs/reference/oauth.md#vault-credentials)."""

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
    """A token on its way from the token response to the vault; Deputy never stores it."""

    mcp_server_url: str
    access_token: Secret
    expires_at: datetime | None
    """What the vault is told: a minute early; None where it is not known or already past."""
    refresh: Refresh | None
    scope: str | None
    """As granted, or as asked where the server did not say."""
    asked_scope: str | None = None
    is_personal: bool = False
    """Whether the member made it at the service (a `static_bearer`), not OAuth."""
    account: str | None = None
    """The account's name as the service states it, unverified, in any characters; shown to its owner only."""
    ends_at: datetime | None = None
    """When the access ends and no refresh helps; None where no end is known."""


class Validity(StrEnum):
    """The API's verdict on a stored credential (`mcp_oauth_validate`, docs/reference/managed-agents.md#credentials)."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Failure(StrEnum):
    """How an attempt ended without a connection; the bot and the pages have the words.

    The values are stored with what is still to be told, so they do not change.
    """

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
    """Deputy does not, or no longer, serve this person: a guest, a bot, deactivated."""
    UNVERIFIABLE = "unverifiable"
    """Slack could not be asked who they are."""


@dataclass(eq=False)
class VaultRefused(Exception):
    """The credential was not stored, and nothing usable is left behind. An older one may be gone."""

    code: str = ""
    """The API's error code, or our own word for an outage; never its message."""
    status: int | None = None
    """The API's HTTP status; None where it did not answer."""


class VaultFull(VaultRefused):
    """The vault holds as many credentials as the API allows; the older ones are untouched."""


@dataclass(eq=False)
class VaultForbidden(VaultRefused):
    """The rules do not let the owner connect the service now; an older credential is untouched."""

    failure: Failure = Failure.NOT_SERVED


class Clock(Protocol):
    """The process's clock; tests set it."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""


class CredentialStore(Protocol):
    """Each member's own vault and the record of what is in it."""

    async def require_permitted(self, owner: Member, service: ServiceName) -> None:
        """Judge by what Slack and the settings say now whether the owner may connect the service.

        Raises `VaultForbidden`; `VaultRefused` where it cannot be judged.
        """

    async def put(self, owner: Member, service: ServiceName, credential: Credential) -> Connection:
        """Store the credential in the owner's vault in place of an older one and record the connection.

        Judges as `require_permitted` right before: minutes lie between link and token
        (docs/decisions/0043). Raises `VaultRefused`.
        """

    async def validate(self, connection: Connection) -> Validity:
        """Ask the API whether the credential works, without spending its refresh token."""

    async def repair(self, owner: Member, service: ServiceName) -> None:
        """Make records and vault agree again where they may differ, such as after a crash in the middle of `put`."""

    async def remove(self, connection: Connection) -> None:
        """Delete the credential and record the connection as disconnected. Idempotent."""


class Outcomes(Protocol):
    """How the bot learns what became of a ticket.

    Methods with a transaction only store in it what the member is to be told, so that a crash or an outage
    of Slack loses nothing (docs/decisions/0045); `send` tells it.
    """

    async def connected(self, tx: Tx, ticket: Ticket, connection: Connection) -> None:
        """Store that the member is to be told, their link button replaced and waiting turns offered again."""

    async def code_wanted(self, ticket: Ticket, until: datetime) -> None:
        """Ask the member for the code that their browser shows; only without Sign in with Slack. Must not raise."""

    async def failed(self, tx: Tx, ticket: Ticket, failure: Failure, reference: str) -> None:
        """Store that the member is to be told why it failed and what to do next."""

    def send(self, ticket: Ticket) -> None:
        """Tell what is stored for this ticket, in the background; call after the transaction has ended."""
