"""What Deputy tells a person outside of an answer, as data; `renderers/notices.py` has the words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.errors import Misunderstood, Refused
from oauth.ports import Failure
from store.records import Approval, Connection, ServiceName, Thread, TicketId, Turn, TurnId, UserId


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
class RunningTurn:
    """An open turn with the thread it runs in."""

    thread: Thread
    turn: Turn


@dataclass(frozen=True, slots=True)
class Home:
    """What a member's App Home and `/agent status` show."""

    choices: tuple[ServiceChoice, ...]
    turns: tuple[RunningTurn, ...]
    approvals: tuple[tuple[Thread, Approval], ...]


@dataclass(frozen=True, slots=True)
class StatusShown:
    """The answer to `/agent status`."""

    home: Home


@dataclass(frozen=True, slots=True)
class HelpShown:
    """What the member can do next; `unknown` and `near` for a subcommand nobody knows."""

    home: Home
    unknown: str | None = None
    near: tuple[str, ...] = ()


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
class TurnsStopping:
    """Stop was understood."""

    count: int


@dataclass(frozen=True, slots=True)
class TurnPicker:
    """`/agent stop` with several running turns."""

    turns: tuple[RunningTurn, ...]


@dataclass(frozen=True, slots=True)
class AsideOffered:
    """To the owner: somebody else wrote in their thread. Pass it on, or not."""

    aside_id: str
    author: UserId
    text: str


@dataclass(frozen=True, slots=True)
class AsideSettled:
    """The owner's choice about an aside."""

    is_passed: bool


@dataclass(frozen=True, slots=True)
class EditUnseen:
    """The message was edited after the agent had begun: it works from the words as they were."""


@dataclass(frozen=True, slots=True)
class ThreadActsAs:
    """To somebody else: this thread acts as its owner; they can start their own."""

    owner: UserId
    task: str


@dataclass(frozen=True, slots=True)
class ApprovalWaiting:
    """Half the time is over and nobody decided; sent as a direct message."""

    thread: Thread
    approval: Approval


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


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """What had failed is asked again, in its own thread."""

    thread: Thread


@dataclass(frozen=True, slots=True)
class Thanks:
    """For feedback."""

    is_good: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """A bug of ours; `reference` is in the log, with everything else."""

    reference: str


@dataclass(frozen=True, slots=True)
class Outage:
    """Something we need is down; nothing was lost."""

    who: str
    """`slack`, `agents` or a service's name."""


Notice = (
    Refused
    | Misunderstood
    | StatusShown
    | HelpShown
    | ServicePicker
    | LinkSent
    | ConnectLink
    | TokenWanted
    | Connected
    | CodeWanted
    | ConnectFailed
    | Disconnected
    | TurnsStopping
    | TurnPicker
    | AsideOffered
    | AsideSettled
    | EditUnseen
    | ThreadActsAs
    | ApprovalWaiting
    | ReconnectNeeded
    | ConnectionEnding
    | AskedAgain
    | Thanks
    | Broken
    | Outage
)
