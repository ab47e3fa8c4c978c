"""Everything connecting a service may refuse or fail with; classes carry data, `pages.py` has the words.

ConnectError
├── CatalogInvalid        for the operator, all problems at once
├── UnknownService        no such entry; carries the nearest names
├── ServiceNotAvailable   in the catalogue, but its pre-registered client is not configured
├── ServerTaken           another service has this server already
├── DraftInvalid          what an admin typed cannot be saved; carries the problem of each field
├── ProbeChanged          the server is not what the admin was shown; carries what it is now
├── ServiceChanged        somebody else saved it meanwhile; carries the version there is
├── TooManyTickets        the member has open links enough
├── TooManyRequests       an address comes too often
├── TicketUnusable        the link or the browser cannot be used; carries the reason
├── IdentityMismatch      somebody else opened the member's link
├── IdentityUnproven      Slack did not give a proof that holds
├── NotAnMcpServer        something answers at a URL, and it is no MCP server; carries the status
├── UrlRefused            a URL breaks the URL policy
├── Unreachable           the other side did not answer, in time, in size, or at an address we may talk to
├── RuleBroken            a protocol rule, found by a pure parser; becomes `ServiceMisbehaved`
├── ServiceMisbehaved     the same, with whose and when
├── ServiceDeclined       the service said no, with one of OAuth's own codes
├── NoRegistration        the service offers no way for us to become its client
├── CredentialRefused     the access that the service gave does not work
├── CredentialNotStored   the vault would not have the credential; carries the API's status and code
│   └── NoRoom            because it is full
├── NotPermittedNow       the rules do not let the member connect it any more; carries which one
├── TokenUnreadable       what was given as a personal token cannot be one
├── CodeMissed            no code is waited for
├── CodeWrong             the code is another one; carries the tries that are left
├── CodeRefused           it was wrong too often, which ends the attempt
├── NotConnected          there is nothing to disconnect
└── AttemptEnded          one of the above ended an attempt; carries it and the reference
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from oauth.ports import Failure


class ConnectError(Exception):
    """Base; never raised itself."""


@dataclass(eq=False)
class CatalogInvalid(ConnectError):
    """The catalogue cannot be used; each problem is a sentence with its place."""

    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"- {problem}" for problem in self.problems)


@dataclass(eq=False)
class UnknownService(ConnectError):
    """There is no such service; `near` are the closest names there are."""

    name: str
    near: tuple[str, ...] = ()


@dataclass(eq=False)
class ServiceNotAvailable(ConnectError):
    """The service takes pre-registered clients only and none is configured."""

    service: str


@dataclass(eq=False)
class ServerTaken(ConnectError):
    """The service `service` has this server already: a vault holds one credential a server."""

    service: str


@dataclass(eq=False)
class DraftInvalid(ConnectError):
    """What an admin typed cannot be saved; `problems` says why, by the name of the field."""

    problems: Mapping[str, str]


@dataclass(eq=False)
class ProbeChanged(ConnectError):
    """The server is not any more what the admin was shown; `probe` is what it is now, to be shown again."""

    service: str
    probe: object
    """An `oauth.catalog.probe.Probe`."""


@dataclass(eq=False)
class ServiceChanged(ConnectError):
    """Somebody else saved or removed the service meanwhile; `version` is the one there is, 0: none."""

    service: str
    version: int


@dataclass(eq=False)
class TooManyTickets(ConnectError):
    """The member has `limit` open links already."""

    limit: int


@dataclass(eq=False)
class TooManyRequests(ConnectError):
    """One address comes too often; `seconds` until it may again."""

    seconds: int


class Reason(StrEnum):
    """Why a link, or what came back to us, cannot be used."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    SUPERSEDED = "superseded"
    OTHER_BROWSER = "other_browser"
    """The flow cookie is missing or another flow's."""
    FOREIGN_FORM = "foreign_form"
    """The POST was not made from our own start page."""
    MALFORMED = "malformed"
    LOST = "lost"
    """What was kept of the attempt does not open any more."""


@dataclass(eq=False)
class TicketUnusable(ConnectError):
    """The browser may not go on with this link."""

    reason: Reason


@dataclass(eq=False)
class IdentityMismatch(ConnectError):
    """Slack says that the browser is another member's than the ticket's."""

    service: str


@dataclass(eq=False)
class IdentityUnproven(ConnectError):
    """Slack's answer proves nobody; `rule` says which check failed, for the log."""

    rule: str


@dataclass(eq=False)
class NotAnMcpServer(ConnectError):
    """What answers neither asks who is there nor speaks MCP."""

    host: str
    status: int
    """Of its answer to `initialize`."""
    moved_to: str = ""
    """Where it sends on to, on the same host; empty: nowhere."""


@dataclass(eq=False)
class UrlRefused(ConnectError):
    """A URL breaks the policy; the URL itself is not carried, it may hold anything."""

    rule: str


@dataclass(eq=False)
class Unreachable(ConnectError):
    """No usable answer came; `rule` is one of our own words, never upstream prose."""

    rule: str


@dataclass(eq=False)
class RuleBroken(ConnectError):
    """What a pure parser found wrong; `rule` names the paragraph, never upstream prose."""

    rule: str


@dataclass(eq=False)
class ServiceMisbehaved(ConnectError):
    """The service broke a rule at a step; never retried."""

    service: str
    step: str
    rule: str


@dataclass(eq=False)
class ServiceDeclined(ConnectError):
    """The service answered with an OAuth error; `code` is from the known list or `other`."""

    service: str
    step: str
    code: str


@dataclass(eq=False)
class NoRegistration(ConnectError):
    """Neither pre-registered, nor a client document, nor dynamic registration (MCP client-registration)."""

    service: str
    issuer: str


@dataclass(eq=False)
class CredentialRefused(ConnectError):
    """The service does not take what it gave, or what was given to us for it."""

    service: str


@dataclass(eq=False)
class CredentialNotStored(ConnectError):
    """The vault would not have the credential."""

    service: str
    code: str = ""
    """The API's own code, or our word for an outage."""
    status: int | None = None


class NoRoom(CredentialNotStored):
    """The member's vault holds as many credentials as it can."""


@dataclass(eq=False)
class NotPermittedNow(ConnectError):
    """The member may not connect the service at this moment, whatever held when they began."""

    service: str
    reason: Failure


class CodeMissed(ConnectError):
    """There is no code to be typed: it was used, is too old, or is another member's."""


@dataclass(eq=False)
class CodeWrong(ConnectError):
    """Not the code that the page shows; `left` tries are left."""

    left: int


@dataclass(eq=False)
class CodeRefused(ConnectError):
    """The code was wrong too often: what it stood for is given up."""

    service: str


@dataclass(eq=False)
class TokenUnreadable(ConnectError):
    """What was given cannot be a token: it holds blanks, or is too short or too long. It is not carried."""

    service: str


@dataclass(eq=False)
class NotConnected(ConnectError):
    """The member has no connection to this service."""

    service: str


@dataclass(eq=False)
class AttemptEnded(ConnectError):
    """The attempt is over and its member was told; `reference` is what the log and the page share."""

    cause: ConnectError
    service: str
    reference: str

    @property
    def is_other_browser(self) -> bool:
        """Whether it ended because the answer came in a browser that did not begin it."""
        return isinstance(self.cause, TicketUnusable) and self.cause.reason is Reason.OTHER_BROWSER
