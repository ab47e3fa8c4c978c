"""What `reducer.step` takes and returns: all that is known of a running turn, and what is to be done. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.model import events as e
from bot.model.progress import Activity, Progress, Usage
from store.records import EventId, TurnId


@dataclass(frozen=True, slots=True)
class ReducerState:
    """All that is known of a running turn; made from nothing but its events, so it can be made again."""

    turn_id: TurnId
    usage_base: Usage = field(default_factory=Usage)
    """What the session had cost before this turn."""
    progress: Progress = field(default_factory=Progress)
    has_begun: bool = False
    """True once the session took up this turn's request: what comes before belongs to older turns."""
    is_queued: bool = False
    """True once the session has the request and has not said that it took it up, which it may leave out."""
    is_free: bool = False
    """True once the session is known to be at nothing older: what it does next is this turn's."""
    unclaimed: tuple[e.AgentEvent, ...] = ()
    """What came last before the turn began, since the session was idle: ours, if nothing more comes. See `claim`."""
    is_unclaimed_older: bool = False
    """True when that is known to be another request's."""
    others: frozenset[EventId] = field(default=frozenset())
    """Other requests, and interrupts from before; the API may say later than it was so that one was taken up."""
    is_stopping: bool = False
    """True once somebody asked for an end and the session was interrupted."""
    is_interrupted: bool = False
    """True once the session says that it took an interrupt up."""
    has_ended: bool = False
    is_at_rest: bool = False
    """True when the session itself said that it is at nothing more: it need not be interrupted."""
    before_loss: Activity | None = None
    """What the agent was at when the connection was lost."""
    trouble: str | None = None
    """The kind of the last error that the session did not get over by itself."""
    drafting: EventId | None = None
    written: frozenset[EventId] = field(default=frozenset())
    """Messages whose final text is in `progress.text`."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Ask the owner about this call; the same one may come again."""

    call: e.ToolCall


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer a call of a tool that Deputy does not offer; the same one may come again."""

    call: e.ToolCall


@dataclass(frozen=True, slots=True)
class LookFor:
    """The session waits for an answer to a call that nobody has seen: read it again, or else deny it."""

    call_id: EventId


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Interrupt the session once more: the first one came before the request was taken up, and passed it by."""


Action = Hold | Refuse | LookFor | Interrupt
"""What only the loop can do; that the turn waits for people or has ended, it reads in the state."""
Step = tuple[ReducerState, tuple[Action, ...]]
