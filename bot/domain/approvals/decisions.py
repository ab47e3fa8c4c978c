"""Handles the buttons of an approval card: allow, deny, always allow, details. Each click is checked again.

`lifecycle` delivers the decision to the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from bot.domain.access import policy
from bot.domain.access.admission import Admission
from bot.domain.approvals import always_allow
from bot.domain.approvals.cards import as_held
from bot.domain.approvals.held_calls import HeldCalls
from bot.domain.approvals.record_decision import DecisionToRecord, entry, settle, settle_by_allowance
from bot.domain.approvals.rules import ApprovalRule, FindRule
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.model.commands import AllowAll, DecideApproval, ExplainDenial, ShowApproval, Verdict
from bot.model.errors import NotPermitted, Refusal, Refused
from store import approvals, audit, threads, turns
from store.errors import NotFound
from store.records import OPEN_TURN_STATES, Approval, ApprovalId, ApprovalState, Thread, ThreadId, Turn

ALL_MAX = 20
"""Decisions that one click may make."""


class ApprovalDecisions:
    """The decisions of owners and, after them, of second approvers."""

    def __init__(
        self,
        context: DomainContext,
        *,
        find_rule: FindRule,
        filtering: FilterService,
        admission: Admission,
        lifetime: timedelta,
    ) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._calls = HeldCalls(context.agents)
        self._find_rule = find_rule
        self._filtering = filtering
        self._admission = admission
        self._lifetime = lifetime

    async def decide(
        self, command: DecideApproval, wake: Callable[[str], None], judged: set[ThreadId] | None = None
    ) -> None:
        """Record a decision of the owner or, after them, of the second approver, once. Raises `NotPermitted`.

        `judged` collects the threads whose audience was checked, for a click that decides several calls.
        """
        approval, turn, thread, rule = await self._find(command.approval_id)
        now, by = self._clock.now(), command.member
        # Judged by the stored rows at each click: hiding buttons is only a courtesy, and anybody can press one
        # (docs/reference/slack.md#interactions).
        policy.require(policy.may_decide(by, approval, turn, command.shown_hash, now, approvers=rule.approvers))
        if command.verdict is Verdict.DENY:
            if command.reason is not None:
                # A denial must always arrive, so filters mask its reason and never refuse it.
                command = replace(command, reason=await self._filtering.words(by, command.reason))
            await self._take(thread, approval, _settling(ApprovalState.DENIED, command))
        else:
            policy.require(policy.may_allow(by, approval, turn, rule.approvers))
            if judged is None or thread.id not in judged:
                # A yes leads to an answer in the thread, maybe hours after the request: others may read along by now.
                await self._admission.require_audience(thread)
            if judged is not None:
                judged.add(thread.id)
            if command.is_remembered:
                policy.require(policy.may_remember(approval, is_permitted=rule.may_remember))
            # The owner comes first: an approver's yes to a call that its owner has not read would put pressure on them
            # (docs/decisions/0024-a-second-approver-comes-after-the-owner.md).
            if approval.second is not None and policy.is_same_person(by, thread.owner):
                await self._allow_first(thread, approval, command)
            else:
                await self._take(thread, approval, _settling(ApprovalState.ALLOWED, command), command, rule)
        wake(thread.id)

    async def allow_all(self, command: AllowAll, wake: Callable[[str], None]) -> None:
        """Allow several calls, leaving out those that can no longer be allowed. Raises `NotPermitted` if none can."""
        refused: NotPermitted | None = None
        count, judged = 0, set[ThreadId]()
        for shown in command.shown.split(",")[:ALL_MAX]:
            approval_id, _, shown_hash = shown.partition(":")
            one = DecideApproval(command.member, ApprovalId(approval_id), Verdict.ALLOW, shown_hash, command.place)
            try:
                await self.decide(one, wake, judged)
                count += 1
            except NotPermitted as error:
                refused = error
        if refused is not None and not count:
            raise refused

    async def show(self, command: ShowApproval) -> None:
        """Open a call's arguments, as the session has them now. Raises `NotPermitted` for who may not see them."""
        approval, turn, thread, rule = await self._find(command.approval_id)
        policy.require(policy.may_see_call(command.member, approval, turn, rule.approvers))
        call = await self._calls.read(approval)
        # Without proof that it is the same call, nobody is shown arguments to decide about.
        if call is None:
            raise NotPermitted(Refused(Refusal.APPROVAL_CHANGED))
        shown = replace(as_held(approval, call, rule), is_over=turn.state not in OPEN_TURN_STATES)
        await self._screen.show_call(command, thread, shown)

    async def explain(self, command: ExplainDenial) -> None:
        """Open the form for a denial's reason. Raises `NotPermitted`."""
        approval, turn, _, rule = await self._find(command.approval_id)
        now = self._clock.now()
        policy.require(
            policy.may_decide(command.member, approval, turn, command.shown_hash, now, approvers=rule.approvers)
        )
        await self._screen.ask_reason(command.trigger_id, approval)

    async def _take(
        self,
        thread: Thread,
        approval: Approval,
        settling: DecisionToRecord,
        command: DecideApproval | None = None,
        rule: ApprovalRule | None = None,
    ) -> None:
        """Store a decision; with “always allow” it also settles the tool's other calls that wait."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            # The compare-and-set decides between two clicks; everything before it was only advice.
            if not await settle(tx, thread, approval, settling, now):
                raise NotPermitted(Refused(Refusal.APPROVAL_SETTLED))
            if command is not None and rule is not None and command.is_remembered:
                await always_allow.give(tx, thread, approval, rule, now)
                for other in await approvals.list_pending(tx, approval.turn_id):
                    if (other.service, other.tool) == (approval.service, approval.tool):
                        await settle_by_allowance(tx, thread, other, rule, now)

    async def _allow_first(self, thread: Thread, approval: Approval, command: DecideApproval) -> None:
        now, by = self._clock.now(), command.member.user_id
        async with self._database.transaction() as tx:
            is_first = await approvals.allow_first(
                tx, approval.id, by=by, shown_hash=command.shown_hash, now=now, expires_at=now + self._lifetime
            )
            if not is_first:
                raise NotPermitted(Refused(Refusal.APPROVAL_SETTLED))
            await audit.record(tx, entry(thread, approval, "allowed_first", by, now))

    async def _find(self, approval_id: ApprovalId) -> tuple[Approval, Turn, Thread, ApprovalRule]:
        try:
            async with self._database.transaction() as tx:
                approval = await approvals.get(tx, approval_id)
                turn = await turns.get(tx, approval.turn_id)
                thread = await threads.get(tx, turn.thread_id)
                return approval, turn, thread, await self._find_rule(tx, thread, approval.service, approval.tool)
        except NotFound as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error


def _settling(state: ApprovalState, command: DecideApproval) -> DecisionToRecord:
    return DecisionToRecord(state, command.member.user_id, command.reason, command.shown_hash)
