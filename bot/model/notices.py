"""What Deputy tells a person outside of an answer, as data; `renderers/notices.py` has the words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.errors import Misunderstood, Refused
from bot.model.events import ToolCall
from bot.model.tool_risk import Hazard
from oauth.ports import Failure
from store.records import (
    Allowance,
    Approval,
    Asker,
    Connection,
    ServiceName,
    Shortfall,
    Thread,
    TicketId,
    Turn,
    TurnId,
    UserId,
)


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
class Readers:
    """Who can read along in a channel, as far as Slack tells."""

    count: int | None = None
    is_shared: bool = False
    """Another organisation reads it too."""
    organisations: tuple[str, ...] = ()
    """Their names, where they are known."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A thread's services by name."""

    services: tuple[str, ...] = ()
    """What its owner has connected and is used."""
    missing: tuple[str, ...] = ()
    """What could be connected and is not."""
    withheld: tuple[str, ...] = ()
    """What is connected but not used where others read along."""


@dataclass(frozen=True, slots=True)
class AnsweredPrivately:
    """What was asked in a channel is answered in the direct messages."""


@dataclass(frozen=True, slots=True)
class MaskedInRequest:
    """Filters took something out of a request before the agent got it; `what` they look for, in words."""

    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A held call as it is shown: the decision on it so far, and how it is asked about."""

    approval: Approval
    call: ToolCall
    hazard: Hazard = Hazard.NONE
    may_remember: bool = False
    """The owner may say “always allow in this thread”."""
    is_over: bool = False
    """Its turn has ended: a decision that has not reached the session never will."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A held call in a list, without its arguments."""

    thread: Thread
    approval: Approval
    hazard: Hazard = Hazard.NONE


@dataclass(frozen=True, slots=True)
class Spending:
    """What a member spent this month, and their budget where there is one; in cents."""

    spent: float = 0.0
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What a member's App Home and `/agent status` show."""

    choices: tuple[ServiceChoice, ...]
    turns: tuple[RunningTurn, ...]
    approvals: tuple[Waiting, ...]
    to_second: tuple[Waiting, ...] = ()
    """Calls of others that this member may confirm."""
    allowances: tuple[tuple[Allowance, str], ...] = ()
    """What is always allowed, each with its thread's title."""
    recent: tuple[Thread, ...] = ()
    spending: Spending = Spending()
    is_admin: bool = False
    """Whether the settings are offered."""


@dataclass(frozen=True, slots=True)
class StatusShown:
    """The answer to `/agent status`."""

    home: Home


@dataclass(frozen=True, slots=True)
class HelpShown:
    """What the member can do next; `unknown` and `near` for a word nobody knows, `words` to copy again."""

    home: Home
    unknown: str | None = None
    near: tuple[str, ...] = ()
    words: str = ""


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
class TurnsStopping:
    """Stop was understood."""

    count: int
    titles: tuple[str, ...] = ()
    """What is stopped, in its owner's words; for the owner only."""


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
    files: tuple[str, ...] = ()
    """Names of what is attached; it goes along."""


@dataclass(frozen=True, slots=True)
class AsideSettled:
    """The owner's choice about an aside."""

    is_passed: bool


class WhyLeftOut(StrEnum):
    """Why a file does not come along."""

    NOT_A_FILE = "not_a_file"
    TOO_LARGE = "too_large"
    OVER_LIMIT = "over_limit"
    """Larger than Slack or Claude takes, who do not say how much that is."""
    TOO_WIDE = "too_wide"
    TOO_MANY = "too_many"
    EMPTY = "empty"
    REFUSED = "refused"
    """Slack or Claude does not take it, and would not the next time."""
    WITHHELD = "withheld"
    """Slack or Claude does not let us have it or put it there, and would not the next time."""
    NO_ROOM = "no_room"
    """Claude keeps no more files of this organisation."""
    UNREADABLE = "unreadable"
    """An outage that outlived the tries: the only one that is worth another try as it is."""
    HIDDEN = "hidden"
    """Slack does not show it any more on the workspace's plan."""
    GONE = "gone"
    """It was there when it was attached, and is not any more."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file by name, empty where it is not known which, and why it is left out."""

    name: str
    why: WhyLeftOut


@dataclass(frozen=True, slots=True)
class FilesLeftOut:
    """Files that did not come along: to the agent, or (`is_output`) from it to the thread."""

    files: tuple[LeftOut, ...]
    is_output: bool = False


@dataclass(frozen=True, slots=True)
class EditUnseen:
    """The message was edited after the agent had begun: it works from the words as they were."""


@dataclass(frozen=True, slots=True)
class ThreadActsAs:
    """To somebody else: this thread acts as its owner; they can start their own."""

    owner: UserId
    quote_id: str = ""
    """Where what they wrote is kept for the form; empty where there were no words."""


@dataclass(frozen=True, slots=True)
class ApprovalWaiting:
    """Half the time is over and nobody decided; sent as a direct message."""

    thread: Thread
    approval: Approval
    count: int = 1
    """How many calls of this thread wait."""


@dataclass(frozen=True, slots=True)
class SecondAsked:
    """To a second approver: the owner has allowed this call, confirm it or not; then, what became of it."""

    thread: Thread
    held: Held


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool as it was trusted, and as its service lists it now; all of it the service's own words."""

    name: str
    before: str | None
    """Its description then; None for a new tool."""
    after: str
    is_schema_changed: bool
    hints: tuple[str, ...] = ()
    """What it says of itself differently: `readOnlyHint: True → False`."""
    title: tuple[str, str] | None = None
    """Before and now, where it is another."""
    schema: tuple[str | None, str] | None = None
    """What it takes, as JSON, before and now, where that is another; before is None where it was not kept."""


@dataclass(frozen=True, slots=True)
class ToolsChanged:
    """To an admin: tools that are asked about each time until somebody accepts them; none: all are trusted again."""

    service: ServiceName
    changes: tuple[ToolChange, ...]
    more: int
    """How many others there are."""
    digest: str
    accepted_by: UserId | None = None
    unseen: tuple[str, ...] = ()
    """Tools that are as they were trusted, and were not listed for long."""


@dataclass(frozen=True, slots=True)
class RaiseAsked:
    """To an admin: people ask for a budget to be raised; then, what became of it."""

    shortfall: Shortfall
    spent_cents: float
    askers: tuple[UserId, ...]


class RaiseAnswer(StrEnum):
    """What a member hears who asks for a budget to be raised."""

    ASKED = "asked"
    DECLINED = "declined"
    """An admin has said: not now."""
    ROOM = "room"
    """There is room again by now."""
    NOBODY = "nobody"
    """There is no admin to ask."""


@dataclass(frozen=True, slots=True)
class RaiseAnswered:
    """To who asked, in place of the button."""

    answer: RaiseAnswer


@dataclass(frozen=True, slots=True)
class RaiseSettled:
    """To who asked: what became of it, and where they were."""

    shortfall: Shortfall
    asker: Asker


@dataclass(frozen=True, slots=True)
class AllowanceRevoked:
    """The tool is asked about again."""


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
    | FilesLeftOut
    | MaskedInRequest
    | ThreadActsAs
    | ApprovalWaiting
    | SecondAsked
    | AllowanceRevoked
    | RaiseAsked
    | RaiseAnswered
    | RaiseSettled
    | ToolsChanged
    | AnsweredPrivately
    | ReconnectNeeded
    | ConnectionEnding
    | AskedAgain
    | Thanks
    | Broken
    | Outage
)
