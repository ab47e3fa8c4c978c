"""What counts against a budget: what was told, what was set aside, and where it was asked."""

from __future__ import annotations

import pytest

from store import spending, turn_sending, turns
from store.records import Budget, BudgetKind, EventId, SessionId, TurnState
from tests.builders import NOON, a_member, a_thread, a_turn, store_thread, store_turn

ANN = Budget(BudgetKind.MEMBER, "U0ANN")


async def ended(database, cost: float | None, *, is_sent: bool, thread=None) -> None:
    async with database.transaction() as tx:
        thread = await store_thread(tx, thread or a_thread(a_member()))
        turn = await store_turn(tx, a_turn(thread))
        await spending.allow(tx, turn.id, 50)
        if is_sent:
            await turn_sending.set_sending(tx, turn.id, SessionId("sesn_1"))
            await turn_sending.set_sent(tx, turn.id, EventId("sevt_1"))
        await turns.end(tx, turn.id, TurnState.ENDED, outcome="answered", cost_cents=cost, now=NOON)


async def spent(database, budget: Budget = ANN) -> float:
    async with database.transaction() as tx:
        return await spending.spent_of(tx, "T0ACME", budget, NOON)


@pytest.mark.fault("S18")
@pytest.mark.parametrize(
    ("cost", "is_sent", "counted"), [(8.0, True, 8.0), (0.0, True, 0.0), (None, True, 50.0), (None, False, 0.0)]
)
async def test_a_cost_that_nobody_told_counts_as_all_that_was_allowed(database, cost, is_sent, counted):
    await ended(database, cost, is_sent=is_sent)

    assert await spent(database) == counted


@pytest.mark.fault("S18")
async def test_what_is_answered_elsewhere_counts_where_it_was_asked(database):
    thread = a_thread(a_member(), channel="D0ANN", is_private=True, asked_in="C0TEAM")
    await ended(database, 8.0, is_sent=True, thread=thread)

    assert await spent(database, Budget(BudgetKind.CHANNEL, "C0TEAM")) == 8.0
    assert await spent(database, Budget(BudgetKind.CHANNEL, "D0ANN")) == 0.0
    async with database.transaction() as tx:
        assert (await spending.spent(tx, thread, NOON)).channel == 8.0
