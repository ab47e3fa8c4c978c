"""What becomes of something is stored with the words about it, and told then: a crash or an outage loses neither."""

from __future__ import annotations

import pytest

from simulator.slack import people
from tests.world import ALICE, BOB, GENERAL, World

HELD = 60.0
SHARED = "shared with another organisation"
WHISPER = "chat.postEphemeral"
POST = "chat.postMessage"


def told(world: World, user: str, words: str) -> int:
    """Return how often somebody was told something, where nobody else reads it."""
    alone = [*world.slack.ephemerals(user), *world.slack.dms(user)]
    return sum(words in world.slack.text_of(message) for message in alone)


async def kept_back(world: World):
    """Let a request wait in line until its channel is shared with another organisation."""
    root = await world.ask(ALICE, "think for 1 seconds")
    await world.agents.until(lambda _: world.sent())
    await world.slack.post_message(ALICE, GENERAL, "say exactly: two", thread_ts=root.ts)
    await world.answer_in(root, "Queued")
    world.slack.workspace.channels[GENERAL].is_ext_shared = True
    return root


@pytest.mark.fault("S4")
async def test_why_something_is_not_shown_is_told_also_after_a_crash(deputy_world: World):
    async with deputy_world.deputy():
        deputy_world.slack.latency[WHISPER] = HELD
        await kept_back(deputy_world)
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of(WHISPER))
    assert told(deputy_world, ALICE, SHARED) == 0
    deputy_world.slack.latency.clear()

    async with deputy_world.deputy():
        await deputy_world.slack.until(lambda _: told(deputy_world, ALICE, SHARED))
        await deputy_world.settled()

        assert told(deputy_world, ALICE, "say exactly: two") == 1


@pytest.mark.fault("S4")
async def test_why_something_is_not_shown_is_told_once_slack_is_back(running_world: World):
    running_world.slack.faults.add(WHISPER, kind="status_500", times=1000)
    await kept_back(running_world)
    await running_world.slack.until(lambda _: len(running_world.slack.calls_of(WHISPER)) == 2)  # in doubt once more
    running_world.slack.faults.clear()
    running_world.turn(120)

    await running_world.slack.until(lambda _: told(running_world, ALICE, "say exactly: two"))
    await running_world.settled()
    assert told(running_world, ALICE, "say exactly: two") == 1


@pytest.mark.fault("S4")
async def test_a_guest_is_refused_also_after_a_crash(deputy_world: World):
    refused = "can't work with guest accounts"
    async with deputy_world.deputy():
        deputy_world.slack.latency[WHISPER] = HELD
        await deputy_world.slack.post_message(people.GUEST, GENERAL, f"<@{people.BOT}> what is new?")
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of(WHISPER))
    deputy_world.slack.latency.clear()

    async with deputy_world.deputy():
        await deputy_world.slack.until(lambda _: told(deputy_world, people.GUEST, refused))
        await deputy_world.settled()

        assert told(deputy_world, people.GUEST, refused) == 1


REWRITE = "chat.update"
ENDS = [(ALICE, "Connected to Notes"), (BOB, "signed in to Slack as somebody else")]
"""Whose browser goes the way of Alice's link, and what she is told of it."""


async def link_of(world: World) -> str:
    await world.slack.type_command(ALICE, GENERAL, "/agent connect notes")
    return await world.slack.until(lambda _: world.link_for(ALICE))


@pytest.mark.parametrize(("browser", "words"), ENDS)
async def test_what_became_of_a_link_is_told_once_slack_is_back(running_world: World, browser: str, words: str):
    url = await link_of(running_world)
    running_world.slack.faults.add(REWRITE, kind="status_500", times=1000)
    await running_world.walk(url, browser, ends_well=browser == ALICE)
    await running_world.slack.until(lambda _: len(running_world.slack.calls_of(REWRITE)) > 1)  # in doubt once more
    running_world.slack.faults.clear()
    running_world.turn(120)

    await running_world.slack.until(lambda _: told(running_world, ALICE, words))
    await running_world.settled()
    assert told(running_world, ALICE, words) == 1


@pytest.mark.parametrize(("browser", "words"), ENDS)
async def test_what_became_of_a_link_is_told_also_after_a_crash(deputy_world: World, browser: str, words: str):
    async with deputy_world.deputy():
        url = await link_of(deputy_world)
        deputy_world.slack.latency[REWRITE] = HELD
        await deputy_world.walk(url, browser, ends_well=browser == ALICE)
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of(REWRITE))
    assert told(deputy_world, ALICE, words) == 0
    deputy_world.slack.latency.clear()

    async with deputy_world.deputy():
        await deputy_world.slack.until(lambda _: told(deputy_world, ALICE, words))
        await deputy_world.settled()

        assert told(deputy_world, ALICE, words) == 1


async def test_what_became_of_a_link_whose_message_is_gone_is_told_once(deputy_world: World):
    """There is nothing to rewrite: what was sent is found by its marker, also where its answer was lost."""
    async with deputy_world.deputy():
        url = await link_of(deputy_world)
        for method, kind, error in ((REWRITE, "error", "message_not_found"), (POST, "status_500_after", "")):
            deputy_world.slack.faults.add(method, kind=kind, error=error, times=1000)
        await deputy_world.walk(url, ALICE)
        await deputy_world.slack.until(lambda _: told(deputy_world, ALICE, "Connected to Notes"))
    deputy_world.slack.faults.clear()

    async with deputy_world.deputy():
        await deputy_world.settled()

        assert told(deputy_world, ALICE, "Connected to Notes") == 1
