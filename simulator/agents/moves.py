"""What the scripted model can do next, and what it sees when it decides.

Deciding is `model`; doing is `machine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tool:
    """A tool it may use: its MCP server (None: built in) and the names of its arguments."""

    name: str
    server: str | None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of a call in this turn."""

    tool: str
    arguments: Mapping[str, Any]
    text: str
    is_error: bool
    is_denied: bool = False
    deny_message: str | None = None


@dataclass(frozen=True)
class View:
    """All that the model knows."""

    words: str
    earlier: tuple[str, ...] = ()
    tools: Mapping[str, Tool] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    step: int = 0
    """How many model requests this turn had."""
    has_budget: bool = False


@dataclass(frozen=True)
class Think:
    """`agent.thinking`."""


@dataclass(frozen=True)
class Say:
    """`agent.message`, streamed."""

    text: str


@dataclass(frozen=True)
class Use:
    """A tool call; `server` names an MCP server, None a built-in tool."""

    tool: str
    arguments: Mapping[str, Any]
    server: str | None
    thread_id: str | None = None
    """The thread of the sub-agent that makes it: cross-posted, its result is not
    (docs/reference/managed-agents.md#sub-agents)."""


@dataclass(frozen=True)
class Wait:
    """Let time pass."""

    seconds: float


@dataclass(frozen=True)
class Fail:
    """The model cannot be reached: `session.error` with each of these retry statuses."""

    error: str
    statuses: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """End the turn for this reason; `terminated` ends the session."""

    reason: str


@dataclass(frozen=True)
class Spend:
    """Use the budget up."""


@dataclass(frozen=True)
class Reschedule:
    """The session moves to another machine."""


@dataclass(frozen=True)
class Inject:
    """An event that no SDK knows yet."""

    event: Mapping[str, Any]


Move = Think | Say | Use | Wait | Fail | Stop | Spend | Reschedule | Inject
