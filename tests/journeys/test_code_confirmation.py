"""Connecting where Sign in with Slack is not configured: the code is typed into Slack."""

import re

import httpx2
import pytest

from bot.model import action_ids
from tests.world import ALICE, BOB, GENERAL, World, world


@pytest.fixture
async def coded(tmp_path):
    async with world(tmp_path, DEPUTY_IDENTITY_CHECK="code", SLACK_CLIENT_ID="", SLACK_CLIENT_SECRET="") as made:
        async with made.deputy():
            yield made
        assert made.leaks("canary-") == []


async def code_on_page(world: World, user: str = ALICE, account: str = "alice@example.com") -> str:
    """Ask for a link and go all the way to the page with the code."""
    await world.slack.type_command(user, GENERAL, "/agent connect notes")
    url = await world.slack.until(lambda _: world.link_for(user))
    async with httpx2.AsyncClient(follow_redirects=False) as http:
        origin = {"origin": world.settings.public_url, "sec-fetch-site": "same-origin"}
        started = await http.post(f"{url}/start", headers=origin)
        name, _, rest = started.headers["set-cookie"].partition("=")
        cookie = {"cookie": f"{name}={rest.partition(';')[0]}"}
        proceed = await http.get(started.headers["refresh"].partition("url=")[2], headers=cookie)
        callback = await world.notes.consent(proceed.headers["location"], account=account, allow=True)
        last = await http.get(callback, headers=cookie)
        page = await http.get(last.headers["location"], headers=cookie)
    return re.search(r"<code>([0-9A-Z]{4}-[0-9A-Z]{4})</code>", page.text)[1]


async def dm(world: World, words: str, user: str = ALICE):
    def found(_):
        return next((m for m in reversed(world.slack.dms(user)) if words in world.slack.text_of(m)), None)

    return await world.slack.until(found)


async def enter(world: World, message, code: str, user: str = ALICE) -> None:
    await world.slack.click(user, message, action_ids.ENTER_CODE)
    view = await world.slack.until(lambda _: world.slack.modal_of(user))
    await world.slack.submit_view(user, view, {action_ids.CODE_FIELD_BLOCK: {action_ids.CODE_FIELD: code}})


async def test_the_code_of_the_page_typed_into_slack_connects(coded: World):
    code = await code_on_page(coded)
    asked = await dm(coded, "Your browser shows a code")
    assert all(not vault.credentials for vault in coded.agents.vaults.values())

    await enter(coded, asked, "0000-0000")
    again = await dm(coded, "That isn't the code for Notes. You can try 4 more times")
    await enter(coded, again, code.lower())

    await dm(coded, "Connected to Notes")
    (vault,) = coded.agents.vaults.values()
    assert len(vault.credentials) == 1


async def test_a_code_that_nobody_types_is_given_up(coded: World):
    await code_on_page(coded)
    await dm(coded, "Your browser shows a code")

    coded.turn(5 * 60 + 1)

    await dm(coded, "has expired")
    assert all(token.revoked for token in coded.notes.tokens.values() if token.subject)


async def test_anothers_click_on_the_button_opens_nothing(coded: World):
    await code_on_page(coded)
    asked = await dm(coded, "Your browser shows a code")
    value = coded.slack.buttons_of(asked, ALICE)[action_ids.ENTER_CODE]["value"]

    await coded.slack.forge_click(BOB, asked, action_ids.ENTER_CODE, value=value)

    await coded.slack.until(lambda _: "no longer there" in coded.whispers(BOB) or coded.slack.dms(BOB))
    assert coded.slack.modal_of(BOB) is None
