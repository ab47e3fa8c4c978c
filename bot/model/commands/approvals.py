"""Commands about held calls and about trust in a service's tools."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from bot.model.commands.place import Place
from bot.model.commands.traits import CommandTraits
from store.records import AllowanceId, ApprovalId, Member, ServiceName


class Verdict(StrEnum):
    """The API's own words for a decision on a held tool call."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class DecideApproval(CommandTraits):
    """Allow or deny one held call, as it was shown."""

    member: Member
    approval_id: ApprovalId
    verdict: Verdict
    shown_hash: str
    """The arguments hash on the card that was clicked: a decision holds for what was shown (docs/decisions/0015)."""
    place: Place
    reason: str | None = None
    is_remembered: bool = False
    """From now on the same tool runs without asking, in this thread."""


@dataclass(frozen=True, slots=True)
class AllowAll(CommandTraits):
    """Allow several held calls at once, each as it was shown."""

    member: Member
    shown: str
    """`<approval id>:<arguments hash>` of each, joined by commas, as the button carried them."""
    place: Place


@dataclass(frozen=True, slots=True)
class RevokeAllowance(CommandTraits):
    """Take back an “always allow”: ask about the tool again in that thread."""

    member: Member
    allowance_id: AllowanceId
    place: Place


@dataclass(frozen=True, slots=True)
class AcceptTools(CommandTraits):
    """An admin trusts a service's tools as the alert showed them."""

    member: Member
    service: ServiceName | str
    digest: str
    """Of the tools that were shown, so that nothing else is accepted."""
    place: Place


@dataclass(frozen=True, slots=True)
class ShowApproval(CommandTraits):
    """Open all the arguments of a held call in a modal, or turn to another page of them."""

    only_looks: ClassVar[bool] = True
    needs_trigger: ClassVar[bool] = True
    member: Member
    approval_id: ApprovalId
    trigger_id: str
    place: Place
    page: int = 0
    """Counted from 0."""
    view_id: str | None = None
    """The open modal in which the page is turned; None opens one."""


@dataclass(frozen=True, slots=True)
class ExplainDenial(CommandTraits):
    """Open the form that asks why a call is denied."""

    only_looks: ClassVar[bool] = True
    needs_trigger: ClassVar[bool] = True
    member: Member
    approval_id: ApprovalId
    shown_hash: str
    trigger_id: str
    place: Place
