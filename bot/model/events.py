"""What an agent can do: made by `bot.agents.translate`, read by `reducer.step`.

Each event carries the API's event id if it has one, so that a second copy is recognised. The SDK's own types go no
further than `bot.agents`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from store.records import EventId

UNNAMED_SERVICE = "?"
"""The service of an MCP tool call if the API does not name one. No service can have this name."""


class Permission(StrEnum):
    """`evaluated_permission` of a tool call: it runs, it waits for a decision, or it is refused."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"
    UNTOLD = "untold"
    """The API did not say; the call counts as held once the session waits for it."""


class Retry(StrEnum):
    """`retry_status` of a session error. Only `terminal` ends the session; none of them ends the turn by itself.

    See docs/reference/managed-agents.md#session-errors.
    """

    RETRYING = "retrying"
    EXHAUSTED = "exhausted"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool use: the service, the tool and its arguments."""

    id: EventId
    service: str | None
    """The MCP server's name; None for a built-in tool."""
    name: str
    arguments: Mapping[str, object] = field(hash=False)
    permission: Permission = Permission.ALLOW
    is_ours_to_answer: bool = False
    """A custom tool, whose result the client would have to send. Deputy offers none, so it refuses the call."""
    title: str = ""
    """The tool's title for people, by its service's own claim; shown beside the name, never instead of it."""


@dataclass(frozen=True, slots=True)
class RequestEchoed:
    """A `user.message`; `marker` is the turn id that it carries, None if Deputy did not send it for a turn."""

    id: EventId
    marker: str | None
    is_processed: bool
    """False while it is queued at the session; the same id comes again once the session takes it up."""


@dataclass(frozen=True, slots=True)
class InterruptEchoed:
    """A `user.interrupt`; it has taken effect once `is_processed`."""

    id: EventId
    is_processed: bool


@dataclass(frozen=True, slots=True)
class DecisionEchoed:
    """A `user.tool_confirmation` that the session accepted."""

    id: EventId
    tool_use_id: EventId
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The session works on a turn (`session.status_running`)."""

    id: EventId


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model thinks, or has thought."""

    id: EventId


@dataclass(frozen=True, slots=True)
class DraftBegan:
    """A preview of message `message_id` began."""

    message_id: EventId


@dataclass(frozen=True, slots=True)
class DraftGrew:
    """More preview text of message `message_id`; replaced by its `TextWritten`."""

    message_id: EventId
    text: str


@dataclass(frozen=True, slots=True)
class TextWritten:
    """A whole message of the agent; it replaces the preview with the same id."""

    id: EventId
    text: str


@dataclass(frozen=True, slots=True)
class ModelRequestEnded:
    """A model request is over; previews that got no final message are void (after an interrupt, for example)."""

    id: EventId


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The agent called a tool; held when `call.permission` is `ask`."""

    id: EventId
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool answered. `text` is its raw text: the renderers shorten it and never show it as it is."""

    id: EventId
    tool_use_id: EventId
    is_error: bool
    text: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The running totals of the session since it began; `cost_cents` are US cents at list price."""

    id: EventId
    cost_cents: float | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class DecisionsNeeded:
    """The session is idle until the named calls are decided; it may name only some of those that wait."""

    id: EventId
    tool_use_ids: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class SessionIdle:
    """The session is idle for another reason: the turn is over.

    `reason` is the API's `stop_reason.type`; an unknown one is carried as it is.
    """

    id: EventId
    reason: str
    category: str | None = None
    """Of a `refusal`, from its `stop_details`."""


# The status events that follow say how the turn continues (docs/reference/managed-agents.md#session-errors).
@dataclass(frozen=True, slots=True)
class SessionTroubled:
    """`session.error`: by itself it does not end the turn."""

    id: EventId
    kind: str
    retry: Retry
    service: str | None = None


@dataclass(frozen=True, slots=True)
class SessionRescheduled:
    """The API moves the session; the turn continues by itself."""

    id: EventId


# In the same stream as the API's events, so that one loop handles both in order.
@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The session's stream cannot be read at the moment and is tried again. Deputy makes this event, not the API."""


@dataclass(frozen=True, slots=True)
class ConnectionBack:
    """The session can be read again after a `ConnectionLost`."""


@dataclass(frozen=True, slots=True)
class SessionGone:
    """The session was terminated or deleted and takes no more input."""

    id: EventId


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """An event type that this version does not know or need; never fatal."""

    id: EventId | None
    type: str


AgentEvent = (
    RequestEchoed
    | InterruptEchoed
    | DecisionEchoed
    | SessionStarted
    | Thinking
    | DraftBegan
    | DraftGrew
    | TextWritten
    | ModelRequestEnded
    | ToolStarted
    | ToolFinished
    | UsageReported
    | DecisionsNeeded
    | SessionIdle
    | SessionTroubled
    | SessionRescheduled
    | ConnectionLost
    | ConnectionBack
    | SessionGone
    | Unrecognised
)
