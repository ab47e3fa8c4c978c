"""A budget that is used up is raised from its card: asked for by members, decided by admins, judged at every press."""

from __future__ import annotations

import json
import random
from contextlib import nullcontext

import pytest
from sqlalchemy import select

from bot.model import action_ids
from bot.model.errors import Refusal
from bot.renderers.refusals import REFUSALS
from simulator.slack import people
from simulator.slack.messages import Message
from store import budget_increases
from store.budget_increases import shortfalls as shortfalls_table
from store.records import ShortfallState
from tests.journeys.test_settings import TRUSTED
from tests.world import ALICE, BOB, CAROL, GENERAL, World

ASKS = "asks to raise it"


async def no_room(world: World, user: str, words: str = "budget for this month is used up"):
    """Ask in vain; return the private message with the button."""
    await world.slack.type_command(user, GENERAL, "/agent ask what can you do?")
    return await world.whispered(user, words)


async def card(world: World, words: str = ASKS, user: str = CAROL):
    """Return the newest direct message of an admin with these words."""

    def found(_):
        return next((m for m in reversed(world.slack.dms(user)) if words in world.slack.text_of(m)), None)

    return await world.slack.until(found)


async def asked(world: World, user: str = ALICE):
    """Let a member run into their budget of nothing and ask; return the admin's card."""
    await world.slack.click(user, await no_room(world, user), action_ids.ASK_RAISE)
    await world.whispered(user, "I've asked the admins")
    return await card(world)


async def open_form(world: World, message, user: str = CAROL):
    await world.slack.click(user, message, action_ids.RAISE)
    return await world.slack.until(lambda _: world.slack.modal_of(user))


async def raise_to(world: World, amount: str, field: str = "budget_per_month"):
    view = world.slack.modal_of(CAROL)
    await world.slack.submit_view(CAROL, view, {f"settings.{field}": amount})
    return view


async def state_of(world: World) -> list[ShortfallState]:
    async with world.app.database.transaction() as tx:
        rows = await budget_increases.list_open(tx, world.app.install.workspace_id)
        rows += await budget_increases.list_untold(tx, world.app.install.workspace_id)
    return [row.state for row in rows]


async def test_a_member_asks_an_admin_raises_and_the_member_goes_on(running_world: World):
    await running_world.configure({"budgets": {"member_per_month": 0.4, "per_turn": 0.5}, "profiles": TRUSTED})
    root = await running_world.ask(ALICE, "reach the budget")
    await running_world.answer_in(root, "used up its budget")
    offered = await running_world.whispered(ALICE, "Your budget for this month is used up")

    await running_world.slack.click(ALICE, offered, action_ids.ASK_RAISE)
    message = await card(running_world)
    assert f"The budget of <@{ALICE}>" in running_world.slack.text_of(message)
    assert "of $0.40" in running_world.slack.text_of(message)
    view = await open_form(running_world, message)
    assert "'initial_value': '0.40'" in str(view.payload)
    refused = await raise_to(running_world, "0.3")
    assert "are spent or set aside already" in refused.errors["settings.budget_per_month"]
    wrong = await raise_to(running_world, "a lot")
    assert wrong.errors == {"settings.budget_per_month": "Must be an amount such as 2.50"}
    await raise_to(running_world, "$20")

    await running_world.slack.until(lambda _: f"Raised to $20.00 by <@{CAROL}>" in running_world.slack.text_of(message))
    assert not running_world.slack.buttons_of(message, CAROL)
    told = await card(running_world, "You can go on", ALICE)
    assert "Your budget for this month is $20.00 now" in running_world.slack.text_of(told)
    assert action_ids.OPEN_ASK_FORM in running_world.slack.buttons_of(told, ALICE)
    await running_world.slack.post_message(ALICE, GENERAL, "what can you do?", thread_ts=root.ts)
    await running_world.answered(root, 2)
    [asks] = await running_world.audited("budget.asked")
    assert (asks.actor, asks.subject) == (ALICE, f"member/{ALICE}")
    change = (await running_world.audited("setting.changed"))[-1]
    assert (change.actor, change.subject) == (CAROL, f"member/{ALICE}")
    assert (change.details["before"], json.loads(change.details["after"])) == ("", {"budget_per_month": 20.0})


