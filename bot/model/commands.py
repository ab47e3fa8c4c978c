"""What a person can ask of Deputy: frozen, already verified commands in the imperative.

A listener parses a Slack request into one of these; `bot.domain` carries it out. `member` is always the verified
person who acted, never somebody named in the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from store.records import (
    AllowanceId,
    ApprovalId,
    Attachment,
    ChannelId,
    CredentialId,
    Member,
    MessageRef,
    MessageTs,
    Secret,
    ServiceName,
    TicketId,
    TurnId,
    UserId,
    VaultId,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request came from, and so where a private answer to it belongs."""

    channel: ChannelId
    thread_ts: MessageTs | None = None
    response_url: str | None = None
    """Slack's own address for answering a slash command or click, 5 times in 30 minutes."""
    is_direct: bool = False
    """True in direct messages of two: of the member and Deputy, unless a command was typed in those of two people."""
    is_group: bool = False
    """True in a group's direct messages, as far as the request tells."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody else wrote: material for an agent, never an instruction."""

    author: str
    """Their name as Slack has it: their words too."""
    text: str
    by: UserId | None = None
    """Who it was, where Slack says so; then their name is asked of Slack."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What others wrote, oldest first, and how many messages before them are left out."""

    said: tuple[Said, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class AskAgent:
    """Start a thread and a turn in it."""

    member: Member
    task: str
    place: Place
    source: MessageRef | None = None
    """The member's own message when it is to be the thread's root (mention, DM)."""
    is_private: bool = False
    profile: str | None = None
    quoted: str | None = None
    """Somebody's message the task is about: untrusted context, never an instruction."""
    quoted_by: UserId | None = None
    """Who wrote it."""
    quote_id: str | None = None
    """In place of both: where the message is kept that the form was opened about."""
    about: MessageRef | None = None
    """The root of a thread the task is about, to be read as it is before `source`."""
    files: tuple[Attachment, ...] = ()
    said: tuple[Said, ...] = ()
    """Messages that came with the member's own: forwarded ones, what an app attached."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Words written in a thread that Deputy knows or may know."""

    member: Member
    text: str
    place: Place
    source: MessageRef
    is_mention: bool = False
    files: tuple[Attachment, ...] = ()
    said: tuple[Said, ...] = ()
    """What came along that others wrote: forwarded messages, what an app attached."""


@dataclass(frozen=True, slots=True)
class PassAside:
    """The owner decides whether another member's words go to their agent."""

    member: Member
    aside_id: str
    is_passed: bool
    place: Place


@dataclass(frozen=True, slots=True)
class WithdrawRequest:
    """The member deleted the message that made a turn."""

    member: Member
    source: MessageRef


@dataclass(frozen=True, slots=True)
class RewordRequest:
    """The member edited the message that made a turn; empty words take it back."""

    member: Member
    source: MessageRef
    text: str
    edited_ts: str = ""
    """Slack's time of the edit: a later one says more than an earlier one, whichever comes first."""
    written_in: Place | None = None
    is_mention: bool = False
    """Deputy was or is mentioned in it."""
    heard: Reply | None = None
    """What the message asks now, where this edit is what made it a request: a mention was added."""


@dataclass(frozen=True, slots=True)
class HearMention:
    """Slack says that Deputy is mentioned. The message itself says more, and nearly always comes as well."""

    member: Member
    key: str
    """The message's own, under which it is let in once."""
    reply: Reply
    judged_at: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class StopTurn:
    """Interrupt a turn: the named one, the thread's, or (neither given) offer the running ones."""

    member: Member
    place: Place
    turn_id: TurnId | None = None


class Verdict(StrEnum):
    """The API's own words for a decision on a held tool call."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class DecideApproval:
    """Allow or deny one held call, as it was shown."""

    member: Member
    approval_id: ApprovalId
    verdict: Verdict
    shown_hash: str
    """The arguments hash on the card that was clicked."""
    place: Place
    reason: str | None = None
    is_remembered: bool = False
    """Allow the same tool without asking from now on, in this thread."""


@dataclass(frozen=True, slots=True)
class AllowAll:
    """Allow several held calls at once, each as it was shown."""

    member: Member
    shown: str
    """`<approval id>:<arguments hash>` of each, joined by commas, as the button carried them."""
    place: Place


@dataclass(frozen=True, slots=True)
class RevokeAllowance:
    """Ask about a tool again that was always allowed in a thread."""

    member: Member
    allowance_id: AllowanceId
    place: Place


@dataclass(frozen=True, slots=True)
class AcceptTools:
    """Trust a service's tools as an alert showed them."""

    member: Member
    service: ServiceName | str
    digest: str
    """Of what was shown."""
    place: Place


@dataclass(frozen=True, slots=True)
class ShowApproval:
    """Open the full arguments of a held call, privately; or turn to another page of them."""

    member: Member
    approval_id: ApprovalId
    trigger_id: str
    place: Place
    page: int = 0
    """Counted from 0."""
    view_id: str | None = None
    """The open view that is turned; None opens one."""


@dataclass(frozen=True, slots=True)
class ExplainDenial:
    """Open the form that asks why a call is denied."""

    member: Member
    approval_id: ApprovalId
    shown_hash: str
    trigger_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class ConnectService:
    """Send the member a link to connect a service; None shows a picker."""

    member: Member
    service: ServiceName | str | None
    place: Place


@dataclass(frozen=True, slots=True)
class OpenCodeForm:
    """Open the form for the code that the member's browser shows."""

    member: Member
    ticket_id: TicketId
    trigger_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class ConfirmCode:
    """The member typed the code that their browser shows."""

    member: Member
    ticket_id: TicketId
    code: str
    place: Place


@dataclass(frozen=True, slots=True)
class DisconnectService:
    """Delete the member's credential for a service."""

    member: Member
    service: ServiceName | str | None
    place: Place


@dataclass(frozen=True, slots=True)
class OpenTokenForm:
    """Open the form for a personal token."""

    member: Member
    service: str
    trigger_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class GiveToken:
    """Connect a service with a personal token from the form."""

    member: Member
    service: str
    token: Secret | None
    """In memory only: the codec leaves it out, so it is None when the request is read back after a crash."""
    place: Place


@dataclass(frozen=True, slots=True)
class RefuseToken:
    """Something that looks like a token was typed as words; the words themselves are dropped."""

    member: Member
    place: Place


@dataclass(frozen=True, slots=True)
class ShowStatus:
    """Tell the member their connections, running turns and waiting approvals."""

    member: Member
    place: Place


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """Tell the member what they can do; `unknown` is a word nobody knows, `words` all that was typed."""

    member: Member
    place: Place
    unknown: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class ShowHome:
    """Publish the member's App Home."""

    member: Member


@dataclass(frozen=True, slots=True)
class OpenAskForm:
    """Open the form for a task: `/agent ask` without one, or the message shortcut."""

    member: Member
    place: Place
    trigger_id: str
    quoted: str | None = None
    quoted_by: UserId | None = None
    about: MessageRef | None = None
    files: tuple[Attachment, ...] = ()
    """Of the quoted message; they go along."""
    quote_id: str | None = None
    """In place of all three: where the message is kept."""
    is_private: bool = False
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class RateAnswer:
    """Thumbs up or down under an answer."""

    member: Member
    turn_id: TurnId
    is_good: bool
    place: Place


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Ask once more what met a refused credential, now that it was renewed."""

    member: Member
    turn_id: TurnId
    place: Place


@dataclass(frozen=True, slots=True)
class LookAtCredential:
    """The API says that something happened to this credential: see whether it still works.

    The id comes with the API's signature and finds a row of ours, or nothing; nobody acts with it.
    """

    credential_id: CredentialId


@dataclass(frozen=True, slots=True)
class LookAtVault:
    """As `LookAtCredential`, for all that is connected through one vault."""

    vault_id: VaultId


@dataclass(frozen=True, slots=True)
class LeaveWorkspace:
    """Slack says that Deputy was removed from the workspace: void every link that is out."""

    workspace_id: str


@dataclass(frozen=True, slots=True)
class UseSettings:
    """An admin opens the settings, or presses something in them."""

    member: Member
    place: Place
    verb: str
    argument: str
    trigger_id: str
    view_id: str = ""
    """The view that was pressed in; empty where the settings are not open yet."""


@dataclass(frozen=True, slots=True)
class SubmitSettings:
    """An admin sends a form of the settings; answered in the same request, so never kept for later."""

    member: Member
    callback: str
    metadata: dict[str, Any]
    """What the form was drawn with; looked at, never believed."""
    values: dict[str, str | list[str] | None]
    """Block of the field → what is in it."""
    view_id: str
    previous_view_id: str = ""


@dataclass(frozen=True, slots=True)
class AskRaise:
    """A member asks the admins to raise a budget that is used up."""

    member: Member
    budget: str
    """As the refusal named it: `member/U0ANN`, `channel/C0123`, `workspace/`."""
    place: Place


@dataclass(frozen=True, slots=True)
class OpenRaise:
    """An admin opens the form that raises a budget."""

    member: Member
    shortfall_id: str
    trigger_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class DeclineRaise:
    """An admin says that a budget is not raised now."""

    member: Member
    shortfall_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class DeactivateMember:
    """Slack says this person is gone, or a guest now: stop their turns, void their links, delete their vault."""

    workspace_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class TellOutcome:
    """What a request came to, where that is words: stored in the request's place, then told.

    From then on it is not carried out any more: its asker may have heard that it was not, and may ask again.
    """

    member: Member
    place: Place
    kind: str
    """`refused`, `misunderstood`, `broken` or `outage`; what the other fields are is `domain.outcomes`'."""
    what: str
    given: str | None = None
    kept: str | None = None
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TellRefused:
    """Somebody who is not a member was told no: stored first, as everything that is told."""

    user_id: UserId
    place: Place
    refusal: str
    detail: str | None = None


Command = (
    AskAgent
    | Reply
    | PassAside
    | WithdrawRequest
    | RewordRequest
    | HearMention
    | StopTurn
    | DecideApproval
    | AllowAll
    | RevokeAllowance
    | AcceptTools
    | ShowApproval
    | ExplainDenial
    | ConnectService
    | OpenCodeForm
    | ConfirmCode
    | DisconnectService
    | OpenTokenForm
    | GiveToken
    | RefuseToken
    | ShowStatus
    | ShowHelp
    | ShowHome
    | OpenAskForm
    | RateAnswer
    | UseSettings
    | SubmitSettings
    | AskAgain
    | AskRaise
    | OpenRaise
    | DeclineRaise
    | LookAtCredential
    | LookAtVault
    | LeaveWorkspace
    | DeactivateMember
    | TellOutcome
    | TellRefused
)
