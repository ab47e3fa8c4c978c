"""Commands of admins, requests to them, and what Slack says of people and workspaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bot.model.commands.place import Place
from bot.model.commands.traits import CommandTraits
from store.records import Member


@dataclass(frozen=True, slots=True)
class LeaveWorkspace(CommandTraits):
    """Slack says that Deputy was removed from the workspace: void every open link to connect."""

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
    """The modal in which something was pressed; empty if the settings are not open yet."""


@dataclass(frozen=True, slots=True)
class SubmitSettings(CommandTraits):
    """An admin submits a form of the settings; answered in the same request, so never stored for later."""

    member: Member
    callback: str
    metadata: dict[str, Any]
    """The form's `private_metadata`: it comes back from Slack, so it is checked like any input."""
    values: dict[str, str | list[str] | None]
    """`block_id` of a field → its value."""
    view_id: str
    previous_view_id: str = ""


@dataclass(frozen=True, slots=True)
class AskRaise(CommandTraits):
    """A member asks the admins to raise a budget that is used up."""

    member: Member
    budget: str
    """As the refusal's button carried it: `member/U0ANN`, `channel/C0123`, `workspace/`."""
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
    """An admin decides not to raise a budget for now."""

    member: Member
    shortfall_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class DeactivateMember(CommandTraits):
    """Slack says that this person left or became a guest: stop their turns, void their links, delete their vault."""

    workspace_id: str
    user_id: str
