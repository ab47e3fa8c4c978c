"""What met a refused credential is kept for its owner, once, and for nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from store import retries, threads, turns
from store.records import Attachment, Retry, TurnState
from store.retries import retries as retries_table
from tests.builders import NOON, a_member, a_thread, a_turn, store_member, store_thread


async def kept(tx, user: str = "U0ANN", at=NOON) -> Retry:
    owner = await store_member(tx, a_member(user))
    thread = await store_thread(tx, a_thread(owner))
    turn = await turns.queue(tx, a_turn(thread), None)
    await turns.end(tx, turn.id, TurnState.FAILED, outcome="x", cost_cents=None, now=NOON)
    retry = Retry(turn.id, owner, ("notes", "wiki"), "summarise", at, (Attachment("F1", "a.csv", 3),))
    await retries.keep(tx, retry)
    await retries.keep(tx, retry)
    return retry


async def test_a_request_is_kept_once_and_comes_back_as_it_was(database):
    async with database.transaction() as tx:
        older, newer = await kept(tx), await kept(tx, at=NOON + timedelta(hours=1))

        assert await retries.list_for(tx, older.owner) == (newer, older)
        assert await retries.list_for(tx, a_member("U0BOB")) == ()


async def test_only_its_owner_takes_it_and_only_once(database):
    async with database.transaction() as tx:
        retry = await kept(tx)

        by_another = await retries.claim(tx, a_member("U0BOB"), retry.turn_id)
        first, second = [await retries.claim(tx, retry.owner, retry.turn_id) for _ in range(2)]

    assert (by_another, first, second) == (None, retry, None)


async def test_only_the_newest_turn_of_a_thread_is_what_failed_last(database):
    async with database.transaction() as tx:
        retry = await kept(tx)
        thread = await threads.get(tx, (await turns.get(tx, retry.turn_id)).thread_id)
        other = await store_thread(tx, a_thread(retry.owner))

        assert await retries.claim_last(tx, other) is None
        assert await retries.claim_last(tx, thread) == retry
        assert await retries.claim_last(tx, thread) is None
        await retries.keep(tx, retry)
        await turns.queue(tx, a_turn(thread), None)
        assert await retries.claim_last(tx, thread) is None


async def test_what_is_old_is_forgotten_and_so_is_what_belonged_to_who_left(database):
    async with database.transaction() as tx:
        old, new, bobs = await kept(tx), await kept(tx, at=NOON + timedelta(days=1)), await kept(tx, "U0BOB", NOON)

        assert await retries.purge(tx, NOON + timedelta(hours=1)) == 2
        assert await retries.list_for(tx, old.owner) == (new,)
        assert await retries.void_for(tx, new.owner) == 1
        assert await retries.list_for(tx, bobs.owner) == ()


@pytest.mark.fault("S23")
async def test_one_that_does_not_open_is_left_out_and_the_others_are_there(database):
    async with database.transaction() as tx:
        broken, whole = await kept(tx), await kept(tx)
        damaged = update(retries_table).where(retries_table.c.turn_id == broken.turn_id).values(task="s1.damaged")
        await tx.connection.execute(damaged)

        assert await retries.list_for(tx, whole.owner) == (whole,)
        assert await retries.claim(tx, whole.owner, broken.turn_id) is None
