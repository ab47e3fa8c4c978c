"""Clocks that are wrong, or set while Deputy runs: nothing waits for ever, nothing is done twice."""

from __future__ import annotations

import pytest

from tests.world import ALICE, GENERAL, World

TASK = "say exactly: done and dusted"
WRONG = [{"hours": -1}, {"seconds": 30}, {"minutes": 10}, {"hours": 5}]
"""By how much this machine's clock is ahead of its peers', or behind."""


@pytest.mark.fault("S9")
@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_a_clock_that_is_set_in_the_middle_holds_no_answer_up(running_world: World, wrong: dict[str, float]):
    first = await running_world.ask(ALICE, TASK)
    await running_world.answered(first)
    running_world.clock.set_wrong(**wrong)

    for number in range(4):  # a channel's budget is three posts at once
        await running_world.slack.post_message(ALICE, first.channel, f"say exactly: {number}", thread_ts=first.ts)
    await running_world.answered(first, 5)

    assert running_world.requests() == [TASK, *(f"say exactly: {number}" for number in range(4))]


@pytest.mark.fault("S9")
@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_a_root_whose_answer_was_lost_is_posted_once_whatever_the_clock_says(
    running_world: World, wrong: dict[str, float]
):
    running_world.clock.set_wrong(**wrong)
    running_world.slack.faults.add("chat.postMessage", kind="connection_error_after")
    root = await running_world.ask(ALICE, TASK)
    await running_world.answered(root)

    asked = [m for m in running_world.slack.messages(root.channel) if "asked" in running_world.slack.text_of(m)]
    assert len({m.ts for m in asked if m.ts == (m.thread_ts or m.ts)}) == 1


@pytest.mark.fault("S9")
@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("kind", ["drop", "eof"])
async def test_an_answer_whose_stream_broke_is_shown_whatever_the_clock_says(
    running_world: World, wrong: dict[str, float], kind: str
):
    running_world.clock.set_wrong(**wrong)
    running_world.agents.pace = 0.01
    running_world.agents.faults.stream(kind, at="agent.message")
    root = await running_world.ask(ALICE, TASK)

    await running_world.answered(root)
    assert running_world.requests() == [TASK]


@pytest.mark.fault("S9")
@pytest.mark.parametrize("then", WRONG, ids=str)
async def test_what_was_begun_by_a_wrong_clock_is_taken_up_by_a_right_one_and_the_other_way_round(
    deputy_world: World, then: dict[str, float]
):
    deputy_world.agents.pace = 0.02
    deputy_world.clock.set_wrong(**then)
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 60 words")
        await deputy_world.slack.until(lambda ws: ws.open_streams())
    deputy_world.agents.pace = 0.0
    await deputy_world.agents.until(lambda world: all(s.task is None for s in world.sessions.values()))
    deputy_world.clock.set_wrong()

    async with deputy_world.deputy():
        await deputy_world.answered(root)
        await deputy_world.settled()
    assert len(deputy_world.answers(root)) == 1
    assert deputy_world.slack.workspace.open_streams() == []
    assert deputy_world.requests() == ["write a long text of 60 words"]


@pytest.mark.fault("S9")
@pytest.mark.parametrize("then", WRONG, ids=str)
async def test_a_request_and_a_session_in_doubt_are_found_by_another_clock(deputy_world: World, then: dict[str, float]):
    fault = deputy_world.agents.faults.add("/v1/sessions", "POST", kind="timeout_after")
    deputy_world.clock.set_wrong(**then)
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, f"/agent ask {TASK}")
        await deputy_world.agents.until(lambda _: fault.done)
    deputy_world.agents.faults.clear()
    deputy_world.clock.set_wrong()

    async with deputy_world.deputy():
        await deputy_world.agents.until(lambda _: deputy_world.requests())
        await deputy_world.settled()
    assert deputy_world.requests() == [TASK]
    assert len(deputy_world.agents.sessions) == 1
