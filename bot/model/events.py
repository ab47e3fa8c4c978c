"""What an agent can do: past participles, made by `bot.agents.translate`, read by `reducer.step`.

Each carries the API's event id where it has one, so that a second copy is recognised.
No type of the SDK goes further than this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from store.records import EventId

UNNAMED_SERVICE = "?"
"""Whose tool it is where the API does not say: no service can have this name, and a built-in tool it is not."""


class Permission(StrEnum):
    """`evaluated_permission` of a tool call: may it run, must somebody decide, is it refused."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"
    UNTOLD = "untold"
    """The API did not say; the call is held if the session waits for it."""


class Retry(StrEnum):
    """`retry_status` of a session error: only `terminal` ends the session, none ends the turn alone."""

    RETRYING = "retrying"
    EXHAUSTED = "exhausted"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool use: whose tool, which, with what."""

    id: EventId
    service: str | None
    """The MCP server's name; None for a built-in tool."""
    name: str
    arguments: Mapping[str, object] = field(hash=False)
    permission: Permission = Permission.ALLOW
    is_ours_to_answer: bool = False
    """A custom tool: its result comes from the client. Deputy offers none, so it refuses."""
    title: str = ""
    """What its service calls it for people, where that is shown beside the name; the service's claim."""


@dataclass(frozen=True, slots=True)
class RequestEchoed:
    """A `user.message` of ours; `marker` is the turn id it carries, None for a foreign one."""

    id: EventId
    marker: str | None
    is_processed: bool
    """False while queued at the session; the same id comes again once it is taken up."""


@dataclass(frozen=True, slots=True)
class InterruptEchoed:
    """A `user.interrupt`, applied once `is_processed`."""

    id: EventId
    is_processed: bool


@dataclass(frozen=True, slots=True)
class DecisionEchoed:
    """A `user.tool_confirmation` that the session took."""

    id: EventId
    tool_use_id: EventId
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """`session.status_running`."""

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
    """A whole message of the agent: authoritative."""

    id: EventId
    text: str


@dataclass(frozen=True, slots=True)
class ModelRequestEnded:
    """A model request is over: previews without a final message are void."""

    id: EventId


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The agent called a tool; held when `call.permission` is `ask`."""

    id: EventId
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool answered; `text` is its raw text, for shortening, never shown as it is."""

    id: EventId
    tool_use_id: EventId
    is_error: bool
    text: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What the session has cost since it began."""

    id: EventId
    cost_cents: float | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class DecisionsNeeded:
    """The session is idle until the named calls are decided."""

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
    """Of a refusal."""


@dataclass(frozen=True, slots=True)
class SessionTroubled:
    """`session.error`: by itself it does not end the turn."""

    id: EventId
    kind: str
    retry: Retry
    service: str | None = None


@dataclass(frozen=True, slots=True)
class SessionRescheduled:
    """A transient interruption on the API's side; it goes on by itself."""

    id: EventId


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """What the session says cannot be read at the moment; it is tried again. Of our own making, not of the API's."""

    failures: int = 1


@dataclass(frozen=True, slots=True)
class ConnectionBack:
    """The session can be read again after a `ConnectionLost`."""


@dataclass(frozen=True, slots=True)
class SessionGone:
    """Terminated or deleted: no more input, ever."""

    id: EventId


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """An event type this version does not know, or does not care for: carried, never fatal."""

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
