"""Without Sign in with Slack a code goes from the browser to Slack (docs/reference/oauth.md#code-in-slack)."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from oauth.catalog.catalog import Catalog
from oauth.connect.code_confirmation import CODE_LIFE, MOST_TRIES, new_code, read_code
from oauth.connect.connect_context import CodeInSlack, ConnectContext
from oauth.connect.connections import Connections
from oauth.connect.routes import routes
from oauth.errors import AttemptEnded, CodeMissed, CodeWrong
from oauth.ports import Failure
from tests.oauth.conftest import (
    NOTES,
    Browser,
    RecordingOutcomes,
    RecordingVaults,
    Room,
    catalog_file,
    next_url,
    serving,
)


@pytest.fixture
async def coded(tmp_path, *, database, notes, slack, sender, clock) -> AsyncIterator[Room]:
    """`oauth` as it is where Sign in with Slack is not configured."""
    listener = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    vaults, outcomes, holds = RecordingVaults(database, clock), RecordingOutcomes(), []
    context = ConnectContext(
        database=database,
        catalog=Catalog.load(catalog_file(tmp_path / "services.toml", notes), {}),
        vaults=vaults,
        sender=sender,
        clock=clock,
        base_url=base_url,
    )
    proof = CodeInSlack(lambda until, give_up: holds.append((until, give_up)))
    connections = Connections(context, outcomes=outcomes, proof=proof)
    room = Room(base_url, connections, vaults, outcomes, clock, database, notes, slack)
    room.holds = holds
    async with serving(Starlette(routes=routes(connections)), listener):
        yield room


async def shown_code(room: Room, browser: Browser, link: str, account: str = "alice@example.com") -> str:
    """Go all the way to the page with the code and read it."""
    assert (await browser.get(link)).status_code == 200
    to_service = next_url(await browser.get(next_url(await browser.press(link))))
    answer = await browser.get(await room.notes.consent(to_service, account))
    assert answer.headers["location"] == f"{room.base_url}/connect/code"
    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200, page.text
    return re.search(r"<code>([0-9A-Z]{4}-[0-9A-Z]{4})</code>", page.text)[1]


def ticket_of(room: Room):
    return room.outcomes.wanted[-1][0].id


def live(room: Room) -> list:
    return [token for token in room.notes.tokens.values() if token.subject and not token.revoked]


async def confirm(room: Room, member, code: str) -> None:
    await room.connections.callback.confirm(member, ticket_of(room), code)


@pytest.mark.threat(52)
async def test_the_code_that_the_browser_shows_connects_once_it_is_typed_by_its_member(coded, alice):
    async with coded.browser() as browser:
        code = await shown_code(coded, browser, await coded.issue(alice))
        assert coded.vaults.credentials == []
        assert alice.name in coded.shown[-1]
        await confirm(coded, alice, f" {code.lower().replace('0', 'o').replace('1', 'l')} ")

        assert (await browser.get(f"{coded.base_url}/connect/code")).status_code == 410

    [(owner, service, _)] = coded.vaults.credentials
    assert (owner, service) == (alice, NOTES)
    assert len(coded.outcomes.connections) == 1
    with pytest.raises(CodeMissed):
        await confirm(coded, alice, code)


@pytest.mark.fault("S23")
@pytest.mark.threat(49)
async def test_a_service_taken_away_while_a_code_is_waited_for_connects_nothing(coded, alice):
    async with coded.browser() as browser:
        code = await shown_code(coded, browser, await coded.issue(alice))
        coded.connections.catalog.offer(())
        with pytest.raises(AttemptEnded):
            await confirm(coded, alice, code)

    assert coded.vaults.credentials == []
    assert live(coded) == []
    assert [failure for _, failure, _ in coded.outcomes.failures] == [Failure.NOT_OFFERED]


@pytest.mark.threat(52)
async def test_a_wrong_code_five_times_ends_it_and_revokes(coded, alice):
    async with coded.browser() as browser:
        code = await shown_code(coded, browser, await coded.issue(alice))
        for left in reversed(range(MOST_TRIES)):
            with pytest.raises(CodeWrong) as wrong:
                await confirm(coded, alice, "")
            assert wrong.value.left == left
        with pytest.raises(CodeMissed):
            await confirm(coded, alice, code)

    assert coded.vaults.credentials == []
    assert [failure for _, failure, _ in coded.outcomes.failures] == [Failure.CODE]
    assert live(coded) == []


@pytest.mark.threat(52)
async def test_another_member_with_the_right_code_connects_nothing_and_spoils_nothing(coded, alice, bob):
    """The forwarded link, other way round: Bob reads Alice's page, or Alice hands him her code."""
    async with coded.browser() as browser:
        code = await shown_code(coded, browser, await coded.issue(alice))
        for _ in range(MOST_TRIES + 1):
            with pytest.raises(CodeMissed):
                await confirm(coded, bob, code)
        await confirm(coded, alice, code)

    assert [owner for owner, _, _ in coded.vaults.credentials] == [alice]


