"""The state of a turn's answer: `reducer.step` builds it up, the renderers draw it. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bot.model.events import ToolCall


class TaskState(StrEnum):
    """Where one tool call stands."""

    RUNNING = "running"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Task:
    """One tool call as a line of the plan."""

    call: ToolCall
    state: TaskState
    result: str = ""
    """The tool's raw text, which the renderers shorten; empty until it has finished."""


class Activity(StrEnum):
    """What the agent is doing, for the status line."""

    STARTING = "starting"
    THINKING = "thinking"
    WORKING = "working"
    WRITING = "writing"
    WAITING = "waiting"
    RETRYING = "retrying"


class OutcomeKind(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    STOPPED = "stopped"
    REFUSED = "refused"
    BUDGET_REACHED = "budget_reached"
    RETRIES_EXHAUSTED = "retries_exhausted"
    SESSION_GONE = "session_gone"
    AGENTS_UNAVAILABLE = "agents_unavailable"
    """The API could not be reached and has not received the request."""
    LOST_TOUCH = "lost_touch"
    """The API can no longer be reached; it has the request and may have carried it out."""
    UNKNOWN_STOP = "unknown_stop"
    NOT_PERMITTED = "not_permitted"
    """The owner may not ask this, or no longer; the detail says why, as a `Refusal`."""
    UNREADABLE = "unreadable"
    """The stored request cannot be decrypted any more, and was never sent."""
    BROKEN = "broken"
    """A bug of ours, with a reference."""


# Not after a refusal, a stop or a used-up budget: those were decisions
# (docs/decisions/0030-what-failed-is-kept-to-be-asked-again.md).
MAY_BE_TRIED_AGAIN = frozenset({OutcomeKind.RETRIES_EXHAUSTED, OutcomeKind.AGENTS_UNAVAILABLE, OutcomeKind.BROKEN})
"""Ends that nobody decided on: the request is kept so that its owner can ask it again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a turn; the renderers have the words."""

    kind: OutcomeKind
    detail: str | None = None
    """A stop reason, a category or kind of error, or a reference; never upstream prose, which may quote anything."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one turn has cost so far, as the difference of the session's running totals."""

    cost_cents: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that a turn shows at one moment; each replaces the one before.

    `text` is final and only grows; `draft` is the preview after it and may change.
    """

    text: str = ""
    draft: str = ""
    tasks: tuple[Task, ...] = ()
    activity: Activity = Activity.STARTING
    needs_reconnect: tuple[str, ...] = ()
    """Services that refused the member's credential during this turn."""
    has_forgotten: bool = False
    """The thread's earlier session was gone, so the agent does not know what was said before."""
    usage: Usage = field(default_factory=Usage)
    outcome: Outcome | None = None
    withheld_by: str | None = None
    """What the filter looks for that matched in the answer; nothing of the answer is shown then."""

    @property
    def shown_text(self) -> str:
        """Return the answer as far as it is known."""
        return self.text + self.draft
