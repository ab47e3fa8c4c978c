"""Commands that only show something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.model.commands.place import Place
from bot.model.commands.traits import CommandTraits
from store.records import Member


@dataclass(frozen=True, slots=True)
class ShowStatus(CommandTraits):
    """Show the member their connections, running turns and waiting approvals."""

    only_looks: ClassVar[bool] = True
    member: Member
    place: Place


@dataclass(frozen=True, slots=True)
class ShowHelp(CommandTraits):
    """Show the member what they can do; `unknown` is a subcommand that does not exist, `words` all that was typed."""

    only_looks: ClassVar[bool] = True
    member: Member
    place: Place
    unknown: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class ShowHome(CommandTraits):
    """Publish the member's App Home."""

    only_looks: ClassVar[bool] = True
    member: Member
