"""Which second approvers were asked about a call, and by which message."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from store.approvals import approvals, second_cards
from store.database import Tx
from store.messages import message_of, message_values
from store.records import ApprovalId, MessageRef, TurnId, UserId


@dataclass(frozen=True, slots=True)
class SecondCard:
    """One second approver's private card."""

    approval_id: ApprovalId
    user_id: UserId
    card: MessageRef | None
    """None until Slack's answer is stored."""


async def ask(tx: Tx, approval_id: ApprovalId, user_id: UserId) -> None:
    """Record that somebody is about to be asked. Idempotent."""
    asked = tx.insert(second_cards).values(
        approval_id=approval_id, user_id=user_id, is_settled=False, **message_values("card", None)
    )
    await tx.connection.execute(asked.on_conflict_do_nothing(index_elements=["approval_id", "user_id"]))


async def set_card(tx: Tx, approval_id: ApprovalId, user_id: UserId, card: MessageRef) -> None:
    """Store which message is their card."""
    mine = (second_cards.c.approval_id == approval_id, second_cards.c.user_id == user_id)
    await tx.connection.execute(update(second_cards).where(*mine).values(**message_values("card", card)))


async def mark_settled(tx: Tx, approval_id: ApprovalId, user_id: UserId) -> None:
    """Record that the card shows the decision. Idempotent."""
    mine = (second_cards.c.approval_id == approval_id, second_cards.c.user_id == user_id)
    await tx.connection.execute(update(second_cards).where(*mine).values(is_settled=True))


async def list_for_turn(tx: Tx, turn_id: TurnId) -> tuple[SecondCard, ...]:
    """Return the cards of a turn's calls that do not show a decision yet."""
    rows = await tx.connection.execute(
        select(second_cards)
        .join(approvals, approvals.c.id == second_cards.c.approval_id)
        .where(approvals.c.turn_id == turn_id, second_cards.c.is_settled.is_(False))
        .order_by(approvals.c.number, second_cards.c.user_id)
    )
    return tuple(SecondCard(row.approval_id, row.user_id, message_of(row.card_channel, row.card_ts)) for row in rows)
