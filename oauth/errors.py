"""The errors of connecting a service. Classes carry data; `oauth/connect/pages.py` has the words.

ConnectError
├── CatalogInvalid        for the operator, all problems at once
├── UnknownService        no such entry; carries the nearest names
├── ServiceNotAvailable   in the catalogue, but its pre-registered client is not configured
├── ServerTaken           another service has this server already
├── DraftInvalid          what an admin typed cannot be saved; carries the problem of each field
├── ProbeChanged          the server is not what the admin was shown; carries what it is now
├── ServiceChanged        somebody else saved it meanwhile; carries the stored version
├── TooManyTickets        the member, or the workspace, has asked for too many links
├── TooManyRequests       one IP address sends too many requests
├── TicketUnusable        the link or the browser cannot be used; carries the reason
├── IdentityMismatch      somebody else opened the member's link
├── IdentityUnproven      Slack's answer failed a check
├── NotAnMcpServer        what responds at the URL is no MCP server; carries the status
├── UrlRefused            a URL breaks the URL policy
├── Unreachable           no response in time, within the size limit, or from an address that we may contact
├── RuleBroken            a pure parser found a protocol rule broken; becomes `ServiceMisbehaved`
├── ServiceMisbehaved     the same, with the service and the step
├── ServiceDeclined       the service answered with an OAuth error code
├── NoRegistration        the service offers no way for us to become its client
├── CredentialRefused     the service does not accept the token
├── CredentialNotStored   the vault did not store the credential; carries the API's status and code
│   └── NoRoom            because it is full
├── NotPermittedNow       the rules no longer let the member connect it; carries which one
├── TokenUnreadable       what was given as a personal token cannot be one
├── CodeMissed            no code is expected
├── CodeWrong             the wrong code; carries the tries that are left
├── CodeRefused           wrong too often, which ends the attempt
├── NotConnected          there is nothing to disconnect
└── AttemptEnded          one of the above ended an attempt; carries it and the reference
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from oauth.ports import Failure


class ConnectError(Exception):
    """The base class; never raised itself."""


@dataclass(eq=False)
class CatalogInvalid(ConnectError):
    """The catalogue cannot be used; each problem is a sentence with its place."""

    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"- {problem}" for problem in self.problems)


@dataclass(eq=False)
class UnknownService(ConnectError):
    """There is no such service; `near` are the most similar names."""

    name: str
    near: tuple[str, ...] = ()


@dataclass(eq=False)
class ServiceNotAvailable(ConnectError):
    """The service takes pre-registered clients only and none is configured."""

    service: str


@dataclass(eq=False)
class ServerTaken(ConnectError):
    """`service` has this server already, and a vault holds one credential per server."""

    service: str


@dataclass(eq=False)
class DraftInvalid(ConnectError):
    """What an admin typed cannot be saved; `problems` says why, by the name of the field."""

    problems: Mapping[str, str]


@dataclass(eq=False)
class ProbeChanged(ConnectError):
    """The server is no longer what the admin was shown; `probe` is what it is now, to be shown again."""

    service: str
    # An `oauth.catalog.probe.Probe`; that module imports this one.
    probe: object


@dataclass(eq=False)
class ServiceChanged(ConnectError):
    """Somebody else saved or removed the service meanwhile; `version` is the stored one, 0 if there is none."""

    service: str
    version: int


@dataclass(eq=False)
class TooManyTickets(ConnectError):
    """More links than `limit` are open, or were issued in the last minutes (`oauth/connect/connections.py`)."""

    limit: int


@dataclass(eq=False)
class TooManyRequests(ConnectError):
    """One IP address sends too many requests; it may try again in `seconds`."""

    seconds: int


class Reason(StrEnum):
    """Why a link or a callback cannot be used."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    SUPERSEDED = "superseded"
    OTHER_BROWSER = "other_browser"
    """The flow cookie is missing or another flow's."""
    FOREIGN_FORM = "foreign_form"
    """The POST did not come from our own start page."""
    MALFORMED = "malformed"
    LOST = "lost"
    """The attempt's sealed values cannot be opened: they were sealed with another key."""