async def test_many_who_ask_are_one_card_and_one_decision(running_world: World):
    await running_world.configure({"budgets": {"workspace_per_month": 0}, "channels": {}})
    for user in (ALICE, BOB, ALICE):
        offered = await no_room(running_world, user, "The workspace's budget")
        await running_world.slack.click(user, offered, action_ids.ASK_RAISE)
        await running_world.settled()
    message = await card(running_world, "ask to raise it")
    assert sum("is used up" in running_world.slack.text_of(m) for m in running_world.slack.dms(CAROL)) == 1

    await running_world.slack.click(CAROL, message, action_ids.NOT_NOW)
    for user in (ALICE, BOB):
        await card(running_world, "it isn't raised for now", user)
    await running_world.slack.until(lambda _: f"Not now, said <@{CAROL}>" in running_world.slack.text_of(message))

    again = await no_room(running_world, ALICE, "The workspace's budget")
    await running_world.slack.click(ALICE, again, action_ids.ASK_RAISE)
    await running_world.whispered(ALICE, "An admin has looked at this already")
    assert len(await running_world.audited("budget.declined")) == 1


async def test_room_made_in_the_settings_settles_it_as_well(running_world: World):
    budget = {"channels": {GENERAL: {"budget_per_month": 0}}}
    await running_world.configure(budget)
    offered = await no_room(running_world, ALICE, "This channel's budget")
    await running_world.slack.click(ALICE, offered, action_ids.ASK_RAISE)
    message = await card(running_world)
    assert f"The budget of <#{GENERAL}>" in running_world.slack.text_of(message)

    await running_world.configure({"channels": {GENERAL: {"budget_per_month": 7}}})
    running_world.turn(10)

    await running_world.slack.until(lambda _: "Raised to $7.00" in running_world.slack.text_of(message))
    await card(running_world, "is $7.00 now. You can go on", ALICE)
    await running_world.slack.forge_click(CAROL, message, action_ids.RAISE, value=await one_id(running_world))
    await said(running_world, CAROL, REFUSALS[Refusal.APPROVAL_SETTLED])
    await running_world.configure(budget)
    await running_world.slack.click(ALICE, await no_room(running_world, ALICE, "This channel's"), action_ids.ASK_RAISE)
    await card(running_world)


async def one_id(world: World, tx=None) -> str:
    async with nullcontext(tx) if tx else world.app.database.transaction() as open_tx:
        return (await open_tx.connection.execute(select(shortfalls_table.c.id))).scalars().first()


async def said(world: World, user: str, words: str):
    def found(_):
        texts = [world.slack.text_of(m) for m in (*world.slack.ephemerals(user), *world.slack.dms(user))]
        return any(words in text for text in texts)

    await world.slack.until(found)


async def test_of_two_who_raise_the_second_is_told_and_nothing_changes(running_world: World):
    await running_world.configure({"admins": [BOB], "budgets": {"member_per_month": 0}})
    message = await asked(running_world)
    other = await card(running_world, ASKS, BOB)
    await open_form(running_world, message)
    await open_form(running_world, other, BOB)

    await raise_to(running_world, "5")
    view = running_world.slack.modal_of(BOB)
    await running_world.slack.submit_view(BOB, view, {"settings.budget_per_month": "99"})

    assert REFUSALS[Refusal.APPROVAL_SETTLED] in str(running_world.slack.modal_of(BOB).payload)
    await running_world.slack.until(lambda _: "Raised to $5.00" in running_world.slack.text_of(other))
    value = await one_id(running_world)
    await running_world.slack.forge_click(BOB, other, action_ids.NOT_NOW, value=value)
    await said(running_world, BOB, REFUSALS[Refusal.APPROVAL_SETTLED])
    changes = [row for row in await running_world.audited("setting.changed") if row.subject == f"member/{ALICE}"]
    assert [row.actor for row in changes] == [CAROL]


