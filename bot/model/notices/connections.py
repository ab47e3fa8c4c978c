"""Notices about connections: links, forms, the end of an attempt, connections to renew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oauth.ports import Failure
from store.records import Connection, ServiceName, TicketId, TurnId


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """A service that a member may connect, and their connection to it if there is one."""

    name: ServiceName
    title: str
    connection: Connection | None
    is_ending: bool = False
    """It works, but expires soon."""
    host: str = ""
    """The service's host, for lists in which two services could be confused."""


@dataclass(frozen=True, slots=True)
class OfferedAgain:
    """A request that failed because of a refused credential, and that its owner may ask again."""

    turn_id: TurnId
    title: str


class Lapse(StrEnum):
    """Why a service has to be connected again."""

    REFUSED = "refused"
    """The service no longer accepts the credential, or it was removed."""
    ENDED = "ended"
    """The connection has expired."""


@dataclass(frozen=True, slots=True)
class ServicePicker:
    """`/agent connect` without a name."""

    choices: tuple[ServiceChoice, ...]


@dataclass(frozen=True, slots=True)
class LinkSent:
    """The link is in the member's direct messages."""

    service: ServiceChoice


@dataclass(frozen=True, slots=True)
class ConnectLink:
    """The direct message with the link button."""

    service: ServiceChoice
    url: str
    minutes: int
    takes_token: bool = False
    """The member may give a personal token instead."""


@dataclass(frozen=True, slots=True)
class TokenWanted:
    """The service is connected with a personal token, given in a form."""

    service: ServiceChoice
    host: str
    token_page: str | None


@dataclass(frozen=True, slots=True)
class Connected:
    """The service is connected; replaces the link button."""

    service: ServiceChoice
    account: str | None
    offers: tuple[OfferedAgain, ...] = ()
    """Requests that failed without this connection."""
    withheld: tuple[str, ...] = ()
    """Scopes that were requested and not granted."""
    before: str | None = None
    """The account of the previous connection if it was another one."""


@dataclass(frozen=True, slots=True)
class CodeWanted:
    """The member's browser shows a code that they must type into Slack; replaces the link button."""

    service: ServiceChoice
    ticket_id: TicketId
    until: datetime | None = None
    tries_left: int | None = None
    """None before the first wrong code."""


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """An attempt failed; `reference` finds it in the log."""

    service: ServiceChoice
    failure: Failure
    reference: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The credential is deleted; `manage_url` is the service's own page for revoking access."""

    service: ServiceChoice
    manage_url: str | None


@dataclass(frozen=True, slots=True)
class ReconnectNeeded:
    """A service has to be connected again."""

    service: ServiceChoice
    lapse: Lapse = Lapse.REFUSED
    offers_again: bool = False
    """The request that failed is kept and will be offered again."""


@dataclass(frozen=True, slots=True)
class ConnectionEnding:
    """A connection expires soon; connecting again now avoids a gap."""

    service: ServiceChoice