@dataclass(eq=False)
class TicketUnusable(ConnectError):
    """The link, or what came back from it, cannot be used in this browser."""

    reason: Reason


@dataclass(eq=False)
class IdentityMismatch(ConnectError):
    """Slack says that another person than the ticket's owner is at the browser."""

    service: str


@dataclass(eq=False)
class IdentityUnproven(ConnectError):
    """Slack's answer proves no identity; `rule` says which check failed, for the log."""

    rule: str


@dataclass(eq=False)
class NotAnMcpServer(ConnectError):
    """What responds at the URL neither demands a bearer token nor speaks MCP."""

    host: str
    status: int
    """The HTTP status of its response to `initialize`."""
    moved_to: str = ""
    """The URL it redirects to, if that has the same origin, else empty."""


@dataclass(eq=False)
class UrlRefused(ConnectError):
    """A URL breaks the URL policy (`oauth/protocol/url_policy.py`)."""

    # Without the URL: it is somebody else's text, may hold a code, and this is logged.
    rule: str


@dataclass(eq=False)
class Unreachable(ConnectError):
    """No usable response came; `rule` is our own wording, never upstream text."""

    rule: str


@dataclass(eq=False)
class RuleBroken(ConnectError):
    """What a pure parser found wrong; `rule` names the paragraph, never upstream text."""

    rule: str


@dataclass(eq=False)
class ServiceMisbehaved(ConnectError):
    """The service broke a protocol rule at a step of the attempt."""

    service: str
    step: str
    rule: str


@dataclass(eq=False)
class ServiceDeclined(ConnectError):
    """The service answered with an OAuth error; `code` is in `KNOWN_ERRORS` or is `other`."""

    service: str
    step: str
    code: str


@dataclass(eq=False)
class NoRegistration(ConnectError):
    """No pre-registered client, no client id metadata document, no dynamic registration (MCP client-registration)."""

    service: str
    issuer: str


@dataclass(eq=False)
class CredentialRefused(ConnectError):
    """The service does not accept the token that it issued, or the personal token that the member gave."""

    service: str


@dataclass(eq=False)
class CredentialNotStored(ConnectError):
    """The vault did not store the credential."""

    service: str
    code: str = ""
    """The API's error code, or our own word for an outage."""
    status: int | None = None
    """The API's HTTP status; None where it did not answer."""


class NoRoom(CredentialNotStored):
    """The member's vault holds as many credentials as it can."""


@dataclass(eq=False)
class NotPermittedNow(ConnectError):
    """The member may not connect the service now, though they might when they asked (docs/decisions/0043)."""

    service: str
    reason: Failure


class CodeMissed(ConnectError):
    """No code is expected from this member: it was used, has expired, or is another member's."""


@dataclass(eq=False)
class CodeWrong(ConnectError):
    """The code is not the one on the page; `left` tries remain."""

    left: int


@dataclass(eq=False)
class CodeRefused(ConnectError):
    """The code was wrong too often: its tokens are revoked and the attempt ends."""

    service: str


@dataclass(eq=False)
class TokenUnreadable(ConnectError):
    """The text cannot be a token: it has blanks, or is too short or too long. The error does not hold the text."""

    service: str


@dataclass(eq=False)
class NotConnected(ConnectError):
    """The member has no connection to this service."""

    service: str


@dataclass(eq=False)
class AttemptEnded(ConnectError):
    """The attempt is over, and its member is told; `reference` is in both the log and the page."""

    cause: ConnectError
    service: str
    reference: str

    @property
    def is_other_browser(self) -> bool:
        """Whether it ended because the callback came from another browser than the one that began it."""
        return isinstance(self.cause, TicketUnusable) and self.cause.reason is Reason.OTHER_BROWSER
