"""A service that takes personal tokens: asked for in a form, tried, put into the vault, kept nowhere."""

from __future__ import annotations

import httpx2
import pytest
from structlog.testing import capture_logs

from bot.model import action_ids
from store import deliveries
from tests.journeys.test_connect import dm
from tests.world import ALICE, BOB, GENERAL, World

TOKEN_ONLY = """\
[services.notes]
title = "Notes"
mcp_url = "{url}"
manage_url = "{url}/account"
registration = "token"
[services.notes.tools]
allowed_tools = ["list_notes", "whoami"]
"""


@pytest.fixture
async def token_world(deputy_world: World):
    """Deputy running with Notes as a service that takes personal tokens and nothing else."""
    deputy_world.peers.catalog.write_text(TOKEN_ONLY.format(url=deputy_world.notes.mcp_url), "utf-8")
    async with deputy_world.deputy():
        yield deputy_world


async def open_form(world: World, user: str = ALICE):
    await world.slack.type_command(user, GENERAL, "/agent connect notes")
    card = await world.whispered(user, "personal token")
    await world.slack.click(user, card, action_ids.GIVE_TOKEN)
    return await world.slack.until(lambda _: world.slack.modal_of(user))


async def give(world: World, token: str, user: str = ALICE) -> None:
    view = await open_form(world, user)
    await submit(world, user, view, token)


async def submit(world: World, user: str, view, token: str) -> None:
    await world.slack.submit_view(user, view, {action_ids.TOKEN_FIELD_BLOCK: {action_ids.TOKEN_FIELD: token}})


async def test_a_token_from_the_form_goes_to_the_vault_and_works(token_world: World):
    token = token_world.notes.personal_token()

    await give(token_world, token)

    await dm(token_world, ALICE, "Connected to Notes")
    (vault,) = token_world.agents.vaults.values()
    (credential,) = vault.credentials.values()
    assert credential.auth == {
        "type": "static_bearer",
        "mcp_server_url": token_world.notes.mcp_url,
        "token": token,
    }
    (connected,) = await token_world.audited("connect.connected")
    assert connected.details["way"] == "token"
    assert token_world.leaks(token) == []


async def test_a_turn_uses_the_token_as_its_owner(token_world: World):
    await give(token_world, token_world.notes.personal_token("alice@example.com"))
    await dm(token_world, ALICE, "Connected to Notes")

    root = await token_world.ask(ALICE, "list my notes")
    await token_world.answered(root)

    assert [call.account for call in token_world.notes.calls] == ["alice@example.com"]


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("canary-pat-of-nobody", "doesn't take that token"),
        ("two words", "can't be a token"),
        ("short", "can't be a token"),
    ],
)
async def test_a_token_that_is_none_is_refused_kindly_and_nothing_is_kept(token_world: World, token, words):
    await give(token_world, token)

    refused = await dm(token_world, ALICE, words)
    assert action_ids.CONNECT in token_world.slack.buttons_of(refused, ALICE)
    assert token_world.agents.vaults == {}
    assert token_world.leaks("canary-pat") == []


async def test_a_service_that_is_down_keeps_no_token(token_world: World):
    token_world.notes.broken["/mcp"] = "503"

    await give(token_world, token_world.notes.personal_token())

    await dm(token_world, ALICE, "didn't complete the connection")
    assert token_world.agents.vaults == {}


async def test_each_member_has_their_own_vault_and_token(token_world: World):
    tokens = {user: token_world.notes.personal_token(f"{user}@example.com") for user in (ALICE, BOB)}
    for user, token in tokens.items():
        await give(token_world, token, user)
        await dm(token_world, user, "Connected to Notes")

    held = {
        vault.metadata["external_user_id"].rpartition("/")[2]: credential.auth["token"]
        for vault in token_world.agents.vaults.values()
        for credential in vault.credentials.values()
    }
    assert held == tokens


@pytest.mark.parametrize(
    "typed",
    ["connect notes ghp_canary1234567890abcdefgh", "connect ghp_canary1234567890abcdefgh", "sk-canary-1234567890"],
)
async def test_a_token_typed_as_words_is_refused_and_not_repeated(token_world: World, typed):
    await token_world.slack.type_command(ALICE, GENERAL, f"/agent {typed}")

    await token_world.whispered(ALICE, "looks like a token")
    await token_world.settled()
    assert "canary" not in token_world.whispers(ALICE)
    assert token_world.agents.vaults == {}


async def test_a_token_that_a_crash_caught_is_asked_for_again(deputy_world: World):
    deputy_world.peers.catalog.write_text(TOKEN_ONLY.format(url=deputy_world.notes.mcp_url), "utf-8")
    deputy_world.notes.broken["/mcp"] = "hold"
    async with deputy_world.deputy():
        await give(deputy_world, deputy_world.notes.personal_token())
        async with deputy_world.app.database.transaction() as tx:
            (delivery_id,) = await deliveries.list_received(tx)
            stored = await deliveries.find_received(tx, delivery_id)
        assert stored.kind == "GiveToken"
        assert '"token": null' in stored.payload
    deputy_world.notes.broken.clear()
    async with deputy_world.deputy():
        await dm(deputy_world, ALICE, "once more")

    assert deputy_world.agents.vaults == {}


@pytest.mark.fault("S4")
async def test_a_token_that_was_handed_on_before_a_crash_is_not_called_lost(deputy_world: World):
    deputy_world.peers.catalog.write_text(TOKEN_ONLY.format(url=deputy_world.notes.mcp_url), "utf-8")
    async with deputy_world.deputy():
        view = await open_form(deputy_world)
        posted = len(deputy_world.slack.calls_of("chat.postMessage"))
        deputy_world.slack.latency["chat.postMessage"] = 60.0
        await submit(deputy_world, ALICE, view, deputy_world.notes.personal_token())
        await deputy_world.slack.until(lambda _: len(deputy_world.slack.calls_of("chat.postMessage")) > posted)
    deputy_world.slack.latency.clear()
    async with deputy_world.deputy():
        await dm(deputy_world, ALICE, "Connected to Notes")
        await deputy_world.settled()

        assert not any("once more" in deputy_world.slack.text_of(m) for m in deputy_world.slack.dms(ALICE))


async def test_where_both_ways_are_open_the_link_offers_the_other(deputy_world: World):
    both = TOKEN_ONLY.replace('registration = "token"', 'token_page = "https://notes.example/tokens"')
    deputy_world.peers.catalog.write_text(both.format(url=deputy_world.notes.mcp_url), "utf-8")
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, "/agent connect notes")
        card = await dm(deputy_world, ALICE, "connected, your agent can use it")
        await deputy_world.slack.click(ALICE, card, action_ids.GIVE_TOKEN)
        view = await deputy_world.slack.until(lambda _: deputy_world.slack.modal_of(ALICE))
        await submit(deputy_world, ALICE, view, deputy_world.notes.personal_token())

        await dm(deputy_world, ALICE, "Connected to Notes")
        async with httpx2.AsyncClient() as http:
            assert (await http.get(deputy_world.link_for(ALICE))).status_code == 410


@pytest.mark.fault("D11")
async def test_a_vault_that_refuses_a_token_is_not_called_the_services_no(token_world: World):
    token_world.agents.faults.add("/v1/vaults/*/credentials", "POST", kind="status_400", times=9)

    with capture_logs() as logs:
        await give(token_world, token_world.notes.personal_token())
        await dm(token_world, ALICE, "Claude did not store the access")

    assert [entry["status"] for entry in logs if entry["event"] == "connect.failed"] == ["400"]
