"""Notices about connections: links, forms, what became of an attempt, what has to be renewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oauth.ports import Failure
from store.records import Connection, ServiceName, TicketId, TurnId


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """A service a member may connect, and how it stands for them."""

    name: ServiceName
    title: str
    connection: Connection | None
    is_ending: bool = False
    """It works, but will end by itself before long."""
    host: str = ""
    """Where the service is, for lists in which two might be confused."""


@dataclass(frozen=True, slots=True)
class OfferedAgain:
    """A request that met a refused credential, to be asked again."""

    turn_id: TurnId
    title: str


class Lapse(StrEnum):
    """Why a connection has to be made anew."""

    REFUSED = "refused"
    """The service no longer takes the credential, or it was removed."""
    ENDED = "ended"
    """Its time was up."""


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
    """A personal token would do as well."""


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
    """What failed for want of this connection."""
    withheld: tuple[str, ...] = ()
    """Scopes that were asked for and not granted."""
    before: str | None = None
    """The account of the connection before, where it was another one."""


@dataclass(frozen=True, slots=True)
class CodeWanted:
    """The member's browser shows a code that is to be typed into Slack; replaces the link button."""

    service: ServiceChoice
    ticket_id: TicketId
    until: datetime | None = None
    tries_left: int | None = None
    """After a wrong one."""


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
    """A connection has to be made anew."""

    service: ServiceChoice
    lapse: Lapse = Lapse.REFUSED
    offers_again: bool = False
    """The request that met it is kept and will be offered again."""


@dataclass(frozen=True, slots=True)
class ConnectionEnding:
    """A connection will end by itself; connecting again now avoids the gap."""

    service: ServiceChoice
