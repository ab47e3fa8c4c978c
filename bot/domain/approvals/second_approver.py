"""Asks second approvers by direct message and tells them how it ended; `decisions` takes their decision."""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.domain.approvals.cards import as_held
from bot.domain.approvals.held_calls import HeldCalls, without_arguments
from bot.domain.approvals.rules import ApprovalRule, FindRule
from bot.domain.context import DomainContext
from bot.model.errors import SlackRejected
from bot.model.notices import Held, SecondAsked
from store import approvals, second_approvers
from store.records import Approval, ApprovalState, SecondView, Thread, Turn
from store.second_approvers import SecondCard

log = structlog.get_logger(__name__)

ASKED_MAX = 10
"""Approvers who are asked about one call: with so many, somebody answers."""


class SecondApprovers:
    """The private cards of second approvers."""

    def __init__(self, context: DomainContext, *, calls: HeldCalls, find_rule: FindRule) -> None:
        self._database, self._screen = context.database, context.screen
        self._calls = calls
        self._find_rule = find_rule
        self._home_changes = context.home_changes

    async def attend(self, thread: Thread, turn: Turn) -> None:
        """Ask the second approvers of calls that wait for them, and close the cards of decided ones.

        Raises `SlackUnavailable`.
        """
        async with self._database.transaction() as tx:
            held = {one.id: one for one in await approvals.list_for_turn(tx, turn.id) if one.second is not None}
            for approval in held.values():
                if approval.is_confirming:
                    rule = await self._find_rule(tx, thread, approval.service, approval.tool)
                    for user_id in sorted(rule.approvers - {thread.owner.user_id})[:ASKED_MAX]:
                        await second_approvers.ask(tx, approval.id, user_id)
            cards = await second_approvers.list_for_turn(tx, turn.id)
        for card in cards:
            approval = held[card.approval_id]
            if card.card is None or approval.state is not ApprovalState.PENDING:
                await self._show(thread, approval, card)
                self._home_changes.add(thread.owner.workspace_id, card.user_id)

    async def _show(self, thread: Thread, approval: Approval, card: SecondCard) -> None:
        is_settled = approval.state is not ApprovalState.PENDING
        if is_settled and card.card is None:
            return await self._mark_settled(card)
        async with self._database.transaction() as tx:
            rule = await self._find_rule(tx, thread, approval.service, approval.tool)
        if not is_settled and card.user_id not in rule.approvers:
            return None  # no longer an approver: Slack was out when they were to be asked
        notice = SecondAsked(thread, await self._held(approval, rule))
        try:
            ref = await self._screen.ask_second(card.user_id, notice, card.card)
        except SlackRejected as error:
            # One approver whom Slack cannot reach must not keep the others from being asked.
            log.warning("second_approver_not_asked", approval=approval.id, code=error.code)
            ref = card.card
        if is_settled:
            await self._mark_settled(card)
        elif ref is not None:
            async with self._database.transaction() as tx:
                await second_approvers.set_card(tx, card.approval_id, card.user_id, ref)
        return None

    async def _held(self, approval: Approval, rule: ApprovalRule) -> Held:
        is_shown = approval.second is not None and approval.second.view is SecondView.FULL
        is_shown = is_shown and approval.state is ApprovalState.PENDING
        call = await self._calls.to_show(approval) if is_shown else without_arguments(approval)
        # A settled card is drawn only once, after the decision was delivered or the turn has ended.
        return replace(as_held(approval, call, rule), is_over=True)

    async def _mark_settled(self, card: SecondCard) -> None:
        async with self._database.transaction() as tx:
            await second_approvers.mark_settled(tx, card.approval_id, card.user_id)
