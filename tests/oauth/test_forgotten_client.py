"""The authorization server forgot our client, and tells the browser instead of us (RFC 6749 §4.1.2.1)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from simulator.roughness import Roughness
from simulator.service.server import RefusedByService
from store import registrations
from store.records import LINK_LIFE
from store.registrations import registrations as registrations_table
from tests.oauth.conftest import NOTES, Browser, Room

pytestmark = pytest.mark.fault("D3")


async def client_ids(room: Room) -> list[str]:
    """Return the clients that we keep."""
    async with room.database.transaction() as tx:
        return list((await tx.connection.execute(select(registrations_table.c.client_id))).scalars())


async def lost(room: Room, browser: Browser, link: str, user: str) -> None:
    """Go as far as the service's own page, which says that it does not know us."""
    authorize_url = await browser.to_service(link, user)
    with pytest.raises(RefusedByService):
        await room.notes.consent(authorize_url)


@pytest.mark.threat(39)
@pytest.mark.parametrize("who", ["the same member at once", "another member at once", "the same member days later"])
async def test_the_attempt_after_one_that_never_came_back_registers_afresh(room, alice, bob, who):
    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))
        room.notes.forget_clients()
        await lost(room, browser, await room.issue(alice), alice.user_id)
        link = await room.issue(alice)  # which ends the one before
        if who == "the same member days later":
            room.clock.simulated.advance(LINK_LIFE.total_seconds() + 1)
            link = await room.issue(alice)
        if who == "another member at once":
            link = await room.issue(bob)
        answer = await browser.connect(link, bob.user_id if "another" in who else alice.user_id)

    assert answer.status_code == 303
    [kept] = await client_ids(room)
    assert list(room.notes.clients) == [kept]


@pytest.mark.threat(39)
async def test_an_attempt_that_ran_out_of_time_is_one_that_never_came_back(room, alice, bob):
    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))
        room.notes.forget_clients()
        await lost(room, browser, await room.issue(alice), alice.user_id)
        room.clock.simulated.advance(LINK_LIFE.total_seconds() + 1)
        answer = await browser.connect(await room.issue(bob), bob.user_id)

    assert answer.status_code == 303


@pytest.mark.threat(39)
@pytest.mark.parametrize("how", ["is still out", "came back with a no", "came back", "never went out"])
async def test_a_client_stays_while_nothing_speaks_against_it(room, alice, bob, how):
    async with room.browser() as browser, room.browser() as other:
        await browser.connect(await room.issue(alice))
        before = await client_ids(room)
        link = await room.issue(alice)
        if how == "never went out":
            await browser.to_slack(link)
        else:
            authorize_url = await browser.to_service(link)
            if how != "is still out":
                await browser.get(await room.notes.consent(authorize_url, allow=how == "came back"))
        if how != "is still out":
            await room.issue(alice)
        assert (await other.connect(await room.issue(bob), bob.user_id, "bob@example.com")).status_code == 303

    assert await client_ids(room) == before


@pytest.mark.threat(39)
async def test_a_client_stays_where_a_later_attempt_with_it_came_back(room, alice, bob):
    """Somebody only closed the page: that is nothing against a client that works for others."""
    async with room.browser() as browser, room.browser() as other:
        await browser.to_service(await room.issue(alice))
        await asyncio.sleep(0)
        room.clock.simulated.advance(60)
        await other.connect(await room.issue(bob), bob.user_id, "bob@example.com")
        before = await client_ids(room)
        assert (await browser.connect(await room.issue(alice))).status_code == 303

    assert await client_ids(room) == before


async def test_what_old_attempts_say_of_a_client_is_heeded_before_they_are_purged(room, alice):
    async with room.browser() as browser:
        await browser.to_service(await room.issue(alice))
    async with room.database.transaction() as tx:
        assert await registrations.drop_unanswered(tx, room.clock.now()) == 0
    room.clock.simulated.advance(LINK_LIFE.total_seconds() + 1)
    async with room.database.transaction() as tx:
        assert await registrations.drop_unanswered(tx, room.clock.now()) == 1


@pytest.mark.threat(39)
async def test_a_server_that_forgets_at_every_restart_is_connected_at_the_next_attempt(room, alice):
    room.notes.rough = Roughness({"service:client_forgotten"})
    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))
        for _ in range(3):
            await lost(room, browser, await room.issue(alice), alice.user_id)
            assert (await browser.connect(await room.issue(alice))).status_code == 303

    assert room.notes.rough.struck["service:client_forgotten"] == 3


async def test_an_admin_makes_a_service_register_afresh(room, alice):
    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))
        before = await client_ids(room)
        assert await room.connections.forget_client(alice, NOTES) == 1
        assert await client_ids(room) == []
        await browser.connect(await room.issue(alice))

    assert await client_ids(room) != before
