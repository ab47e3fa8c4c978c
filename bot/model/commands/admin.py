"""Commands of admins, requests to them, and what Slack says of people and workspaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bot.model.commands.place import Place
from bot.model.commands.traits import CommandTraits
from store.records import Member


@dataclass(frozen=True, slots=True)
class LeaveWorkspace(CommandTraits):
    """Slack says that Deputy was removed from the workspace: void every link that is out."""

    workspace_id: str


@dataclass(frozen=True, slots=True)
class UseSettings(CommandTraits):
    """An admin opens the settings, or presses something in them."""

    needs_trigger: ClassVar[bool] = True
    member: Member
    place: Place
    verb: str
    argument: str
    trigger_id: str
    view_id: str = ""
    """The view that was pressed in; empty where the settings are not open yet."""


@dataclass(frozen=True, slots=True)
class SubmitSettings(CommandTraits):
    """An admin sends a form of the settings; answered in the same request, so never kept for later."""

    member: Member
    callback: str
    metadata: dict[str, Any]
    """What the form was drawn with; looked at, never believed."""
    values: dict[str, str | list[str] | None]
    """Block of the field → what is in it."""
    view_id: str
    previous_view_id: str = ""


@dataclass(frozen=True, slots=True)
class AskRaise(CommandTraits):
    """A member asks the admins to raise a budget that is used up."""

    member: Member
    budget: str
    """As the refusal named it: `member/U0ANN`, `channel/C0123`, `workspace/`."""
    place: Place


@dataclass(frozen=True, slots=True)
class OpenRaise(CommandTraits):
    """An admin opens the form that raises a budget."""

    needs_trigger: ClassVar[bool] = True
    member: Member
    shortfall_id: str
    trigger_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class DeclineRaise(CommandTraits):
    """An admin says that a budget is not raised now."""

    member: Member
    shortfall_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class DeactivateMember(CommandTraits):
    """Slack says this person is gone, or a guest now: stop their turns, void their links, delete their vault."""

    workspace_id: str
    user_id: str
