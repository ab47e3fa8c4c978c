"""Budgets that are used up: one for all who ask, settled once, begun anew only when the last one is over."""

from __future__ import annotations

import dataclasses

import pytest

from store import budget_increases, settings, spending, turns
from store.errors import NotFound
from store.records import Asker, Budget, BudgetKind, Setting, Shortfall, ShortfallState, TurnState
from tests.builders import NOON, a_message, a_turn, store_thread

WANTED = Shortfall("sho_1", "T0ACME", Budget(BudgetKind.MEMBER, "U0ANN"), NOON, 2_500)


async def test_all_who_ask_share_one_and_it_is_settled_once(database):
    async with database.transaction() as tx:
        first = await budget_increases.open_for(tx, WANTED)
        second = await budget_increases.open_for(tx, dataclasses.replace(WANTED, id="sho_2"))
        assert first == second == WANTED
        assert [await budget_increases.add_asker(tx, "sho_1", Asker("U0ANN", "C0GENERAL")) for _ in range(2)] == [
            True,
            False,
        ]
        await budget_increases.set_card(tx, "sho_1", "U0BEN", a_message())
        assert await budget_increases.list_open(tx, "T0ACME") == (WANTED,)

        decided = [await budget_increases.settle(tx, "sho_1", ShortfallState.DECLINED, "U0BEN") for _ in range(2)]

        assert decided == [True, False]
        assert (await budget_increases.open_for(tx, WANTED)).state is ShortfallState.DECLINED
        assert [one.id for one in await budget_increases.list_untold(tx, "T0ACME")] == ["sho_1"]
        await budget_increases.set_told(tx, "sho_1")
        assert await budget_increases.is_told(tx, "sho_1")
        assert await budget_increases.list_untold(tx, "T0ACME") == await budget_increases.list_open(tx, "T0ACME") == ()
        assert await budget_increases.list_cards(tx, "sho_1") == {"U0BEN": a_message()}


@pytest.mark.parametrize("state", [ShortfallState.RAISED, ShortfallState.OVER])
async def test_what_is_over_begins_anew_without_who_asked_before(database, state):
    async with database.transaction() as tx:
        await budget_increases.open_for(tx, WANTED)
        await budget_increases.add_asker(tx, "sho_1", Asker("U0ANN", "C0GENERAL"))
        await budget_increases.settle(tx, "sho_1", state, None, 5_000)
        await budget_increases.set_told(tx, "sho_1")

        assert await budget_increases.open_for(tx, WANTED) == WANTED

        assert await budget_increases.list_askers(tx, "sho_1") == ()
        with pytest.raises(NotFound):
            await budget_increases.get(tx, "sho_9")


async def test_one_budget_counts_as_all_of_them_are_counted(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        turn = await turns.queue(tx, a_turn(thread), None)
        await spending.allow(tx, turn.id, 30)
        together = await spending.spent(tx, thread, NOON)
        budgets = [
            Budget(BudgetKind.MEMBER, thread.owner.user_id),
            Budget(BudgetKind.CHANNEL, thread.channel),
            Budget(BudgetKind.WORKSPACE),
            Budget(BudgetKind.CHANNEL, "C0OTHER"),
        ]
        alone = [await spending.spent_of(tx, thread.owner.workspace_id, budget, NOON) for budget in budgets]
        assert alone == [together.member, together.channel, together.workspace, 0] == [30, 30, 30, 0]

        await turns.end(tx, turn.id, TurnState.ENDED, outcome="answered", cost_cents=12.5, now=NOON)
        assert await spending.spent_of(tx, thread.owner.workspace_id, budgets[2], NOON) == 12.5


async def test_who_changed_one_of_some_items_last_is_known(database):
    names = (("workspace", "budgets"), ("member", "U0ANN"))
    async with database.transaction() as tx:
        assert await settings.last_changed_by(tx, "T0ACME", names) is None
        for number, (kind, name) in enumerate((*names, ("member", "U0BEN"))):
            by = settings.By("T0ACME", f"U0{number}", NOON.replace(minute=number))
            await settings.put(tx, Setting(kind, name, {}, 0), by)
        assert await settings.last_changed_by(tx, "T0ACME", names) == "U01"
