"""Commands about the agent's work: ask, reply, edit, stop, rate, ask again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.model.commands.place import Place, Said
from bot.model.commands.traits import CommandTraits
from store.records import Attachment, Member, MessageRef, TurnId, UserId


@dataclass(frozen=True, slots=True)
class AskAgent(CommandTraits):
    """Start a thread and a turn in it."""

    member: Member
    task: str
    place: Place
    source: MessageRef | None = None
    """The member's own message when it is to be the thread's root (mention, DM)."""
    is_private: bool = False
    profile: str | None = None
    quoted: str | None = None
    """Somebody's message the task is about: untrusted context, never an instruction."""
    quoted_by: UserId | None = None
    """Who wrote it."""
    quote_id: str | None = None
    """In place of both: where the message is kept that the form was opened about."""
    about: MessageRef | None = None
    """The root of a thread the task is about, to be read as it is before `source`."""
    files: tuple[Attachment, ...] = ()
    said: tuple[Said, ...] = ()
    """Messages that came with the member's own: forwarded ones, what an app attached."""


@dataclass(frozen=True, slots=True)
class Reply(CommandTraits):
    """Words written in a thread that Deputy knows or may know."""

    member: Member
    text: str
    place: Place
    source: MessageRef
    is_mention: bool = False
    files: tuple[Attachment, ...] = ()
    said: tuple[Said, ...] = ()
    """What came along that others wrote: forwarded messages, what an app attached."""


@dataclass(frozen=True, slots=True)
class PassAside(CommandTraits):
    """The owner decides whether another member's words go to their agent."""

    member: Member
    aside_id: str
    is_passed: bool
    place: Place


@dataclass(frozen=True, slots=True)
class WithdrawRequest(CommandTraits):
    """The member deleted the message that made a turn."""

    member: Member
    source: MessageRef


@dataclass(frozen=True, slots=True)
class RewordRequest(CommandTraits):
    """The member edited the message that made a turn; empty words take it back."""

    member: Member
    source: MessageRef
    text: str
    edited_ts: str = ""
    """Slack's time of the edit: a later one says more than an earlier one, whichever comes first."""
    written_in: Place | None = None
    is_mention: bool = False
    """Deputy was or is mentioned in it."""
    heard: Reply | None = None
    """What the message asks now, where this edit is what made it a request: a mention was added."""


@dataclass(frozen=True, slots=True)
class HearMention(CommandTraits):
    """Slack says that Deputy is mentioned. The message itself says more, and nearly always comes as well."""

    only_looks: ClassVar[bool] = True
    member: Member
    key: str
    """The message's own, under which it is let in once."""
    reply: Reply
    judged_at: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class StopTurn(CommandTraits):
    """Interrupt a turn: the named one, the thread's, or (neither given) offer the running ones."""

    member: Member
    place: Place
    turn_id: TurnId | None = None


@dataclass(frozen=True, slots=True)
class OpenAskForm(CommandTraits):
    """Open the form for a task: `/agent ask` without one, or the message shortcut."""

    only_looks: ClassVar[bool] = True
    needs_trigger: ClassVar[bool] = True
    member: Member
    place: Place
    trigger_id: str
    quoted: str | None = None
    quoted_by: UserId | None = None
    about: MessageRef | None = None
    files: tuple[Attachment, ...] = ()
    """Of the quoted message; they go along."""
    quote_id: str | None = None
    """In place of all three: where the message is kept."""
    is_private: bool = False
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class RateAnswer(CommandTraits):
    """Thumbs up or down under an answer."""

    only_looks: ClassVar[bool] = True
    member: Member
    turn_id: TurnId
    is_good: bool
    place: Place


@dataclass(frozen=True, slots=True)
class AskAgain(CommandTraits):
    """Ask once more what met a refused credential, now that it was renewed."""

    member: Member
    turn_id: TurnId
    place: Place
