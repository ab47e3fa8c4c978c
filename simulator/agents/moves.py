"""The moves that the scripted model can make, and what it knows when it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tool:
    """A tool that the model may use; `server` names its MCP server, None a built-in tool."""

    name: str
    server: str | None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The result of a call in this turn."""

    tool: str
    arguments: Mapping[str, Any]
    text: str
    is_error: bool
    is_denied: bool = False
    deny_message: str | None = None


@dataclass(frozen=True)
class View:
    """What the model knows when it decides."""

    words: str
    earlier: tuple[str, ...] = ()
    tools: Mapping[str, Tool] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    step: int = 0
    """The number of model requests in this turn so far."""
    has_budget: bool = False


@dataclass(frozen=True)
class Think:
    """Sends `agent.thinking`."""


@dataclass(frozen=True)
class Say:
    """Sends `agent.message`, streamed."""

    text: str


@dataclass(frozen=True)
class Use:
    """A tool call; `server` names an MCP server, None a built-in tool."""

    tool: str
    arguments: Mapping[str, Any]
    server: str | None
    thread_id: str | None = None
    """The thread of the sub-agent that makes the call. The call is posted to the main thread as well, its result is not
    (docs/reference/managed-agents.md#sub-agents)."""


@dataclass(frozen=True)
class Wait:
    """Lets time pass."""

    seconds: float


@dataclass(frozen=True)
class Fail:
    """The model does not respond: a `session.error` for each of these retry statuses."""

    error: str
    statuses: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """Ends the turn with this stop reason; `terminated` ends the session."""

    reason: str


@dataclass(frozen=True)
class Spend:
    """Uses up the session's budget."""


@dataclass(frozen=True)
class Reschedule:
    """Moves the session to another machine."""


@dataclass(frozen=True)
class Inject:
    """Sends an event that the SDK does not know yet."""

    event: Mapping[str, Any]


Move = Think | Say | Use | Wait | Fail | Stop | Spend | Reschedule | Inject
