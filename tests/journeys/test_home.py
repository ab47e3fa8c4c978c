"""The App Home: what waits can be decided there, and it changes when something in it does."""

from __future__ import annotations

import pytest

from bot.model import action_ids
from simulator.roughness import Roughness
from tests.world import ALICE, BOB, CAROL, GENERAL, World


async def open_home(world: World, user: str = ALICE):
    await world.slack.open_home(user)
    return await world.slack.until(lambda ws: ws.homes.get(user))


def buttons(world: World, view) -> dict[str, dict]:
    found = [(block.get("elements") or []) + [block.get("accessory")] for block in view.payload["blocks"]]
    return {one["action_id"]: one for row in found for one in row if one and one["type"] == "button"}


def starting(world: World, view, action: str) -> list[str]:
    return [one for one in buttons(world, view) if one.split("/")[0] == action]


async def shows(world: World, view, words: str, *, is_there: bool = True):
    """Return once the home says these words, or says them no more."""
    try:
        await world.slack.until(lambda _: (words in str(view.payload["blocks"])) is is_there)
    except TimeoutError:
        raise AssertionError(f"{words!r} not {'there' if is_there else 'gone'}: {view.payload['blocks']}") from None


async def test_what_waits_is_decided_there_and_goes(running_world: World):
    view = await open_home(running_world)
    root = await running_world.ask(ALICE, "run `ls`")
    await running_world.button(ALICE, root, action_ids.APPROVE)
    await shows(running_world, view, "Waiting for your decision")
    (approve,) = starting(running_world, view, action_ids.APPROVE)

    await running_world.slack.click(ALICE, view, approve)
    await running_world.answered(root)

    await shows(running_world, view, "Waiting for your decision", is_there=False)
    assert [event["result"] for event in running_world.sent("user.tool_confirmation")] == ["allow"]


async def test_a_running_turn_is_stopped_there(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    await running_world.button(ALICE, root, action_ids.APPROVE)
    view = await open_home(running_world)

    await running_world.slack.click(ALICE, view, action_ids.STOP)

    await shows(running_world, view, "Running", is_there=False)
    assert await running_world.audited("turn.stopped")


async def test_details_open_over_the_home(running_world: World):
    root = await running_world.ask(ALICE, "run `ls -la`")
    await running_world.button(ALICE, root, action_ids.APPROVE)
    view = await open_home(running_world)
    (details,) = starting(running_world, view, action_ids.SHOW_DETAILS)

    await running_world.slack.click(ALICE, view, details)
    modal = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))

    assert ": ls -la" in str(modal.payload)
    assert ": ls -la" not in str(view.payload)


async def test_connections_spending_and_links_to_threads_are_there(running_world: World):
    view = await open_home(running_world)
    await running_world.connect_notes(ALICE)
    await shows(running_world, view, "*Notes*\\nConnected")
    root = await running_world.ask(ALICE, "list my notes")
    await running_world.answered(root)

    await shows(running_world, view, "Recent threads")
    link = f"https://deputy.slack.com/archives/{GENERAL}/p{root.ts.replace('.', '')}|list my notes"
    await shows(running_world, view, link)
    await shows(running_world, view, "spent")


async def test_what_is_always_allowed_is_listed_and_taken_back(running_world: World):
    await running_world.configure({"approvals": {"always_allow": "any"}})
    view = await open_home(running_world)
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.ALWAYS_ALLOW)
    await running_world.slack.click(ALICE, card, action_ids.ALWAYS_ALLOW)
    await running_world.answered(root)
    await shows(running_world, view, "Always allowed")
    value = buttons(running_world, view)[action_ids.REVOKE_ALLOWANCE]["value"]

    await running_world.slack.forge_click(BOB, card, action_ids.REVOKE_ALLOWANCE, value=value)
    await running_world.whispered(BOB, "no longer there")
    await running_world.slack.click(ALICE, view, action_ids.REVOKE_ALLOWANCE)
    await shows(running_world, view, "Always allowed", is_there=False)
    await running_world.slack.post_message(ALICE, GENERAL, "run `date`", thread_ts=root.ts)
    asked = await running_world.button(ALICE, root, action_ids.APPROVE)

    assert asked is not card
    assert [entry.actor for entry in await running_world.audited("allowance.revoked")] == [ALICE]
    assert len(running_world.sent("user.tool_confirmation")) == 1


@pytest.mark.fault("F38")
async def test_a_publication_that_comes_in_late_does_not_hide_what_happened_since(running_world: World):
    rough = Roughness({"slack:late_view"})
    running_world.peers.roughen(rough)
    await running_world.slack.open_home(ALICE)
    await running_world.slack.until(lambda _: rough.struck)
    rough.kinds.clear()
    await running_world.connect_notes(ALICE)
    await running_world.settled()

    assert action_ids.DISCONNECT in running_world.slack.buttons_of(running_world.slack.home_of(ALICE))


@pytest.mark.fault("F38")
@pytest.mark.parametrize("kind", ["status_500", "connection_error_before", "ratelimited", "malformed"])
async def test_what_happened_while_slack_was_out_is_on_the_home_that_is_published_at_last(
    running_world: World, kind: str
):
    await open_home(running_world)
    running_world.slack.faults.add("views.publish", kind=kind, times=3)
    await running_world.connect_notes(ALICE)
    await running_world.settled()

    assert action_ids.DISCONNECT in running_world.slack.buttons_of(running_world.slack.home_of(ALICE))


@pytest.mark.fault("F38")
async def test_a_slow_publication_is_followed_by_what_happened_meanwhile(running_world: World):
    running_world.slack.latency["views.publish"] = 0.7
    await running_world.slack.open_home(ALICE)
    await running_world.connect_notes(ALICE)
    await running_world.settled()

    assert action_ids.DISCONNECT in running_world.slack.buttons_of(running_world.slack.home_of(ALICE))


async def test_nobody_elses_home_is_touched(running_world: World):
    await open_home(running_world)
    root = await running_world.ask(ALICE, "call 6 tools at once")
    await running_world.button(ALICE, root, f"{action_ids.APPROVE}/6")
    card = await running_world.button(ALICE, root, action_ids.APPROVE_ALL)
    await running_world.slack.click(ALICE, card, action_ids.APPROVE_ALL)
    await running_world.answered(root)
    await running_world.settled()

    assert set(running_world.slack.workspace.homes) == {ALICE}


async def test_an_admin_comes_to_the_settings_from_home_and_nobody_else_does(running_world: World):
    alices, carols = await open_home(running_world), await open_home(running_world, CAROL)

    await running_world.slack.click(CAROL, carols, action_ids.SETTINGS)
    await running_world.slack.until(lambda _: running_world.slack.modal_of(CAROL))

    assert action_ids.SETTINGS not in buttons(running_world, alices)
    assert running_world.slack.modal_of(ALICE) is None
