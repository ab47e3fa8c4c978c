"""A turn's answer is in numbered segments, of which one is open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from store import segments
from store.errors import InvariantBroken, NotFound
from tests.builders import NOON, store_turn


async def test_segments_follow_each_other(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)

        first = await segments.begin(tx, turn.id, is_stream=True, text_from=0, now=NOON)
        await segments.set_ts(tx, first.id, "1.0")
        await segments.seal(tx, first.id, 40)
        second = await segments.begin(tx, turn.id, is_stream=False, text_from=40, now=NOON)
        listed = await segments.list_for(tx, turn.id)

    assert (first.number, first.ts, first.is_open, first.is_stream, first.text_from) == (1, None, True, True, 0)
    assert listed == (replace(first, ts="1.0", is_open=False, text_to=40), second)
    assert (second.number, second.is_stream, second.text_from, second.text_to) == (2, False, 40, None)


async def test_a_second_open_segment_is_refused(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        await segments.begin(tx, turn.id, is_stream=True, text_from=0, now=NOON)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await segments.begin(tx, turn.id, is_stream=True, text_from=10, now=NOON)


async def test_a_segment_that_is_not_there_is_not_found(database):
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await segments.seal(tx, "seg_none", 1)
