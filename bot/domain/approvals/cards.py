"""Posts and updates the approval cards of a turn: few messages, each edited in place.

Calls that are held while a card is open are added to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import structlog

from bot.domain.approvals.held_calls import HeldCalls, without_arguments
from bot.domain.approvals.rules import ApprovalRule, FindRule
from bot.domain.context import DomainContext
from bot.model.errors import SlackRejected
from bot.model.events import ToolCall
from bot.model.notices import Held
from store import approvals
from store.records import Approval, ApprovalId, ApprovalState, MessageRef, Thread, Turn

log = structlog.get_logger(__name__)

ASKED_MAX = 8
"""Calls on one card that somebody decides or has decided; five blocks each, of Slack's fifty."""
WHOLE_MAX = 60
"""Calls on one card in all; those that run by “always allow” share one line per tool."""


@dataclass(frozen=True, slots=True)
class Card:
    """Calls that are shown in one message; `ref` is None until it is posted."""

    ref: MessageRef | None
    approvals: tuple[Approval, ...]

    @property
    def is_open(self) -> bool:
        """Return whether a call on it still waits for a decision."""
        return any(approval.state is ApprovalState.PENDING for approval in self.approvals)

    def has_room_for(self, approval: Approval) -> bool:
        """Tell whether a call is added to this card rather than to a new one."""
        if len(self.approvals) >= WHOLE_MAX:
            return False
        if approval.allowance_id is not None:
            return True
        asked = sum(one.allowance_id is None for one in self.approvals)
        return asked < ASKED_MAX and (self.ref is None or self.is_open)


def arrange(held: Iterable[Approval]) -> tuple[Card, ...]:
    """Return a turn's cards, oldest first. Calls that were settled before anybody saw them are on none."""
    cards: list[Card] = []
    waiting = []
    for approval in held:
        if approval.card is None:
            waiting.append(approval)
        elif known := next((card for card in cards if card.ref == approval.card), None):
            cards[cards.index(known)] = Card(known.ref, (*known.approvals, approval))
        else:
            cards.append(Card(approval.card, (approval,)))
    for approval in waiting:
        # It expired or was withdrawn before its card was posted, so there is nothing to record for anybody.
        if approval.state is not ApprovalState.PENDING and approval.allowance_id is None:
            continue
        if cards and cards[-1].has_room_for(approval):
            cards[-1] = Card(cards[-1].ref, (*cards[-1].approvals, approval))
        else:
            cards.append(Card(None, (approval,)))
    return tuple(cards)


# A click changes the store and wakes the driver; only the driver writes cards, so no two writers can draw an older
# state over a newer one (docs/decisions/0022-cards-are-drawn-from-the-store.md).
class ApprovalCards:
    """The cards of all turns; remembers what each shows, so that only changes are sent to Slack."""

    def __init__(self, context: DomainContext, *, calls: HeldCalls, find_rule: FindRule) -> None:
        self._database, self._screen = context.database, context.screen
        self._calls = calls
        self._find_rule = find_rule
        self._shown: dict[MessageRef, tuple[object, ...]] = {}
        self._looked_for: set[ApprovalId] = set()

    async def draw(self, thread: Thread, turn: Turn, *, is_over: bool = False) -> None:
        """Post and update the turn's cards. Raises `SlackUnavailable`, and `SlackRejected` for a new card."""
        await self._find_lost(thread, turn)
        async with self._database.transaction() as tx:
            held = await approvals.list_for_turn(tx, turn.id)
            # By the rules of now, not of when the call was held: buttons follow a setting that has changed since.
            rules = {(one.service, one.tool): await self._find_rule(tx, thread, one.service, one.tool) for one in held}
        for card in arrange(held):
            looks = _looks(card, is_over=is_over)
            if card.ref is None or self._shown.get(card.ref) != looks:
                shown = [await self._held(thread, one, rules[one.service, one.tool]) for one in card.approvals]
                ref = await self._draw(thread, card, tuple(replace(one, is_over=is_over) for one in shown))
                self._shown[ref] = looks

    async def settle(self, thread: Thread, turn: Turn) -> None:
        """Update the cards of a turn that is over for the last time, and forget them."""
        await self.draw(thread, turn, is_over=True)
        async with self._database.transaction() as tx:
            held = await approvals.list_for_turn(tx, turn.id)
        for approval in held:
            self._looked_for.discard(approval.id)
            if approval.card is not None:
                self._shown.pop(approval.card, None)

    async def _find_lost(self, thread: Thread, turn: Turn) -> None:
        """Find the card of a call that was settled before the card's place was stored, because of a crash."""
        async with self._database.transaction() as tx:
            held = await approvals.list_for_turn(tx, turn.id)
        for approval in held:
            if _may_be_lost(approval) and approval.id not in self._looked_for:
                ref = await self._screen.find_card(thread, approval)
                self._looked_for.add(approval.id)
                if ref is not None:
                    async with self._database.transaction() as tx:
                        await approvals.set_card(tx, approval.id, ref)

    async def _draw(self, thread: Thread, card: Card, shown: tuple[Held, ...]) -> MessageRef:
        ref = card.ref or await self._screen.post_card(thread, shown)
        async with self._database.transaction() as tx:
            for approval in card.approvals:
                if approval.card is None:
                    await approvals.set_card(tx, approval.id, ref)
        # A card that was just posted shows all of it already.
        if card.ref is not None:
            await self._update(thread, ref, shown)
        return ref

    async def _held(self, thread: Thread, approval: Approval, rule: ApprovalRule) -> Held:
        # Arguments may be private, so they are on cards in direct messages only, and only while a decision is open.
        is_shown = thread.is_private and approval.state is ApprovalState.PENDING
        call = await self._calls.to_show(approval) if is_shown else without_arguments(approval)
        return as_held(approval, call, rule)

    async def _update(self, thread: Thread, ref: MessageRef, shown: tuple[Held, ...]) -> None:
        try:
            await self._screen.update_card(thread, ref, shown)
        except SlackRejected as error:
            # Somebody deleted the card. The owner can still decide in their App Home.
            log.warning("card_not_updated", code=error.code)


def _may_be_lost(approval: Approval) -> bool:
    is_over = approval.state is not ApprovalState.PENDING
    return approval.card is None and is_over and approval.allowance_id is None


def as_held(approval: Approval, call: ToolCall, rule: ApprovalRule) -> Held:
    """Return a call as it is shown."""
    may_remember = rule.may_remember and approval.second is None
    return Held(approval, replace(call, title=rule.title), rule.hazard(approval.tool), may_remember)


def _looks(card: Card, *, is_over: bool) -> tuple[object, ...]:
    """Return everything that a card's content depends on, to see whether it must be redrawn."""
    return tuple(
        (one.id, one.state, one.is_confirming, one.reason, one.expires_at, one.decided_by, one.is_delivered or is_over)
        for one in card.approvals
    )
