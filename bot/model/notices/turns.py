"""Notices about the agent's work and who can read it."""

from __future__ import annotations

from dataclasses import dataclass

from store.records import Thread, Turn, UserId


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
class AskedAgain:
    """What had failed is asked again, in its own thread."""

    thread: Thread


@dataclass(frozen=True, slots=True)
class Thanks:
    """For feedback."""

    is_good: bool
