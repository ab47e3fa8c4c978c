"""Held tool calls: the card, the owner's decision, its delivery to the session, its expiry.

A decision is taken once, in the store; delivering it to the session is repeated until it is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.commands import DecideApproval, ExplainDenial, ShowApproval, Verdict
from bot.domain import policy
from bot.domain.ports import Agents, Clock, Screen
from bot.domain.sessions import Sessions
from bot.errors import (
    AlreadyDecided,
    Lost,
    NotPermitted,
    Refusal,
    Refused,
    SessionLost,
    SlackRejected,
    SlackUnavailable,
    Unavailable,
)
from bot.events import ToolCall
from bot.notices import ApprovalWaiting
from store import approvals, audit, threads, turns
from store.database import Database
from store.errors import NotFound
from store.ids import new_id
from store.records import (
    Approval,
    ApprovalId,
    ApprovalState,
    AuditEntry,
    SessionId,
    Thread,
    Turn,
    UserId,
)

log = structlog.get_logger(__name__)

CHANGED = "The call changed after it was shown; it was not run."
EXPIRED = "Nobody decided in time; it was not run."
DENIED = "The owner denied this call."


def hash_call(call: ToolCall) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of what would run: service, tool, arguments."""
    whole = {"service": call.service, "tool": call.name, "arguments": call.arguments}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Approvals:
    """Approvals of all turns."""

    def __init__(
        self, *, database: Database, agents: Agents, screen: Screen, sessions: Sessions, clock: Clock, minutes: int
    ) -> None:
        self._database = database
        self._agents = agents
        self._screen = screen
        self._sessions = sessions
        self._clock = clock
        self._lifetime = timedelta(minutes=minutes)
        self._reminded: set[ApprovalId] = set()

    async def hold(self, thread: Thread, turn: Turn, session_id: SessionId, call: ToolCall) -> None:
        """Ask the owner about a call; asking again about the same one changes nothing."""
        wanted = Approval(
            id=ApprovalId(new_id("apr")),
            turn_id=turn.id,
            session_id=session_id,
            tool_use_id=call.id,
            service=call.service,
            tool=call.name,
            arguments_hash=hash_call(call),
            state=ApprovalState.PENDING,
            card=None,
            decided_by=None,
            reason=None,
            expires_at=self._clock.now() + self._lifetime,
            is_delivered=False,
        )
        async with self._database.transaction() as tx:
            approval = await approvals.hold(tx, wanted)
        try:
            await self._post_card(thread, approval, call)
        except SlackUnavailable:
            log.warning("card_not_posted", approval=approval.id)  # `attend` posts it

    async def decide(self, command: DecideApproval, wake: Callable[[str], None]) -> None:
        """Take the owner's decision, once; the turn delivers it. Raises `NotPermitted`."""
        approval, turn, thread = await self._find(command.approval_id)
        now = self._clock.now()
        verdict = policy.may_decide(command.member, approval, turn, command.shown_hash, now)
        if isinstance(verdict, Refused):
            raise NotPermitted(verdict)
        state = ApprovalState.ALLOWED if command.verdict is Verdict.ALLOW else ApprovalState.DENIED
        by, reason, shown_hash = command.member.user_id, command.reason, command.shown_hash
        if not await self._settle(thread, approval, state, by=by, reason=reason, shown_hash=shown_hash):
            raise NotPermitted(Refused(Refusal.APPROVAL_SETTLED))
        wake(thread.id)

    async def show(self, command: ShowApproval) -> None:
        """Open the arguments for the owner, as the session has them. Raises `NotPermitted`."""
        approval, turn, _ = await self._find(command.approval_id)
        self._check_owner(policy.may_see_call(command.member, turn))
        call = await self._agents.find_call(approval.session_id, approval.tool_use_id)
        if call is None or hash_call(call) != approval.arguments_hash:
            raise NotPermitted(Refused(Refusal.APPROVAL_CHANGED))
        await self._screen.show_call(command.trigger_id, approval, call)

    async def explain(self, command: ExplainDenial) -> None:
        """Open the form for a denial's reason. Raises `NotPermitted`."""
        approval, turn, _ = await self._find(command.approval_id)
        verdict = policy.may_decide(command.member, approval, turn, command.shown_hash, self._clock.now())
        self._check_owner(verdict)
        await self._screen.ask_reason(command.trigger_id, approval)

    async def attend(self, thread: Thread, turn: Turn) -> datetime | None:
        """Expire what is overdue, remind at half-time, deliver what is decided; return when to look again."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            pending = await approvals.list_pending(tx, turn.id)
        for approval in pending:
            if now >= approval.expires_at:
                await self._settle(thread, approval, ApprovalState.EXPIRED)
            elif approval.card is None:
                await self._post_card(thread, approval, await self._call_of(approval))
            elif now >= self._half_time(approval):
                await self._remind(thread, approval)
        async with self._database.transaction() as tx:
            undelivered = await approvals.list_undelivered(tx, turn.id)
        for approval in undelivered:
            await self._deliver(thread, approval)
        due = (when for approval in pending for when in (self._half_time(approval), approval.expires_at))
        return min((when for when in due if when > now), default=None)

    async def withdraw(self, thread: Thread, turn: Turn) -> None:
        """Settle everything still pending of a turn that is being stopped or has ended."""
        async with self._database.transaction() as tx:
            pending = await approvals.list_pending(tx, turn.id)
        for approval in pending:
            if await self._settle(thread, approval, ApprovalState.WITHDRAWN):
                await self._mark_delivered(approval)
                await self._show_settled(thread, approval)

    def _half_time(self, approval: Approval) -> datetime:
        return approval.expires_at - self._lifetime / 2

    async def _remind(self, thread: Thread, approval: Approval) -> None:
        """Remind the owner by direct message, once in this process; a restart may remind once more."""
        if approval.id in self._reminded or thread.is_private:
            return
        self._reminded.add(approval.id)
        try:
            await self._screen.message(thread.owner, ApprovalWaiting(thread, approval))
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("not_reminded", approval=approval.id, error=type(error).__name__)

    async def _post_card(self, thread: Thread, approval: Approval, call: ToolCall) -> None:
        if approval.card is not None or approval.state is not ApprovalState.PENDING:
            return
        card = await self._screen.post_approval(thread, approval, call)
        async with self._database.transaction() as tx:
            await approvals.set_card(tx, approval.id, card)

    async def _deliver(self, thread: Thread, approval: Approval) -> None:
        if not await self._sessions.is_owners(thread, approval.session_id):
            log.error("decision_not_sent", approval=approval.id, why="the session's vault is not the owner's")
            raise SessionLost
        verdict, reason = await self._verdict(approval)
        try:
            await self._agents.send_decision(approval.session_id, approval.tool_use_id, verdict, reason)
        except AlreadyDecided:
            log.info("decision_was_there", approval=approval.id)
        await self._mark_delivered(approval)
        await self._show_settled(thread, approval)

    async def _verdict(self, approval: Approval) -> tuple[Verdict, str | None]:
        """Read the call again: what is allowed is what was shown, or it is denied."""
        if approval.state is ApprovalState.EXPIRED:
            return Verdict.DENY, EXPIRED
        if approval.state is not ApprovalState.ALLOWED:
            return Verdict.DENY, approval.reason or DENIED
        call = await self._agents.find_call(approval.session_id, approval.tool_use_id)
        if call is None or hash_call(call) != approval.arguments_hash:
            return Verdict.DENY, CHANGED
        return Verdict.ALLOW, None

    async def _settle(
        self,
        thread: Thread,
        approval: Approval,
        state: ApprovalState,
        *,
        by: UserId | None = None,
        reason: str | None = None,
        shown_hash: str | None = None,
    ) -> bool:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            is_first = await approvals.decide(
                tx, approval.id, state=state, by=by, reason=reason, shown_hash=shown_hash, now=now
            )
            if is_first:
                await audit.record(tx, _entry(thread, approval, state, by, now))
        return is_first

    async def _mark_delivered(self, approval: Approval) -> None:
        async with self._database.transaction() as tx:
            await approvals.mark_delivered(tx, approval.id)

    async def _show_settled(self, thread: Thread, approval: Approval) -> None:
        """Rewrite the card; the decision stands even when Slack cannot show it."""
        async with self._database.transaction() as tx:
            settled = await approvals.get(tx, approval.id)
        try:
            await self._screen.settle_approval(thread, settled, await self._call_of(settled))
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("card_not_settled", approval=approval.id, error=type(error).__name__)

    async def _call_of(self, approval: Approval) -> ToolCall:
        try:
            call = await self._agents.find_call(approval.session_id, approval.tool_use_id)
        except (Unavailable, Lost):
            call = None
        return call or ToolCall(approval.tool_use_id, approval.service, approval.tool, {})

    async def _find(self, approval_id: ApprovalId) -> tuple[Approval, Turn, Thread]:
        try:
            async with self._database.transaction() as tx:
                approval = await approvals.get(tx, approval_id)
                turn = await turns.get(tx, approval.turn_id)
                return approval, turn, await threads.get(tx, turn.thread_id)
        except NotFound as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error

    @staticmethod
    def _check_owner(verdict: policy.Verdict) -> None:
        if isinstance(verdict, Refused):
            raise NotPermitted(verdict)


def _entry(thread: Thread, approval: Approval, state: ApprovalState, by: UserId | None, now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now,
        workspace_id=thread.owner.workspace_id,
        actor=by or "deputy",
        action=f"approval.{state}",
        subject=approval.id,
        details={
            "service": approval.service or "built-in",
            "tool": approval.tool,
            "arguments_sha256": approval.arguments_hash,
            "owner": thread.owner.user_id,
        },
    )
