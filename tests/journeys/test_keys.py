"""Sealing keys that are lost, and an API key that is refused: what cannot be done is said, and all else goes on."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from bot.model import action_ids
from bot.model.errors import ConfigurationError
from store.sealing import new_key, parse_keys
from tests.journeys.test_approvals import held
from tests.journeys.test_connect import dm, link
from tests.journeys.test_outages import EVENTS
from tests.journeys.test_rules_at_the_act import walk_and_then
from tests.world import ALICE, BOB, World


def with_other_keys(world: World, *keep) -> None:
    """Set a new key before the kept ones; without any, as an operator does who knows that the old one is lost."""
    keys = (*parse_keys(new_key()), *keep)
    world.settings = world.settings.model_copy(update={"secret_keys": keys, "is_key_lost": not keep})


async def test_with_a_rotated_key_everything_goes_on(deputy_world: World):
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 120 words")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
    with_other_keys(deputy_world, *deputy_world.settings.secret_keys)

    async with deputy_world.deputy():
        await deputy_world.answered(root)


@pytest.mark.fault("S23")
async def test_a_mistyped_key_ends_nothing_the_start_is_refused(deputy_world: World):
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 120 words")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
        await deputy_world.slack.post_message(ALICE, root.channel, "say exactly: and this", root.ts)
        await deputy_world.answer_in(root, "Queued")
    right = deputy_world.settings
    deputy_world.settings = right.model_copy(update={"secret_keys": parse_keys(new_key())})
    with pytest.raises(ConfigurationError, match=r"DEPUTY_SECRET_KEYS: nothing .* opens with the keys given"):
        async with deputy_world.deputy():
            pass
    deputy_world.settings = right

    async with deputy_world.deputy():
        await deputy_world.answered(root, 2)


@pytest.mark.fault("S23")
async def test_a_lost_key_ends_what_does_not_open_and_tells_its_owner_and_nobody_else(deputy_world: World):
    """What the session has goes on without our copy of its words; what waits in line is ended, and said to be."""
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 120 words")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
        await deputy_world.slack.post_message(ALICE, root.channel, "and this after it", root.ts)
        await deputy_world.answer_in(root, "Queued")
    with_other_keys(deputy_world)

    with capture_logs() as logs:
        async with deputy_world.deputy():
            await deputy_world.answer_in(root, "can no longer read what you asked")
            await deputy_world.answered(root)
            other = await deputy_world.ask(BOB, "list my notes")
            await deputy_world.answered(other)

    told = [entry for entry in logs if entry["event"] == "not_readable"]
    assert told and {entry["variable"] for entry in told} == {"DEPUTY_SECRET_KEYS"}
    assert len(deputy_world.requests()) == 2


@pytest.mark.fault("S23")
async def test_a_lost_key_ends_an_attempt_that_was_on_its_way_and_registers_afresh(deputy_world: World):
    deputy_world.notes.registration_auth_method = "client_secret_post"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(deputy_world.deputy())
        url = await link(deputy_world)

        async def restart() -> None:
            await stack.aclose()
            with_other_keys(deputy_world)
            await stack.enter_async_context(deputy_world.deputy())

        page = await walk_and_then(deputy_world, url, restart)
        assert (page.status_code, "cannot go on" in page.text) == (410, True)
        await dm(deputy_world, ALICE, "has expired")
        await deputy_world.connect_notes(ALICE)
        await dm(deputy_world, ALICE, "Connected to Notes")

    assert len(deputy_world.notes.clients) == 2


@pytest.mark.fault("S23")
async def test_a_decision_that_claude_does_not_take_is_not_said_to_be_approved(running_world: World):
    root, card = await held(running_world)
    running_world.agents.api_key = "another"

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)

    await running_world.answer_in(root, "could not be sent to Claude")
    assert running_world.sent("user.tool_confirmation") == []
    assert f"Approved by <@{ALICE}>, but it could not be sent to Claude" in running_world.slack.text_of(card)


@pytest.mark.fault("S23", "D14")
async def test_a_decision_while_claude_is_out_is_seen_as_taken_and_not_yet_sent(running_world: World):
    root, card = await held(running_world)
    running_world.agents.faults.add(EVENTS, "POST", kind="status_500", times=4)

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)

    await running_world.slack.until(lambda _: "not yet sent to Claude" in running_world.slack.text_of(card))
    await running_world.answered(root)
    assert f"Approved by <@{ALICE}>" in running_world.slack.text_of(card)
    assert "not yet sent" not in running_world.slack.text_of(card)
