"""Held tool calls of a turn: asks the owner, delivers the decision to the session, denies what nobody decided in time.

`decisions` records a decision once; its delivery is repeated until the session has it. `cards` and `second_approver`
show it in Slack.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.domain.approvals.cards import ApprovalCards
from bot.domain.approvals.held_calls import HeldCalls, hash_call
from bot.domain.approvals.record_decision import DecisionToRecord, entry, settle, settle_by_allowance
from bot.domain.approvals.rules import ApprovalRule, FindRule
from bot.domain.approvals.second_approver import SecondApprovers
from bot.domain.context import DomainContext
from bot.domain.quoting import with_quoted
from bot.domain.sessions.sessions import ThreadSessions
from bot.model.agent_prompts import CALL_CHANGED, CALL_DENIED, CALL_EXPIRED, CALL_NOT_SECONDED
from bot.model.commands import Said, Verdict
from bot.model.errors import AlreadyDecided, SessionLost, SlackRejected, Unavailable
from bot.model.events import ToolCall
from bot.model.notices import ApprovalWaiting
from store import approvals, audit
from store.ids import new_id
from store.records import Approval, ApprovalId, ApprovalState, Second, SessionId, Thread, Turn

log = structlog.get_logger(__name__)


class ApprovalLifecycle:
    """The approvals of all turns; a turn's driver calls `attend` for them."""

    def __init__(
        self,
        context: DomainContext,
        *,
        sessions: ThreadSessions,
        find_rule: FindRule,
        lifetime: timedelta,
    ) -> None:
        self._database, self._clock = context.database, context.clock
        self._agents, self._screen = context.agents, context.screen
        self._sessions = sessions
        self._find_rule = find_rule
        self._lifetime = lifetime
        self._home_changes = context.home_changes
        # Only spares calls to Slack: after a restart the reminder's own marker is found.
        self._reminded: set[ApprovalId] = set()
        self._calls = HeldCalls(context.agents)
        self._cards = ApprovalCards(context, calls=self._calls, find_rule=find_rule)
        self._second_approvers = SecondApprovers(context, calls=self._calls, find_rule=find_rule)

    async def hold(self, thread: Thread, turn: Turn, session_id: SessionId, call: ToolCall) -> None:
        """Store a held call as an approval, decided already if “always allow” covers it. Idempotent."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            rule = await self._find_rule(tx, thread, call.service, call.name)
            approval = await approvals.hold(tx, self._wanted(turn, session_id, call, rule))
            # In the same transaction, so that nobody is asked about a call that “always allow” covers.
            if approval.state is ApprovalState.PENDING:
                await settle_by_allowance(tx, thread, approval, rule, now)
        self._calls.remember(approval, call)
        self._home_changes.add(turn.owner.workspace_id, turn.owner.user_id)

    async def attend(self, thread: Thread, turn: Turn) -> datetime | None:
        """Expire, deliver, show and remind; return when to call this again, None if nothing is due.

        Raises `Unavailable`; the caller calls it again after a while.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            pending = await approvals.list_pending(tx, turn.id)
        for approval in pending:
            # Before anything is shown: a card must not offer a decision that would be refused.
            if now >= approval.expires_at:
                await self._settle(thread, approval, DecisionToRecord(ApprovalState.EXPIRED))
        async with self._database.transaction() as tx:
            undelivered = await approvals.list_undelivered(tx, turn.id)
        try:
            for approval in undelivered:
                await self._deliver(thread, approval)
        except Unavailable:
            await self._cards.draw(thread, turn)  # shows that the decision is stored and not sent yet
            raise
        await self._cards.draw(thread, turn)
        await self._second_approvers.attend(thread, turn)
        await self._remind(thread, turn, now)
        due = (when for approval in pending for when in (self._half_time(approval), approval.expires_at))
        return min((when for when in due if when > now), default=None)

    async def withdraw(self, thread: Thread, turn: Turn) -> None:
        """Settle all pending approvals of a turn that ends, and show that. Raises `SlackUnavailable`."""
        await self.close_pending(thread, turn)
        try:
            await self._cards.settle(thread, turn)
        except SlackRejected as error:
            # Decisions stand even when Slack cannot show them.
            log.warning("card_not_settled", turn=turn.id, error=error.code)
        await self._second_approvers.attend(thread, turn)

    async def close_pending(self, thread: Thread, turn: Turn) -> None:
        """Settle all pending approvals of a turn that is being stopped, without waiting for Slack."""
        async with self._database.transaction() as tx:
            pending = await approvals.list_pending(tx, turn.id)
        for approval in pending:
            if await self._settle(thread, approval, DecisionToRecord(ApprovalState.WITHDRAWN)):
                await self._mark_delivered(approval)

    def _wanted(self, turn: Turn, session_id: SessionId, call: ToolCall, rule: ApprovalRule) -> Approval:
        return Approval(
            id=ApprovalId(new_id("apr")),
            turn_id=turn.id,
            session_id=session_id,
            tool_use_id=call.id,
            service=call.service,
            tool=call.name,
            arguments_hash=hash_call(call, session_id),
            state=ApprovalState.PENDING,
            card=None,
            decided_by=None,
            reason=None,
            expires_at=self._clock.now() + self._lifetime,
            is_delivered=False,
            second=Second(rule.second) if rule.second else None,
        )

    def _half_time(self, approval: Approval) -> datetime:
        return approval.expires_at - self._lifetime / 2

    async def _remind(self, thread: Thread, turn: Turn, now: datetime) -> None:
        """Remind the owner by direct message of everything that waits, once. Raises `SlackUnavailable`."""
        async with self._database.transaction() as tx:
            waiting = [one for one in await approvals.list_pending(tx, turn.id) if not one.is_confirming]
        overdue = [one for one in waiting if now >= self._half_time(one) and one.id not in self._reminded]
        if not overdue or thread.is_private:
            return
        notice, marker = ApprovalWaiting(thread, overdue[0], len(waiting)), f"{overdue[0].id}:waiting"
        try:
            # A reminder that was sent before a restart is found. It covers calls that were held since, too.
            await self._screen.message_once(thread.owner, notice, marker, self._half_time(overdue[0]))
        except SlackRejected as error:
            log.warning("reminder_not_sent", approval=overdue[0].id, code=error.code)
        self._reminded.update(approval.id for approval in waiting)

    async def _deliver(self, thread: Thread, approval: Approval) -> None:
        # Checked again right before a decision is sent, since a yes acts with the vault of that session.
        if not await self._sessions.is_owners(thread, approval.session_id):
            log.error("decision_not_sent", approval=approval.id, why="the session's vault is not the owner's")
            raise SessionLost
        verdict, reason = await self._verdict(thread, approval)
        try:
            await self._agents.send_decision(approval.session_id, approval.tool_use_id, verdict, reason)
        except AlreadyDecided:
            # An earlier attempt arrived although its answer was lost, or somebody decided in the Console.
            log.info("decision_already_delivered", approval=approval.id)
        await self._mark_delivered(approval)
        self._home_changes.add(thread.owner.workspace_id, thread.owner.user_id)

    async def _verdict(self, thread: Thread, approval: Approval) -> tuple[Verdict, str | None]:
        """Return what to send for a decision. Reads an allowed call again and denies it if it is not what was shown."""
        # A held call waits without end (docs/reference/managed-agents.md#held-tool-calls), so one that nobody decided
        # has to be denied.
        if approval.state is ApprovalState.EXPIRED:
            return Verdict.DENY, CALL_EXPIRED
        if approval.state is not ApprovalState.ALLOWED:
            is_seconds = approval.second is not None and approval.second.by is not None
            return Verdict.DENY, _of_second(approval.reason) if is_seconds else approval.reason or CALL_DENIED
        if await self._calls.read(approval) is not None:
            return Verdict.ALLOW, None
        async with self._database.transaction() as tx:
            await approvals.mark_changed(tx, approval.id, CALL_CHANGED)
            await audit.record(tx, entry(thread, approval, "changed", None, self._clock.now()))
        return Verdict.DENY, CALL_CHANGED

    async def _settle(self, thread: Thread, approval: Approval, settling: DecisionToRecord) -> bool:
        async with self._database.transaction() as tx:
            is_first = await settle(tx, thread, approval, settling, self._clock.now())
        self._home_changes.add(thread.owner.workspace_id, thread.owner.user_id)
        return is_first

    async def _mark_delivered(self, approval: Approval) -> None:
        async with self._database.transaction() as tx:
            await approvals.mark_delivered(tx, approval.id)


def _of_second(reason: str | None) -> str:
    """Return the reason of a second approver's no, quoted, so that the agent does not take it for its owner's words."""
    said = (Said("the second approver", reason),) if reason else ()
    return with_quoted(CALL_NOT_SECONDED, said)
