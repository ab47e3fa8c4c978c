"""Turns queue in their thread, run one at a time, and end once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from store import deliveries, key_check, turn_sending, turns
from store.errors import InvariantBroken, NotFound
from store.records import SendState, TurnState, UsageBase
from store.turns import turns as turns_table
from tests.builders import NOON, a_member, a_message, a_thread, a_turn, store_member, store_thread, store_turn


async def end(tx, turn, state=TurnState.ENDED):
    return await turns.end(tx, turn.id, state, outcome="answered", cost_cents=1.25, now=NOON)


async def test_a_turn_comes_back_as_it_was_queued(database):
    turn = a_turn(source=a_message("1.0"), notice=a_message("2.0"), task="Wörds with a 🦊")
    async with database.transaction() as tx:
        queued = await store_turn(tx, turn)

        assert queued == turn
        assert await turns.get(tx, turn.id) == turn
        assert await turns.find(tx, turn.id) == turn
        assert await turns.find(tx, "trn_none") is None
        with pytest.raises(NotFound):
            await turns.get(tx, "trn_none")


async def test_the_same_delivery_makes_one_turn(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        delivery = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
        first = await turns.queue(tx, a_turn(thread), delivery.id)

        again = await turns.queue(tx, a_turn(thread, task="again"), delivery.id)

        assert again == first
        assert await turns.list_open(tx) == (first,)


async def test_a_purged_delivery_leaves_its_turn(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        delivery = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
        turn = await turns.queue(tx, a_turn(thread), delivery.id)
        await deliveries.done(tx, delivery.id)

        assert await deliveries.purge(tx, NOON + timedelta(days=1)) == 1
        assert await turns.get(tx, turn.id) == turn


async def test_turns_run_one_at_a_time_in_the_order_they_were_queued(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        first, second = [await turns.queue(tx, a_turn(thread), None) for _ in range(2)]

        started = await turns.claim_next(tx, thread.id, NOON)
        while_running = await turns.claim_next(tx, thread.id, NOON)
        await turns.change_state(tx, first.id, from_=TurnState.RUNNING, to=TurnState.WAITING)
        while_waiting = await turns.claim_next(tx, thread.id, NOON)
        await end(tx, first)
        after = await turns.claim_next(tx, thread.id, NOON)
        await end(tx, second)
        empty = await turns.claim_next(tx, thread.id, NOON)

    assert started == replace(first, state=TurnState.RUNNING, started_at=NOON)
    assert while_running is None
    assert while_waiting is None
    assert after is not None
    assert after.id == second.id
    assert empty is None


async def test_threads_do_not_wait_for_each_other(database):
    async with database.transaction() as tx:
        one, other = await store_turn(tx), await store_turn(tx)

        assert (await turns.claim_next(tx, one.thread_id, NOON)).id == one.id
        assert (await turns.claim_next(tx, other.thread_id, NOON)).id == other.id


async def test_open_turns_are_listed_by_owner_thread_and_altogether(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        running, queued, over = [await turns.queue(tx, a_turn(thread), None) for _ in range(3)]
        bobs = await store_turn(tx, a_turn(a_thread(a_member("U0BOB")), created_at=NOON - timedelta(hours=1)))
        running = await turns.claim_next(tx, thread.id, NOON)
        await end(tx, over)

        assert await turns.list_open(tx) == (bobs, running, queued)
        assert await turns.list_open_for(tx, a_member()) == (running, queued)
        assert await turns.list_open_in(tx, thread.id) == (running, queued)
        assert await turns.list_open_in(tx, bobs.thread_id) == (bobs,)


async def test_the_newest_turn_of_a_message_is_found(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        source = a_message("5.0")
        await turns.queue(tx, a_turn(thread, source=source), None)
        newest = await turns.queue(tx, a_turn(thread, source=source), None)

        assert await turns.find_by_source(tx, "T0ACME", source) == newest
        assert await turns.find_by_source(tx, "T0OTHER", source) is None
        assert await turns.find_by_source(tx, "T0ACME", a_message("6.0")) is None


async def test_sending_is_an_intent_before_it_is_a_fact(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)

        await turn_sending.set_sending(tx, turn.id, "sesn_1")
        in_doubt = await turns.get(tx, turn.id)
        await turn_sending.set_sent(tx, turn.id, "sevt_1")

    async with database.transaction() as tx:
        sent = await turns.get(tx, turn.id)

    assert in_doubt == replace(turn, send_state=SendState.SENDING)
    assert sent == replace(turn, send_state=SendState.SENT, event_id="sevt_1")


@pytest.mark.parametrize(
    ("session", "outcome", "is_afresh"),
    [("sesn_1", "answered", False), ("sesn_0", "answered", True), ("sesn_0", turn_sending.SESSION_GONE, False)],
)
async def test_a_turn_is_afresh_when_the_session_before_is_another_and_nobody_has_said_so(
    database, session, outcome, is_afresh
):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        first = await store_turn(tx, a_turn(thread))
        unsent = await store_turn(tx, a_turn(thread))
        await turn_sending.set_sending(tx, first.id, session)
        for turn in (first, unsent):
            await turns.end(tx, turn.id, TurnState.ENDED, outcome=outcome, cost_cents=None, now=NOON)
        turn = await store_turn(tx, a_turn(thread))

        assert await turn_sending.is_afresh(tx, turn, "sesn_1") == is_afresh
        assert not await turn_sending.is_afresh(tx, first, "sesn_1")


async def test_what_the_session_had_cost_before_is_remembered(database):
    async with database.transaction() as tx:
        known, unknown = await store_turn(tx), await store_turn(tx)

        await turn_sending.set_usage_base(tx, known.id, 12.5, 1000, 200)
        await turn_sending.set_usage_base(tx, unknown.id, None, 0, 0)

        assert (await turns.get(tx, known.id)).usage_base == UsageBase(12.5, 1000, 200)
        assert (await turns.get(tx, unknown.id)).usage_base == UsageBase(None, 0, 0)


async def test_the_notice_can_be_remembered_and_taken_away(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)

        await turns.set_notice(tx, turn.id, a_message("7.0"))
        assert (await turns.get(tx, turn.id)).notice == a_message("7.0")
        await turns.set_notice(tx, turn.id, None)
        assert (await turns.get(tx, turn.id)).notice is None
        with pytest.raises(NotFound):
            await turns.set_notice(tx, "trn_none", None)


async def test_a_state_changes_only_from_where_it_is(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        await turns.claim_next(tx, turn.thread_id, NOON)

        assert not await turns.change_state(tx, turn.id, from_=TurnState.WAITING, to=TurnState.RUNNING)
        assert await turns.change_state(tx, turn.id, from_=TurnState.RUNNING, to=TurnState.WAITING)
        assert (await turns.get(tx, turn.id)).state is TurnState.WAITING
        with pytest.raises(ValueError, match="is an end"):
            await turns.change_state(tx, turn.id, from_=TurnState.WAITING, to=TurnState.ENDED)


async def test_the_first_to_stop_is_the_one_who_stopped(database):
    async with database.transaction() as tx:
        turn, over = await store_turn(tx), await store_turn(tx)
        await end(tx, over)

        assert await turns.request_stop(tx, turn.id, "U0ANN")
        assert not await turns.request_stop(tx, turn.id, "U0ADMIN")
        assert not await turns.request_stop(tx, over.id, "U0ANN")
        assert (await turns.get(tx, turn.id)).stop_requested_by == "U0ANN"


@pytest.mark.parametrize("state", [TurnState.ENDED, TurnState.STOPPED, TurnState.FAILED])
async def test_a_turn_ends_once_from_any_open_state_and_its_task_is_erased(database, state):
    async with database.transaction() as tx:
        queued = await store_turn(tx)
        running = await store_turn(tx)
        await turns.claim_next(tx, running.thread_id, NOON)

        for turn in (queued, running):
            assert await end(tx, turn, state)
            assert not await end(tx, turn, TurnState.FAILED)
            over = await turns.get(tx, turn.id)
            assert (over.state, over.task, over.outcome, over.cost_cents) == (state, "", "answered", 1.25)
        with pytest.raises(ValueError, match="not an end"):
            await end(tx, queued, TurnState.WAITING)


async def test_nobody_gets_a_turn_in_anothers_thread(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        bob = await store_member(tx, a_member("U0BOB"))

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await turns.queue(tx, a_turn(thread, owner=bob), None)


@pytest.mark.fault("S4")
async def test_what_a_request_put_in_line_can_be_taken_out_again_until_somebody_drives_it(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        first = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
        second = await deliveries.claim(tx, "Ev2", "message", "{}", NOON)
        driven = await turns.queue(tx, a_turn(thread), first.id)
        waiting = await turns.queue(tx, a_turn(thread), second.id)
        await turns.claim_next(tx, thread.id, NOON)

        assert not await turns.drop_queued(tx, first.id, NOON)
        assert await turns.drop_queued(tx, second.id, NOON)
        assert (await turns.get(tx, driven.id)).state is TurnState.RUNNING
        assert (await turns.get(tx, waiting.id)).state is TurnState.FAILED
        assert await turns.list_threads_open(tx) == (thread.id,)


@pytest.mark.fault("S23")
async def test_a_turn_that_does_not_open_is_listed_among_the_others_without_its_words(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        broken = await turns.queue(tx, a_turn(thread), None)
        whole = await turns.queue(tx, a_turn(thread), None)
        await tx.connection.execute(update(turns_table).where(turns_table.c.id == broken.id).values(task="s1.damaged"))

        listed = await turns.list_open(tx)
        found = await key_check.look(tx)

    assert [(turn.id, turn.task, turn.is_readable) for turn in listed] == [
        (broken.id, "", False),
        (whole.id, whole.task, True),
    ]
    assert (found.opened, found.broken) == (1, (f"turns.task:{broken.id}",))
