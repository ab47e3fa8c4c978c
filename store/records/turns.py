"""A turn: its request, the messages of its answer, and the files that it made."""

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
    """For decisions on held calls."""
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


OPEN_TURN_STATES = (TurnState.QUEUED, TurnState.RUNNING, TurnState.WAITING)
"""Not over."""


ACTIVE_TURN_STATES = (TurnState.RUNNING, TurnState.WAITING)
"""Begun and not over; a thread has one such turn at most."""


class SendState(StrEnum):
    """Whether the session has the request."""

    UNSENT = "unsent"
    SENDING = "sending"
    """In doubt: stored before it is sent, until the session's events show whether it arrived."""
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class UsageBase:
    """What the session had used when a turn began; subtracted, it gives the turn's own use."""

    cost_cents: float | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a thread's owner, and what the agent does for it until it is idle, stopped or failed."""

    id: TurnId
    thread_id: ThreadId
    owner: Member
    state: TurnState
    send_state: SendState
    task: str
    """What the owner asked; sealed at rest, erased once the turn is over."""
    source: MessageRef | None
    """The owner's message, where there is one (a reply, a mention, a direct message)."""
    notice: MessageRef | None
    """The “queued” or “working” message with the Stop button, once posted."""
    stop_requested_by: UserId | None
    created_at: datetime
    started_at: datetime | None
    event_id: EventId | None = None
    """The request's event in the session, once it is known to be there."""
    usage_base: UsageBase | None = None
    outcome: str | None = None
    """How it ended, as a word of the bot's; None while it is open."""
    cost_cents: float | None = None
    """US cents; None while it is open, and where the API did not tell."""
    files: tuple[Attachment, ...] = ()
    """The files that came with the request; sealed at rest, erased once the turn is over."""
    is_readable: bool = True
    """False: its sealed values do not open, so it has no words and can only be ended."""


class OutputState(StrEnum):
    """Whether a file that the agent made is in its thread."""

    INTENDED = "intended"
    SHARED = "shared"
    LEFT = "left"
    """It is not sent: there were too many."""


@dataclass(frozen=True, slots=True)
class Output:
    """A file that an agent made in its session, to be sent to the thread."""

    file_id: str
    turn_id: TurnId
    state: OutputState
    slack_id: str | None
    """Its file id at Slack, once it is uploaded."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A failed request that its owner can repeat: at once, or after they have renewed a refused credential."""

    turn_id: TurnId
    owner: Member
    services: tuple[str, ...]
    """The names of the services that refused a credential; empty where it failed for another reason."""
    task: str
    """Sealed at rest, erased with the row."""
    created_at: datetime
    files: tuple[Attachment, ...] = ()
    """The files that came with it; sealed at rest."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One Slack message of a turn's answer, streamed or edited."""

    id: SegmentId
    turn_id: TurnId
    number: int
    ts: MessageTs | None
    """None until Slack's answer is stored: the message may be there although its `ts` is not known."""
    is_stream: bool
    is_open: bool
    text_from: int
    """Where in the turn's answer this segment's text begins, in characters."""
    text_to: int | None
    """Where it ends; None until sealed."""
    started_at: datetime
