"""A turn ends, its session is not left acting where nobody sees it, and what is uncertain is called so."""

from __future__ import annotations

from contextlib import suppress

import pytest

from bot.model import action_ids
from store import turns
from tests.world import ALICE, World

EVENTS = "/v1/sessions/*/events"
LONG = "write a long text of 3000 words"


def interrupts(world: World) -> int:
    return len(world.sent("user.interrupt"))


async def at_work(world: World):
    """Let Alice's first request be worked on for long; return the thread's root."""
    world.agents.pace = 0.05
    root = await world.ask(ALICE, LONG)
    await world.slack.until(lambda _: world.slack.calls_of("chat.appendStream"))
    return root


async def no_turn_is_open(world: World) -> None:
    await world.settled()
    async with world.app.database.transaction() as tx:
        assert await turns.list_open(tx) == ()


async def turned_until(world: World, words: str, root, seconds: float = 10) -> None:
    """Let time pass until the thread shows these words."""

    def said(_):
        thread = world.slack.thread(root.channel, root.ts)
        return any(words in world.slack.text_of(message) for message in thread)

    for _ in range(150):
        world.turn(seconds)
        with suppress(TimeoutError):
            return await world.slack.until(said, 0.3)
    raise AssertionError(f"never said: {words!r}")


@pytest.mark.fault("S5")
@pytest.mark.parametrize("how", ["archived", "revoked"])
async def test_a_first_request_that_nobody_can_see_any_more_is_interrupted(running_world: World, how: str):
    root = await at_work(running_world)

    if how == "archived":
        running_world.slack.workspace.channels[root.channel].is_archived = True
    else:
        running_world.slack.web_api.access.is_revoked = True

    await running_world.agents.until(lambda _: interrupts(running_world))
    await no_turn_is_open(running_world)


@pytest.mark.fault("D2")
async def test_a_listing_that_fails_for_long_is_said_and_can_be_stopped(running_world: World, logged):
    running_world.agents.pace = 0.05
    fault = running_world.agents.faults.add(EVENTS, "GET", nth=2, kind="status_500", times=10_000)
    root = await running_world.ask(ALICE, LONG)
    await running_world.agents.until(lambda _: fault.done > 2)
    assert any("stream_opened_again" in line and "500" in line for line in logged.lines)

    await running_world.slack.post_message(ALICE, root.channel, "stop", thread_ts=root.ts)
    await running_world.agents.until(lambda _: interrupts(running_world))
    await turned_until(running_world, "I stopped", root, 3)

    running_world.agents.faults.clear()
    await no_turn_is_open(running_world)


@pytest.mark.slow
@pytest.mark.fault("S19")
async def test_a_request_that_may_be_done_is_not_offered_again_and_its_session_is_stopped_in_the_end(
    deputy_world: World,
):
    async with deputy_world.deputy():
        root = await at_work(deputy_world)
    deputy_world.agents.faults.add("*", "*", kind="status_500", times=10_000)

    async with deputy_world.deputy():
        await turned_until(deputy_world, "lost touch", root, 60)
        deputy_world.agents.faults.clear()
        deputy_world.turn(60)
        await deputy_world.agents.until(lambda _: interrupts(deputy_world))
        await no_turn_is_open(deputy_world)

    thread = deputy_world.slack.thread(root.channel, root.ts)
    assert not any(action_ids.ASK_AGAIN in deputy_world.slack.buttons_of(message, ALICE) for message in thread)
    assert deputy_world.requests() == [LONG]


@pytest.mark.fault("S19")
async def test_an_outage_while_the_session_works_is_outlasted_and_the_answer_comes_once(deputy_world: World):
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 60 words")
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of("chat.startStream"))
    fault = deputy_world.agents.faults.add("*", "*", kind="status_500", times=10_000)

    async with deputy_world.deputy():
        await deputy_world.agents.until(lambda _: fault.done > 2)
        for _ in range(4):
            deputy_world.turn(60)
        deputy_world.agents.faults.clear()
        deputy_world.turn(60)
        await deputy_world.answered(root)
        await no_turn_is_open(deputy_world)

    assert len(deputy_world.answers(root)) == 1
    assert deputy_world.requests() == ["write a long text of 60 words"]
    assert interrupts(deputy_world) == 0


@pytest.mark.fault("D4")
async def test_a_session_that_waits_for_what_nobody_was_told_of_is_interrupted(running_world: World):
    running_world.agents.pace = 0.05
    root = await running_world.ask(ALICE, LONG)
    await running_world.agents.until(lambda _: running_world.sent())
    (session_id,) = running_world.agents.sessions
    reason = {"type": "requires_action", "event_ids": ["sevt_unheard_of"]}
    running_world.agents.inject(session_id, {"type": "session.status_idle", "stop_reason": reason})

    await running_world.agents.until(lambda _: interrupts(running_world))
    await running_world.answer_in(root, "stopped for a reason I don't know yet")
    await no_turn_is_open(running_world)
