"""Builds what holds calls until people have decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.access.admission import Admission
from bot.domain.approvals.always_allow import AlwaysAllow
from bot.domain.approvals.decisions import ApprovalDecisions
from bot.domain.approvals.lifecycle import ApprovalLifecycle
from bot.domain.approvals.rules import ApprovalRules
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.domain.sessions.build import Sessions


@dataclass(frozen=True, slots=True)
class Approvals:
    """What holds for a call, what becomes of one that is held, and what people decide."""

    rules: ApprovalRules
    lifecycle: ApprovalLifecycle
    decisions: ApprovalDecisions
    allowances: AlwaysAllow


def build_approvals(
    context: DomainContext,
    filters: FilterService,
    access: Admission,
    sessions: Sessions,
    lifetime: timedelta,
) -> Approvals:
    """Build it on the sessions, which are told what was decided. `lifetime`: how long a question waits."""
    rules = ApprovalRules(context)
    return Approvals(
        rules,
        ApprovalLifecycle(context, sessions=sessions.threads, find_rule=rules, lifetime=lifetime),
        ApprovalDecisions(context, find_rule=rules, filtering=filters, admission=access, lifetime=lifetime),
        AlwaysAllow(context),
    )
