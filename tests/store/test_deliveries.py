"""A Slack request is claimed once and kept until its effect is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from store import deliveries
from store.deliveries import deliveries as deliveries_table
from tests.builders import NOON

SOON, LATER = NOON + timedelta(seconds=1), NOON + timedelta(days=1)


async def test_a_key_is_claimed_once(database):
    async with database.transaction() as tx:
        first = await deliveries.claim(tx, "Ev1", "message", '{"text": "hi"}', NOON)
        again = await deliveries.claim(tx, "Ev1", "message", '{"text": "hi"}', SOON)
        other = await deliveries.claim(tx, "Ev2", "message", "{}", SOON)

    assert first is not None
    assert (first.key, first.kind, first.payload, first.received_at) == ("Ev1", "message", '{"text": "hi"}', NOON)
    assert again is None
    assert other is not None


async def test_a_key_stays_claimed_when_it_is_done(database):
    async with database.transaction() as tx:
        delivery = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
        await deliveries.done(tx, delivery.id)

        assert await deliveries.claim(tx, "Ev1", "message", "{}", SOON) is None


async def test_what_a_crash_left_is_listed_oldest_first(database):
    async with database.transaction() as tx:
        newer = await deliveries.claim(tx, "Ev2", "message", "two", SOON)
        older = await deliveries.claim(tx, "Ev1", "message", "one", NOON)
        over = await deliveries.claim(tx, "Ev3", "message", "three", NOON)
        await deliveries.done(tx, over.id)

    async with database.transaction() as tx:
        assert await deliveries.list_received(tx) == (older.id, newer.id)


async def test_what_a_request_came_to_takes_its_place_until_that_is_told(database):
    async with database.transaction() as tx:
        request = await deliveries.claim(tx, "Ev1", "message", "the words", NOON)
        await deliveries.settle(tx, request.id, "outcome", "refused")
        told = await deliveries.find_received(tx, request.id)
        await deliveries.done(tx, request.id)
        await deliveries.settle(tx, request.id, "outcome", "too late")

        assert (told.key, told.kind, told.payload) == ("Ev1", "outcome", "refused")
        assert await deliveries.find_received(tx, request.id) is None


async def test_only_what_is_done_is_purged(database):
    async with database.transaction() as tx:
        kept = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
        old = await deliveries.claim(tx, "Ev2", "message", "{}", NOON)
        new = await deliveries.claim(tx, "Ev3", "message", "{}", LATER)
        for delivery in (old, new):
            await deliveries.done(tx, delivery.id)

        assert await deliveries.purge(tx, LATER) == 1
        assert await deliveries.list_received(tx) == (kept.id,)
        assert await deliveries.claim(tx, "Ev2", "message", "{}", LATER) is not None
        assert await deliveries.claim(tx, "Ev3", "message", "{}", LATER) is None


@pytest.mark.fault("S23")
async def test_what_does_not_open_is_kept_for_a_while_and_then_forgotten_alone(database):
    async with database.transaction() as tx:
        broken = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
        whole = await deliveries.claim(tx, "Ev2", "message", "{}", NOON)
        is_broken = deliveries_table.c.id == broken.id
        await tx.connection.execute(update(deliveries_table).where(is_broken).values(payload="s1.x"))

        assert await deliveries.purge_unreadable(tx, NOON) == 0
        assert await deliveries.purge_unreadable(tx, SOON) == 1
        assert await deliveries.list_received(tx) == (whole.id,)
