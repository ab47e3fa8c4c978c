"""A link leads one browser once through its steps, in time, or nowhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from store import tickets
from store.records import Attempt, Secret, TicketState
from tests.builders import NOON, a_member, a_message, a_ticket, store_member

LATE = NOON + timedelta(minutes=10)


async def issue(tx, **changes):
    owner = await store_member(tx, changes.pop("owner", None))
    ticket = a_ticket(owner, **changes)
    await tickets.issue(tx, ticket, f"link-{ticket.id}")
    return ticket


async def start(tx, ticket, now=NOON):
    return await tickets.claim_start(
        tx, ticket.id, cookie_hash="cookie", state_hash=f"one-{ticket.id}", nonce="nonce", now=now
    )


async def authorize(tx, ticket, now=NOON):
    attempt = await tickets.find_by_identity_state(tx, f"one-{ticket.id}")
    assert attempt is not None
    full = replace(
        attempt,
        verifier=Secret("verifier"),
        issuer="https://login.example",
        token_endpoint="https://login.example/token",
        userinfo_endpoint="https://login.example/userinfo",
        redirect_uri="https://deputy.example/back",
        resource="https://notes.example/mcp",
        scope="read",
        client_id="client",
        client_secret=Secret("client secret"),
        auth_method="client_secret_basic",
        iss_required=True,
        mcp_server_url="https://notes.example/mcp",
    )
    return full, await tickets.claim_authorizing(tx, full, state_hash=f"two-{ticket.id}", now=now)


async def test_an_attempt_is_remembered_step_by_step(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)

        assert await tickets.find_by_link(tx, f"link-{ticket.id}") == ticket
        assert await start(tx, ticket)
        set_out = await tickets.find_by_identity_state(tx, f"one-{ticket.id}")
        full, is_authorizing = await authorize(tx, ticket)
        at_service = await tickets.find_by_state(tx, f"two-{ticket.id}")
        is_exchanging = await tickets.claim_exchange(tx, ticket.id, NOON)
        is_done = await tickets.settle(tx, ticket.id, TicketState.DONE, NOON)
        settled = await tickets.find_by_link(tx, f"link-{ticket.id}")

    assert set_out == Attempt(replace(ticket, state=TicketState.IDENTIFYING), "cookie", "nonce")
    assert is_authorizing
    assert at_service == replace(full, ticket=replace(ticket, state=TicketState.AUTHORIZING))
    assert is_exchanging
    assert is_done
    assert settled == replace(ticket, state=TicketState.DONE)


async def test_no_step_can_be_taken_twice_or_out_of_order(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)

        assert not await tickets.claim_exchange(tx, ticket.id, NOON)
        assert await start(tx, ticket)
        assert not await start(tx, ticket)
        assert not await tickets.claim_exchange(tx, ticket.id, NOON)
        full, _ = await authorize(tx, ticket)
        assert not await tickets.claim_authorizing(tx, full, state_hash="three", now=NOON)
        assert await tickets.claim_exchange(tx, ticket.id, NOON)
        assert not await tickets.claim_exchange(tx, ticket.id, NOON)


async def test_slacks_answer_is_claimed_once_and_ends_the_state(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)

        assert not await tickets.claim_identity(tx, ticket.id)
        await start(tx, ticket)
        assert await tickets.claim_identity(tx, ticket.id)
        assert not await tickets.claim_identity(tx, ticket.id)
        assert await tickets.find_by_identity_state(tx, f"one-{ticket.id}") is None


async def test_a_state_finds_its_attempt_only_while_the_browser_is_there(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)
        one, two = f"one-{ticket.id}", f"two-{ticket.id}"

        await start(tx, ticket)
        assert await tickets.find_by_state(tx, one) is None
        await authorize(tx, ticket)
        assert await tickets.find_by_identity_state(tx, one) is None
        assert await tickets.find_by_identity_state(tx, two) is None
        await tickets.claim_exchange(tx, ticket.id, NOON)
        assert await tickets.find_by_state(tx, two) is None


async def test_an_expired_link_goes_no_further_from_any_step(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)

        assert not await start(tx, ticket, now=LATE)
        await start(tx, ticket)
        _, is_authorizing = await authorize(tx, ticket, now=LATE)
        assert not is_authorizing
        await authorize(tx, ticket)
        assert not await tickets.claim_exchange(tx, ticket.id, LATE)


async def test_a_new_link_supersedes_the_older_one_of_that_service_and_returns_it(database):
    async with database.transaction() as tx:
        old = await issue(tx)
        await tickets.set_card(tx, old.id, a_message())
        wiki = await issue(tx, service="wiki")
        bobs = await issue(tx, owner=a_member("U0BOB"))
        await start(tx, old)

        new = a_ticket(a_member())
        superseded = await tickets.issue(tx, new, "link-new")

        assert superseded == (replace(old, state=TicketState.SUPERSEDED, card=a_message()),)
        assert await tickets.find_by_identity_state(tx, f"one-{old.id}") is None
        assert not await tickets.settle(tx, old.id, TicketState.DONE, NOON)
        for ticket in (wiki, bobs):
            assert (await tickets.find_by_link(tx, f"link-{ticket.id}")) == ticket


async def test_open_links_are_counted_until_they_expire(database):
    async with database.transaction() as tx:
        await issue(tx)
        await issue(tx, service="wiki", expires_at=NOON + timedelta(hours=1))
        await issue(tx, service="mail", owner=a_member("U0BOB"))

        assert await tickets.count_open(tx, a_member(), NOON) == 2
        assert await tickets.count_open(tx, a_member(), LATE) == 1


async def test_voiding_ends_every_open_link_of_one_member(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)
        await start(tx, ticket)
        await authorize(tx, ticket)
        await issue(tx, service="wiki")
        await issue(tx, owner=a_member("U0BOB"))

        assert await tickets.void_for(tx, a_member()) == 2
        assert await tickets.void_for(tx, a_member()) == 0
        assert not await tickets.claim_exchange(tx, ticket.id, NOON)
        assert await tickets.count_open(tx, a_member("U0BOB"), NOON) == 1


async def test_an_exchange_that_a_crash_cut_off_is_listed_until_settled(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)
        await issue(tx, service="wiki")
        await start(tx, ticket)
        await authorize(tx, ticket)
        await tickets.claim_exchange(tx, ticket.id, NOON)

        cut_off = await tickets.list_exchanging(tx)
        await tickets.settle(tx, ticket.id, TicketState.FAILED, NOON)

        assert cut_off == (replace(ticket, state=TicketState.EXCHANGING),)
        assert await tickets.list_exchanging(tx) == ()


async def test_settling_means_an_end(database):
    async with database.transaction() as tx:
        ticket = await issue(tx)

        with pytest.raises(ValueError, match="not an end"):
            await tickets.settle(tx, ticket.id, TicketState.EXCHANGING, NOON)


async def test_old_links_are_purged_but_not_one_that_is_being_exchanged(database):
    async with database.transaction() as tx:
        old, fresh = await issue(tx), await issue(tx, service="wiki", expires_at=NOON + timedelta(days=1))
        busy = await issue(tx, service="mail")
        await start(tx, busy)
        await authorize(tx, busy)
        await tickets.claim_exchange(tx, busy.id, NOON)

        assert await tickets.purge(tx, LATE + timedelta(seconds=1)) == 1
        assert await tickets.find_by_link(tx, f"link-{old.id}") is None
        assert await tickets.find_by_link(tx, f"link-{fresh.id}") == fresh
        assert await tickets.list_exchanging(tx) != ()
