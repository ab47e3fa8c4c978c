"""Of many who try at once, exactly one wins."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from simulator.patience import patience
from store import approvals, asides, deliveries, members, registrations, segments, tickets, turns, vaults
from store.database import Database
from store.errors import InvariantBroken
from store.records import ApprovalState, TicketState, TurnState
from tests.builders import (
    NOON,
    a_member,
    a_registration,
    a_ticket,
    a_turn,
    an_approval,
    an_aside,
    store_member,
    store_thread,
    store_turn,
)

MANY = 12


async def race(database, attempt):
    """Let many try, each in its own transaction, all released together; return what each got."""
    released = asyncio.Event()

    async def one(number):
        await released.wait()
        async with database.transaction() as tx:
            return await attempt(tx, number)

    async with patience():
        runners = [asyncio.create_task(one(number)) for number in range(MANY)]
        await asyncio.sleep(0)
        released.set()
        return await asyncio.gather(*runners, return_exceptions=True)


def winners(results):
    assert not [result for result in results if isinstance(result, BaseException)]
    return [result for result in results if result]


async def test_one_claims_a_delivery(database):
    results = await race(database, lambda tx, _: deliveries.claim(tx, "Ev1", "message", "{}", NOON))

    assert len(winners(results)) == 1


async def test_one_queues_the_turn_of_a_delivery(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        delivery = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)

    results = await race(database, lambda tx, _: turns.queue(tx, a_turn(thread), delivery.id))

    assert len({turn.id for turn in winners(results)}) == 1


async def test_all_who_queue_get_a_place_of_their_own(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)

    results = await race(database, lambda tx, _: turns.queue(tx, a_turn(thread), None))

    async with database.transaction() as tx:
        assert len(await turns.list_open_in(tx, thread.id)) == len(winners(results)) == MANY


async def test_one_starts_the_next_turn(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        for _ in range(MANY):
            await turns.queue(tx, a_turn(thread), None)

    results = await race(database, lambda tx, _: turns.claim_next(tx, thread.id, NOON))

    assert len(winners(results)) == 1


async def test_one_stops_and_one_ends_a_turn(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)

    stops = await race(database, lambda tx, number: turns.request_stop(tx, turn.id, f"U{number}"))
    ends = await race(
        database,
        lambda tx, _: turns.end(tx, turn.id, TurnState.STOPPED, outcome="stopped", cost_cents=None, now=NOON),
    )

    assert len(winners(stops)) == 1
    assert len(winners(ends)) == 1


async def test_one_decides_a_held_call(database):
    async with database.transaction() as tx:
        approval = await approvals.hold(tx, an_approval(await store_turn(tx)))

    def decide(tx, number):
        state = ApprovalState.ALLOWED if number % 2 else ApprovalState.DENIED
        return approvals.decide(tx, approval.id, state=state, by="U0ANN", reason=str(number), shown_hash=None, now=NOON)

    results = await race(database, decide)

    assert len(winners(results)) == 1
    async with database.transaction() as tx:
        decided = await approvals.get(tx, approval.id)
    assert decided.reason == str(results.index(True))
    assert decided.state is (ApprovalState.ALLOWED if results.index(True) % 2 else ApprovalState.DENIED)


async def test_one_holds_a_call(database):
    async with database.transaction() as tx:
        approval = an_approval(await store_turn(tx))

    results = await race(
        database, lambda tx, number: approvals.hold(tx, replace(approval, id=f"{approval.id}-{number}"))
    )

    assert len({held.id for held in winners(results)}) == 1


async def test_one_browser_takes_each_step_of_a_link(database):
    async with database.transaction() as tx:
        ticket = a_ticket(await store_member(tx))
        await tickets.issue(tx, ticket, "link")

    def start(tx, number):
        return tickets.claim_start(
            tx, ticket.id, cookie_hash=f"c{number}", state_hash=f"s{number}", nonce="n", now=NOON
        )

    started = await race(database, start)
    async with database.transaction() as tx:
        attempt = await tickets.find_by_identity_state(tx, f"s{started.index(True)}")
    authorized = await race(
        database, lambda tx, number: tickets.claim_authorizing(tx, attempt, state_hash=f"t{number}", now=NOON)
    )
    exchanged = await race(database, lambda tx, _: tickets.claim_exchange(tx, ticket.id, NOON))
    settled = await race(database, lambda tx, _: tickets.settle(tx, ticket.id, TicketState.DONE, NOON))

    assert attempt.cookie_hash == f"c{started.index(True)}"
    assert [len(winners(results)) for results in (started, authorized, exchanged, settled)] == [1, 1, 1, 1]


async def test_all_who_intend_a_vault_get_the_same(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)

    results = await race(database, lambda tx, number: vaults.intend(tx, owner, f"m{number}", NOON))

    assert len({vault.marker for vault in winners(results)}) == 1


async def test_one_registration_wins_and_all_get_it(database):
    results = await race(
        database, lambda tx, number: registrations.put_first(tx, a_registration(client_id=f"client_{number}"))
    )

    assert len({registration.client_id for registration in winners(results)}) == 1


async def test_one_offers_and_one_decides_an_aside(database):
    async with database.transaction() as tx:
        aside = an_aside(await store_thread(tx))

    offers = await race(database, lambda tx, number: asides.offer(tx, replace(aside, id=f"asd_{number}")))
    [offered] = {one.id for one in winners(offers)}
    claims = await race(database, lambda tx, number: asides.claim(tx, offered, is_passed=bool(number % 2)))

    assert len(winners(offers)) == len(offers)
    assert len(winners(claims)) == 1


async def test_one_hears_that_a_member_was_deactivated(database):
    async with database.transaction() as tx:
        await store_member(tx)

    results = await race(database, lambda tx, _: members.deactivate(tx, "T0ACME", "U0ANN", NOON))

    assert winners(results) == [a_member()]


async def test_one_begins_a_segment_and_the_others_are_refused(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)

    results = await race(database, lambda tx, _: segments.begin(tx, turn.id, is_stream=True, text_from=0, now=NOON))

    refused = [result for result in results if isinstance(result, InvariantBroken)]
    assert len(refused) == MANY - 1


async def test_the_last_link_issued_is_the_open_one(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)

    results = await race(database, lambda tx, number: tickets.issue(tx, a_ticket(owner), f"link{number}"))

    # PostgreSQL lets two supersede the same one and then refuses one of them: a fresh click is asked for.
    assert all(isinstance(result, tuple | InvariantBroken) for result in results)
    async with database.transaction() as tx:
        assert await tickets.count_open(tx, owner, NOON) == 1


async def test_the_same_race_is_won_once_across_processes(path, key, sqlite):
    others = [Database.open(f"sqlite:///{path}", (key,)) for _ in range(3)]
    async with sqlite.transaction() as tx:
        thread = await store_thread(tx)
        for _ in range(4):
            await turns.queue(tx, a_turn(thread), None)

    async def claim(database):
        async with database.transaction() as tx:
            return await turns.claim_next(tx, thread.id, NOON)

    async with patience():
        results = await asyncio.gather(*(claim(database) for database in [sqlite, *others] for _ in range(3)))
    for database in others:
        await database.close()

    assert len(winners(results)) == 1
