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
    """Who can read a channel, as far as Slack tells."""

    count: int | None = None
    is_shared: bool = False
    """Another organisation reads it too."""
    organisations: tuple[str, ...] = ()
    """The names of the others, if they are known."""


@dataclass(frozen=True, slots=True)
class Offered:
    """The services of a thread's agent, by name."""

    services: tuple[str, ...] = ()
    """Connected by the owner, and used."""
    missing: tuple[str, ...] = ()
    """Not connected, though the owner could."""
    withheld: tuple[str, ...] = ()
    """Connected, but set to be used in private threads only."""


@dataclass(frozen=True, slots=True)
class AnsweredPrivately:
    """A request from a channel is answered in direct messages."""


@dataclass(frozen=True, slots=True)
class MaskedInRequest:
    """Filters took something out of a request before the agent got it; `what` has the filters' descriptions."""

    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TurnsStopping:
    """`count` turns are being stopped; 0 if nothing was running."""

    count: int
    # An admin may stop others' turns and must not read what was asked.
    titles: tuple[str, ...] = ()
    """The threads' titles, in the owner's words; only filled in for the owner."""


@dataclass(frozen=True, slots=True)
class TurnPicker:
    """`/agent stop` with several running turns."""

    turns: tuple[RunningTurn, ...]


@dataclass(frozen=True, slots=True)
class AsideOffered:
    """To the owner: somebody else wrote in their thread, and the owner may pass it to their agent."""

    aside_id: str
    author: UserId
    text: str
    files: tuple[str, ...] = ()
    """Names of the attached files, which are passed on too."""


@dataclass(frozen=True, slots=True)
class AsideSettled:
    """The owner's choice about an aside."""

    is_passed: bool


@dataclass(frozen=True, slots=True)
class EditUnseen:
    """The message was edited after the agent had begun, so the agent works with the old words."""


@dataclass(frozen=True, slots=True)
class ThreadActsAs:
    """To somebody who is not the owner: this thread acts as its owner, they can start their own."""

    owner: UserId
    quote_id: str = ""
    """The id of their stored words, for the form; empty if there were none."""


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """A failed request is asked again, in its own thread."""

    thread: Thread


@dataclass(frozen=True, slots=True)
class Thanks:
    """Thanks for feedback about an answer."""

    is_good: bool
