"""A request with an approval against peers that send what the world sends: answered once, nothing doubled, ended."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from bot.model import action_ids
from simulator.roughness import AgentsKind, Roughness
from store import spending, threads, turns
from tests.world import ALICE, World

TASK = "write a note called Rent with the text Paid on Friday"


async def asked_and_approved(world: World) -> None:
    """Let Alice ask for a write and allow it; see that it is done once and said once, and that nothing is left."""
    await world.connect_notes(ALICE)
    root = await world.ask(ALICE, TASK)
    card = await world.button(ALICE, root, action_ids.APPROVE)
    await world.slack.click(ALICE, card, action_ids.APPROVE)
    (answer,) = await world.answered(root)
    await world.settled()

    assert len(world.requests()) == 1
    assert [event["result"] for event in world.sent("user.tool_confirmation")] == ["allow"]
    written = [acted for acted in world.agents.authority_log if acted.tool == "write_note"]
    assert len(written) == 1
    assert len(world.answers(root)) == 1
    assert world.slack.text_of(answer).count("write_note") <= 1
    assert world.slack.workspace.open_streams() == []
    async with world.app.database.transaction() as tx:
        assert await turns.list_open(tx) == ()


@pytest.mark.fault("D2", "D4", "S18")
@pytest.mark.parametrize("kind", get_args(AgentsKind))
async def test_an_approved_request_is_carried_out_once_whatever_the_api_leaves_out(running_world: World, kind: str):
    rough = Roughness({kind})
    running_world.peers.roughen(rough)

    await asked_and_approved(running_world)


@pytest.mark.fault("D7")
async def test_a_slack_without_its_newer_methods_is_asked_for_each_once_and_answers_are_edited(running_world: World):
    rough = Roughness({"slack:not_found_without_json"})
    running_world.peers.roughen(rough)

    await asked_and_approved(running_world)
    # What is at work for long is seen at work; that answer may have been whole before anybody looked at it.
    running_world.agents.pace = 0.05
    long = await running_world.ask(ALICE, "write a long text of 3000 words")
    await running_world.slack.until(lambda _: rough.struck["slack:not_found_without_json"])
    await running_world.slack.post_message(ALICE, long.channel, "stop", thread_ts=long.ts)
    await running_world.settled()

    called = [call.method for call in running_world.slack.calls]
    assert called.count("agents.sessions.setStatus") <= 2
    assert called.count("chat.startStream") <= 2
    assert rough.struck["slack:not_found_without_json"] > 0


@pytest.mark.fault("D2", "D4")
@pytest.mark.parametrize("seed", range(6))
async def test_an_approved_request_is_carried_out_once_on_a_rough_day(running_world: World, seed: int):
    rough = Roughness(get_args(AgentsKind), chance=0.5, seed=seed)
    running_world.peers.roughen(rough)

    await asked_and_approved(running_world)


@pytest.mark.fault("S18")
async def test_a_turn_whose_cost_nobody_tells_is_charged_what_it_was_allowed(running_world: World):
    running_world.peers.roughen(Roughness({"agents:no_usage"}))
    await running_world.configure({"budgets": {"per_turn": 2}})

    root = await running_world.ask(ALICE, "say exactly: done and dusted")
    await running_world.answered(root)
    await running_world.settled()

    async with running_world.app.database.transaction() as tx:
        thread = await threads.find_by_root(tx, running_world.app.install.workspace_id, root.channel, root.ts)
        counted = await spending.spent(tx, thread, running_world.clock.now() - timedelta(days=1))
    assert (counted.member, counted.channel, counted.workspace) == (200, 200, 200)