@pytest.mark.threat(52)
async def test_a_victim_who_consents_by_a_forwarded_link_connects_nothing_without_telling_the_code(coded, alice):
    """Alice is the attacker here: the account is the victim's, the code is on the victim's page only."""
    async with coded.browser() as victim:
        await shown_code(coded, victim, await coded.issue(alice), account="bob@example.com")
        async with coded.browser() as attacker:
            assert (await attacker.get(f"{coded.base_url}/connect/code")).status_code == 410
        for _ in range(MOST_TRIES):
            with pytest.raises(CodeWrong):
                await confirm(coded, alice, new_code())

    assert coded.vaults.credentials == []
    assert live(coded) == []


@pytest.mark.threat(52)
async def test_a_code_is_late_after_five_minutes_and_what_it_stood_for_is_revoked(coded, alice):
    async with coded.browser() as browser:
        code = await shown_code(coded, browser, await coded.issue(alice))
        [(until, give_up)] = coded.holds
        assert until <= coded.clock.now() + CODE_LIFE
        coded.clock.simulated.advance(CODE_LIFE.total_seconds() + 1)
        with pytest.raises(CodeMissed):
            await confirm(coded, alice, code)
        assert (await browser.get(f"{coded.base_url}/connect/code")).status_code == 410
        await give_up()
        await give_up()

    assert coded.vaults.credentials == []
    assert [failure for _, failure, _ in coded.outcomes.failures] == [Failure.EXPIRED]
    assert live(coded) == []


@pytest.mark.threat(52)
async def test_of_two_right_codes_at_once_one_connects(coded, alice):
    async with coded.browser() as browser:
        code = await shown_code(coded, browser, await coded.issue(alice))
        results = await asyncio.gather(confirm(coded, alice, code), confirm(coded, alice, code), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["CodeMissed", "NoneType"]
    assert len(coded.vaults.credentials) == 1


@pytest.mark.threat(52)
async def test_what_the_vault_refuses_at_the_end_is_told_and_revoked(coded, alice):
    coded.vaults.refuses = True
    async with coded.browser() as browser:
        code = await shown_code(coded, browser, await coded.issue(alice))
        with pytest.raises(AttemptEnded):
            await confirm(coded, alice, code)

    assert [failure for _, failure, _ in coded.outcomes.failures] == [Failure.VAULT]
    assert live(coded) == []


@pytest.mark.threat(52)
async def test_a_restart_forgets_tokens_that_waited_and_tells_their_member(coded, alice):
    async with coded.browser() as browser:
        await shown_code(coded, browser, await coded.issue(alice))
        await coded.connections.recover()

    assert [failure for _, failure, _ in coded.outcomes.failures] == [Failure.SERVICE]
    assert coded.vaults.credentials == []


async def test_pressing_twice_leads_to_the_service_once(coded, alice):
    link = await coded.issue(alice)
    async with coded.browser() as browser:
        first, second = next_url(await browser.press(link)), next_url(await browser.press(link))
        assert first == second
        assert (await browser.get(first)).status_code == 303
        assert (await browser.get(second)).status_code == 410
    async with coded.browser() as another:
        assert (await another.get(first)).status_code == 410


async def test_only_one_kind_of_proof_is_open(coded, room, alice):
    async with coded.browser() as browser:
        assert (await browser.get(f"{coded.base_url}/connect/slack/callback?code=x&state=y")).status_code == 404
        assert (await browser.get(f"{room.base_url}/connect/proceed?state=y")).status_code == 404
        assert (await browser.get(f"{room.base_url}/connect/code")).status_code == 404


@pytest.mark.threat(52)
def test_a_code_is_forty_random_bits_and_read_as_it_was_meant():
    codes = {new_code() for _ in range(200)}

    assert len(codes) == 200
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{8}", code) for code in codes)
    assert read_code(" oil1-Abcd ") == "0111ABCD"
