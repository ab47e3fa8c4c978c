"""“Always allow in this thread”: granted with a decision, applied to later calls, revoked in App Home.

It holds for one thread, service and tool definition, and ends as soon as the rules no longer permit it.
"""

from __future__ import annotations

from datetime import datetime

from bot.domain.approvals.rules import ApprovalRule
from bot.domain.context import DomainContext
from bot.model.commands import RevokeAllowance
from bot.model.errors import NotPermitted, Refusal, Refused
from bot.model.notices import AllowanceRevoked
from store import allowances, audit
from store.database import Tx
from store.ids import new_id
from store.records import Allowance, AllowanceId, Approval, AuditEntry, Member, Thread


async def give(tx: Tx, thread: Thread, approval: Approval, rule: ApprovalRule, now: datetime) -> Allowance:
    """Store the owner's “always allow” for a call's tool, in the transaction of their decision."""
    wanted = Allowance(
        id=AllowanceId(new_id("alw")),
        thread_id=thread.id,
        owner=thread.owner,
        service=approval.service,
        tool=approval.tool,
        tool_hash=rule.tool_hash,
        given_at=now,
    )
    given = await allowances.give(tx, wanted)
    details = {"service": given.service or "built-in", "tool": given.tool, "thread": thread.id}
    await audit.record(tx, _entry(thread.owner, given.id, "allowance.given", details, now))
    return given


async def find_valid(tx: Tx, thread: Thread, approval: Approval, rule: ApprovalRule) -> Allowance | None:
    """Return the “always allow” for this call if the rule still permits it and the tool is the same, else None."""
    if not rule.may_remember or approval.second is not None:
        return None
    found = await allowances.find(tx, thread.id, approval.service, approval.tool)
    # The owner allowed the tool as it was then; a changed one asks again.
    return found if found is not None and found.tool_hash == rule.tool_hash else None


class AlwaysAllow:
    """Revokes an “always allow”, which its owner may do at any time."""

    def __init__(self, context: DomainContext) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen

    async def revoke(self, command: RevokeAllowance) -> None:
        """Revoke it, so that the tool asks again from its next call on. Raises `NotPermitted` if it is gone."""
        now, member = self._clock.now(), command.member
        async with self._database.transaction() as tx:
            is_revoked = await allowances.revoke(tx, command.allowance_id, member, now)
            if is_revoked:
                await audit.record(tx, _entry(member, command.allowance_id, "allowance.revoked", {}, now))
        if not is_revoked:
            raise NotPermitted(Refused(Refusal.GONE))
        if not command.place.is_direct:
            await self._screen.tell(member, command.place, AllowanceRevoked())


def _entry(member: Member, subject: str, action: str, details: dict[str, str], now: datetime) -> AuditEntry:
    return AuditEntry(now, member.workspace_id, member.user_id, action, subject, details)