async def test_an_item_that_was_changed_meanwhile_is_not_overwritten(running_world: World):
    await running_world.configure({"members": {ALICE: {"budget_per_month": 0}}})
    await open_form(running_world, await asked(running_world))
    await running_world.configure({"members": {ALICE: {"budget_per_month": 0, "is_paused": True}}})

    await raise_to(running_world, "5")

    assert REFUSALS[Refusal.SETTING_CHANGED] in str(running_world.slack.modal_of(CAROL).payload)
    assert await running_world.audited("budget.declined") == []


async def test_nobody_but_admins_decides_and_a_new_month_needs_no_decision(running_world: World):
    await running_world.configure({"admins": [BOB], "budgets": {"member_per_month": 0}})
    message = await asked(running_world)
    value = await one_id(running_world)
    for action in (action_ids.RAISE, action_ids.NOT_NOW):
        await running_world.slack.forge_click(ALICE, message, action, value=value)
        await said(running_world, ALICE, REFUSALS[Refusal.NOT_AN_ADMIN])
    await open_form(running_world, await card(running_world, ASKS, BOB), BOB)
    await running_world.configure({"admins": [CAROL], "budgets": {"member_per_month": 0}})
    view = running_world.slack.modal_of(BOB)
    await running_world.slack.submit_view(BOB, view, {"settings.budget_per_month": "99"})
    assert REFUSALS[Refusal.NOT_AN_ADMIN] in str(running_world.slack.modal_of(BOB).payload)
    await running_world.slack.forge_click(CAROL, message, action_ids.RAISE, value="sho_nothing")
    await said(running_world, CAROL, REFUSALS[Refusal.GONE])
    assert await state_of(running_world) == [ShortfallState.OPEN]

    running_world.turn(32 * 24 * 3600)
    await running_world.slack.click(CAROL, message, action_ids.RAISE)
    await running_world.slack.until(lambda _: "Its month is over" in running_world.slack.text_of(message))
    assert await running_world.audited("budget.declined") == []


@pytest.mark.parametrize("value", [f"channel/{GENERAL}", "channel/C0ELSEWHERE", "member/U0BOB", "nonsense", ""])
async def test_a_forged_question_is_about_ones_own_budget_or_nothing(running_world: World, value):
    await running_world.configure({"channels": {"C0ELSEWHERE": {"budget_per_month": 0}}, "budgets": {}})
    await running_world.slack.type_command(BOB, GENERAL, "/agent nonsense")
    private = await running_world.whispered(BOB, "I don't know")

    await running_world.slack.forge_click(BOB, private, action_ids.ASK_RAISE, value=value)

    is_known = value in {f"channel/{GENERAL}", "member/U0BOB"}
    await running_world.whispered(BOB, "There is budget again" if is_known else REFUSALS[Refusal.GONE])
    assert await running_world.audited("budget.asked") == []
    assert not any("is used up" in running_world.slack.text_of(m) for m in running_world.slack.dms(CAROL))


async def test_where_there_is_no_admin_that_is_said(deputy_world: World):
    deputy_world.settings = deputy_world.settings.model_copy(update={"admins": frozenset()})
    async with deputy_world.deputy():
        await deputy_world.configure({"budgets": {"member_per_month": 0}})
        await deputy_world.slack.click(ALICE, await no_room(deputy_world, ALICE), action_ids.ASK_RAISE)
        await deputy_world.whispered(ALICE, "There is no admin of mine yet")


@pytest.mark.parametrize("seed", range(2))
async def test_random_presses_by_random_people_raise_only_what_an_admin_raised(running_world: World, seed):
    rng = random.Random(seed)
    await running_world.configure({"budgets": {"member_per_month": 0}})
    message = await asked(running_world)
    value, presses = await one_id(running_world), []

    for _ in range(12):
        user = rng.choice([ALICE, BOB, CAROL])
        action = rng.choice([action_ids.ASK_RAISE, action_ids.NOT_NOW, action_ids.RAISE])
        known = rng.choice([value, "sho_x", f"member/{user}"])
        presses.append((user, action, known))
        await running_world.slack.forge_click(user, message, action, value=known)
        await running_world.settled()

    is_declined = (CAROL, action_ids.NOT_NOW, value) in presses
    assert len(await running_world.audited("budget.declined")) == is_declined
    assert not any(row.subject.startswith("member/") for row in await running_world.audited("setting.changed"))
    await no_room(running_world, ALICE)


