"""A connection that was begun before a rule changed: the rule is asked again before anything is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.model import action_ids
from tests.journeys import test_code_confirmation
from tests.journeys.test_connect import dm, link
from tests.journeys.test_personal_tokens import TOKEN_ONLY, open_form, submit
from tests.world import ALICE, BOB, World, world

CHANGES = {
    "all paused": ({"is_paused": True}, "paused me for everybody"),
    "they are paused": ({"members": {ALICE: {"is_paused": True}}}, "paused me for you"),
    "the service is paused": ({"services": {"notes": {"is_paused": True}}}, "paused Notes"),
    "it is open to others": ({"services": {"notes": {"who_may_connect": [BOB]}}}, "isn't open to you"),
}
changes = pytest.mark.parametrize(("settings", "words"), CHANGES.values(), ids=CHANGES)


def nothing_is_kept(world: World) -> bool:
    return not any(vault.credentials for vault in world.agents.vaults.values())


def live_tokens(world: World) -> list:
    return [token for token in world.notes.tokens.values() if token.subject and not token.revoked]


async def walk_and_then(world: World, url: str, change: Callable[[], Awaitable[object]]):
    """Go to the service and consent there; then something changes, and the browser comes back."""
    consent = world.notes.consent

    async def consent_first(*args, **kwargs) -> str:
        answer = await consent(*args, **kwargs)
        await change()
        return answer

    world.notes.consent = consent_first
    try:
        return await world.walk(url, ALICE, ends_well=False)
    finally:
        world.notes.consent = consent


@pytest.mark.fault("S23")
@changes
async def test_a_rule_that_changed_after_the_link_sends_nobody_to_the_service(running_world: World, settings, words):
    url = await link(running_world)
    await running_world.configure(settings)

    page = await running_world.walk(url, ALICE)

    assert page.status_code == 403
    await dm(running_world, ALICE, words)
    assert not [visit for visit in running_world.notes.visits if "authorize" in visit.path]


@pytest.mark.fault("S23")
@pytest.mark.threat(49)
@changes
async def test_a_rule_that_changed_at_the_service_stores_nothing_and_revokes(running_world: World, settings, words):
    url = await link(running_world)

    page = await walk_and_then(running_world, url, lambda: running_world.configure(settings))

    assert page.status_code == 403
    assert "paused" in page.text or "is not open to you" in page.text
    await dm(running_world, ALICE, words)
    assert nothing_is_kept(running_world)
    assert live_tokens(running_world) == []
    assert await running_world.audited("connect.connected") == []


@pytest.mark.fault("S23")
@pytest.mark.threat(49)
@pytest.mark.parametrize("change", [{"is_restricted": True}, {"is_stranger": True}, {"deleted": True}], ids=str)
async def test_who_is_no_full_member_any_more_gets_no_connection(running_world: World, change: dict):
    """Slack's word of this moment counts, also where its event about it never came."""
    url = await link(running_world)

    async def become() -> None:
        for name, value in change.items():
            setattr(running_world.slack.workspace.people[ALICE], name, value)

    page = await walk_and_then(running_world, url, become)

    assert page.status_code == 403
    assert "no full member" in page.text
    assert nothing_is_kept(running_world)
    assert live_tokens(running_world) == []


@pytest.mark.fault("S23")
async def test_an_older_connection_outlives_one_that_is_refused(running_world: World):
    await running_world.connect_notes(ALICE)
    await dm(running_world, ALICE, "Connected to Notes")
    url = await link(running_world)

    await walk_and_then(running_world, url, lambda: running_world.configure({"is_paused": True}))

    await dm(running_world, ALICE, "paused me for everybody")
    (vault,) = running_world.agents.vaults.values()
    assert len(vault.credentials) == 1


@pytest.mark.fault("S23")
@changes
async def test_a_code_that_was_waited_for_connects_nothing_once_a_rule_has_changed(tmp_path, settings, words):
    by_code = {"DEPUTY_IDENTITY_CHECK": "code", "SLACK_CLIENT_ID": "", "SLACK_CLIENT_SECRET": ""}
    async with world(tmp_path, **by_code) as coded, coded.deputy():
        code = await test_code_confirmation.code_on_page(coded)
        asked = await test_code_confirmation.dm(coded, "Your browser shows a code")
        await coded.configure(settings)

        await test_code_confirmation.enter(coded, asked, code)

        await dm(coded, ALICE, words)
    assert nothing_is_kept(coded)
    assert live_tokens(coded) == []


@pytest.mark.fault("S23")
async def test_a_form_for_a_token_that_was_open_meanwhile_connects_nothing(deputy_world: World):
    deputy_world.peers.catalog.write_text(TOKEN_ONLY.format(url=deputy_world.notes.mcp_url), "utf-8")
    async with deputy_world.deputy():
        view = await open_form(deputy_world)
        await deputy_world.configure({"services": {"notes": {"is_paused": True}}})

        await submit(deputy_world, ALICE, view, deputy_world.notes.personal_token())

        await dm(deputy_world, ALICE, "paused")
        await deputy_world.settled()
    assert nothing_is_kept(deputy_world)
    assert action_ids.DISCONNECT not in str(deputy_world.slack.dms(ALICE))
