"""A turn: its request, the messages of its answer, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import EventId, MessageTs, SegmentId, ThreadId, TurnId, UserId
from store.records.messages import Attachment, MessageRef
from store.records.people import Member


class TurnState(StrEnum):
    """`queued → running ⇄ waiting → ended | stopped | failed`."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


OPEN_TURN_STATES = (TurnState.QUEUED, TurnState.RUNNING, TurnState.WAITING)


ACTIVE_TURN_STATES = (TurnState.RUNNING, TurnState.WAITING)


class SendState(StrEnum):
    """Whether the request reached the session. `sending` is in doubt until the events are listed."""

    UNSENT = "unsent"
    SENDING = "sending"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class UsageBase:
    """What the session had cost when a turn began: the turn's own cost is the rest."""

    cost_cents: float | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of the owner and everything the agent does until it is idle, stopped or failed."""

    id: TurnId
    thread_id: ThreadId
    owner: Member
    state: TurnState
    send_state: SendState
    task: str
    """What the owner asked; sealed at rest, erased once the turn is over."""
    source: MessageRef | None
    """The owner's own message, where there is one (reply, mention, DM)."""
    notice: MessageRef | None
    """The “queued” or “working” message with the Stop button, once posted."""
    stop_requested_by: UserId | None
    created_at: datetime
    started_at: datetime | None
    event_id: EventId | None = None
    """The request's event at the session, once it is known to be there."""
    usage_base: UsageBase | None = None
    outcome: str | None = None
    """How it ended, in a word of the domain's; None while it is open."""
    cost_cents: float | None = None
    files: tuple[Attachment, ...] = ()
    """What came with it; sealed at rest, erased once the turn is over."""
    is_readable: bool = True
    """False where what is sealed of it does not open: it has no words, and can only be ended."""


class OutputState(StrEnum):
    """Where a file that an agent left stands."""

    INTENDED = "intended"
    SHARED = "shared"
    LEFT = "left"
    """One too many."""


@dataclass(frozen=True, slots=True)
class Output:
    """A file of a session that is to come to its thread."""

    file_id: str
    turn_id: TurnId
    state: OutputState
    slack_id: str | None
    """Its id at Slack, once it is there."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A request that failed, kept to be asked again: at once, or when refused credentials are renewed."""

    turn_id: TurnId
    owner: Member
    services: tuple[str, ...]
    """The services that refused, by name; none where it failed otherwise."""
    task: str
    """Sealed at rest, erased with the row."""
    created_at: datetime
    files: tuple[Attachment, ...] = ()
    """What was attached to it; sealed at rest."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One Slack message of a turn's answer, streamed or edited.

    `ts` None is a stored intent: the stream may exist at Slack without our knowing its ts.
    """

    id: SegmentId
    turn_id: TurnId
    number: int
    ts: MessageTs | None
    is_stream: bool
    is_open: bool
    text_from: int
    """Where in the turn's answer this segment's text begins, in characters."""
    text_to: int | None
    """Where it ends; None until sealed."""
    started_at: datetime