async def test_what_was_decided_before_a_crash_is_told_by_the_next_start(deputy_world: World):
    async with deputy_world.deputy() as app:
        await deputy_world.configure({"budgets": {"member_per_month": 0}})
        message = await asked(deputy_world)
        async with app.database.transaction() as tx:
            assert await budget_increases.settle(tx, await one_id(deputy_world, tx), ShortfallState.DECLINED, CAROL)

    async with deputy_world.deputy():
        await card(deputy_world, "it isn't raised for now", ALICE)
        await deputy_world.slack.until(lambda _: f"Not now, said <@{CAROL}>" in deputy_world.slack.text_of(message))


@pytest.mark.fault("S4")
async def test_what_was_decided_while_slack_was_out_is_told_once_it_is_back(running_world: World):
    await running_world.configure({"budgets": {"member_per_month": 0}})
    message = await asked(running_world)
    await running_world.settled()
    running_world.slack.faults.add("chat.postMessage", kind="status_500", times=1000)
    before = len(running_world.slack.calls_of("chat.postMessage"))
    await running_world.slack.click(CAROL, message, action_ids.NOT_NOW)
    await running_world.slack.until(lambda _: len(running_world.slack.calls_of("chat.postMessage")) >= before + 3)
    await running_world.settled()
    running_world.slack.faults.clear()

    for _ in range(2):
        running_world.turn(11 * 60)
        await card(running_world, "it isn't raised for now", ALICE)
        await running_world.settled()
    told = [m for m in running_world.slack.dms(ALICE) if "it isn't raised for now" in running_world.slack.text_of(m)]
    assert len(told) == 1


@pytest.mark.fault("S4")
async def test_admins_whom_slack_did_not_let_us_ask_are_asked_once_it_is_back(running_world: World):
    await running_world.configure({"budgets": {"member_per_month": 0}})
    button = await no_room(running_world, ALICE)
    running_world.slack.faults.add("chat.postMessage", kind="status_500", times=1000)
    await running_world.slack.click(ALICE, button, action_ids.ASK_RAISE)
    await running_world.whispered(ALICE, "I've asked the admins")
    await running_world.settled()
    running_world.slack.faults.clear()

    for _ in range(2):
        running_world.turn(11 * 60)
        await card(running_world)
        await running_world.settled()
    assert len([m for m in running_world.slack.dms(CAROL) if ASKS in running_world.slack.text_of(m)]) == 1


@pytest.mark.fault("S23")
async def test_nobody_asks_for_a_channel_that_they_are_not_in(running_world: World):
    slack = running_world.slack
    secret, own = slack.workspace.channels[people.PRIVATE], slack.workspace.channels[GENERAL]
    secret.members = {CAROL, people.BOT}
    await running_world.configure({"channels": {secret.id: {"budget_per_month": 0}, own.id: {"budget_per_month": 0}}})
    await slack.type_command(ALICE, GENERAL, "/agent status")
    message = slack.workspace.place(Message("D" + ALICE[1:], slack.workspace.next_ts(), people.BOT, text="hello"))
    slack.workspace.dm_of(ALICE)

    await slack.forge_click(ALICE, message, action_ids.ASK_RAISE, value=f"channel/{secret.id}")
    await running_world.whispered(ALICE, "no longer there")
    await slack.forge_click(ALICE, message, action_ids.ASK_RAISE, value=f"channel/{own.id}")
    await card(running_world)

    [told] = [m for m in slack.dms(CAROL) if ASKS in slack.text_of(m)]
    assert GENERAL in slack.text_of(told)
