"""Commands that only show something."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.commands.place import Place
from store.records import Member


@dataclass(frozen=True, slots=True)
class ShowStatus:
    """Tell the member their connections, running turns and waiting approvals."""

    member: Member
    place: Place


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """Tell the member what they can do; `unknown` is a word nobody knows, `words` all that was typed."""

    member: Member
    place: Place
    unknown: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class ShowHome:
    """Publish the member's App Home."""

    member: Member
