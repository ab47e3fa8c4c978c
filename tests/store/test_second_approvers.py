"""Second approvers are asked once each, and their cards are settled once."""

from __future__ import annotations

import pytest

from store import approvals, home_views, second_approvers, spending, turns
from store.approvals import approval_seconds
from store.errors import InvariantBroken
from store.records import Second, SecondView, TurnState
from tests.builders import NOON, a_member, a_message, a_turn, an_approval, store_member, store_turn


async def test_each_is_asked_once_and_listed_until_settled(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        approval = await approvals.hold(tx, an_approval(turn, second=Second(SecondView.REDACTED)))
        for user in ("U0CAROL", "U0BOB", "U0BOB"):
            await second_approvers.ask(tx, approval.id, user)
        await second_approvers.set_card(tx, approval.id, "U0BOB", a_message("7.0"))

        asked = await second_approvers.list_for_turn(tx, turn.id)
        await second_approvers.mark_settled(tx, approval.id, "U0BOB")

        assert [(card.user_id, card.card) for card in asked] == [("U0BOB", a_message("7.0")), ("U0CAROL", None)]
        assert [card.user_id for card in await second_approvers.list_for_turn(tx, turn.id)] == ["U0CAROL"]


async def test_the_database_itself_refuses_an_owner_as_second(database):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            approval = await approvals.hold(tx, an_approval(await store_turn(tx), second=Second(SecondView.FULL)))
            mine = approval_seconds.update().where(approval_seconds.c.approval_id == approval.id)
            await tx.connection.execute(mine.values(first_at=NOON, second_by="U0ANN"))


async def test_a_home_is_open_for_who_opened_it_lately(database):
    async with database.transaction() as tx:
        member = await store_member(tx)
        assert not await home_views.is_open(tx, member, NOON)
        await home_views.opened(tx, member, NOON)
        await home_views.opened(tx, member, NOON)

        assert await home_views.is_open(tx, member, NOON)
        assert not await home_views.is_open(tx, a_member("U0BOB"), NOON)


async def test_what_a_member_spent_is_their_own_since_then(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        bobs = await store_turn(tx, a_turn(owner=await store_member(tx, a_member("U0BOB"))))
        for each, cents in ((turn, 12.5), (bobs, 99.0)):
            await turns.end(tx, each.id, TurnState.ENDED, outcome="answered", cost_cents=cents, now=NOON)

        assert await spending.spent_since(tx, turn.owner, NOON) == 12.5
        assert await spending.spent_since(tx, a_member("U0CAROL"), NOON) == 0
