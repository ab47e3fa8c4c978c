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
    """The member's own message if it becomes the thread's root (a mention or direct message)."""
    is_private: bool = False
    profile: str | None = None
    quoted: str | None = None
    """Somebody's message that the task is about: untrusted context, never an instruction."""
    quoted_by: UserId | None = None
    """Who wrote that message."""
    quote_id: str | None = None
    """The id of the stored message instead of both: a form's `private_metadata` is too small for it."""
    about: MessageRef | None = None
    """The root of a thread that the task is about; its messages before `source` are read when the turn starts."""
    files: tuple[Attachment, ...] = ()
    said: tuple[Said, ...] = ()
    """Others' words that came with the member's message: forwarded messages, what an app attached."""


@dataclass(frozen=True, slots=True)
class Reply(CommandTraits):
    """A message in a thread that Deputy knows or may know."""

    member: Member
    text: str
    place: Place
    source: MessageRef
    is_mention: bool = False
    files: tuple[Attachment, ...] = ()
    said: tuple[Said, ...] = ()
    """Others' words that came along: forwarded messages, what an app attached."""


@dataclass(frozen=True, slots=True)
class PassAside(CommandTraits):
    """The owner decides whether another member's words go to their agent."""

    member: Member
    aside_id: str
    is_passed: bool
    place: Place


@dataclass(frozen=True, slots=True)
class WithdrawRequest(CommandTraits):
    """The member deleted the message that started a turn."""

    member: Member
    source: MessageRef


@dataclass(frozen=True, slots=True)
class RewordRequest(CommandTraits):
    """The member edited the message that started a turn; with empty words it is withdrawn."""

    member: Member
    source: MessageRef
    text: str
    edited_ts: str = ""
    """Slack's time of the edit: events come in any order, and the latest edit counts."""
    written_in: Place | None = None
    is_mention: bool = False
    """Deputy is mentioned in it, or was before the edit."""
    heard: Reply | None = None
    """The request that the message has become if the edit added a mention."""


@dataclass(frozen=True, slots=True)
class HearMention(CommandTraits):
    """Slack's `app_mention`. The `message` event of the same message says more and nearly always comes too."""

    only_looks: ClassVar[bool] = True
    member: Member
    key: str
    """The key of the message, the same as in its `message` event, so that only one of the two counts."""
    reply: Reply
    judged_at: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class StopTurn(CommandTraits):
    """Stop a turn: the named one, or the thread's; without either the member picks one of those that run."""

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
    """Files of the quoted message; the agent gets them too."""
    quote_id: str | None = None
    """The id of the stored message, instead of the fields above."""
    is_private: bool = False
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class RateAnswer(CommandTraits):
    """Store a thumbs up or down under an answer."""

    only_looks: ClassVar[bool] = True
    member: Member
    turn_id: TurnId
    is_good: bool
    place: Place


@dataclass(frozen=True, slots=True)
class AskAgain(CommandTraits):
    """Ask a failed request again, as it was: after an outage, or once a refused credential was renewed."""

    member: Member
    turn_id: TurnId
    place: Place
