"""What Slack said of a message before it came."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import sources
from store.records import MessageRef
from tests.builders import NOON

AT = MessageRef("C1", "10.1")
pytestmark = pytest.mark.fault("S17")


async def test_the_newest_edit_counts_whichever_comes_last(database):
    async with database.transaction() as tx:
        assert await sources.find(tx, "T1", AT) == sources.Source()
        for edit in (("11.0", "one"), ("13.0", "three"), ("12.0", "two")):
            await sources.note_edit(tx, "T1", AT, edit, NOON)

        assert await sources.find(tx, "T1", AT) == sources.Source(words="three")
        assert await sources.find(tx, "T2", AT) == sources.Source()


async def test_what_is_deleted_stays_deleted_and_its_words_are_erased(database):
    async with database.transaction() as tx:
        await sources.note_edit(tx, "T1", AT, ("11.0", "one"), NOON)
        await sources.note_deleted(tx, "T1", AT, NOON)
        await sources.note_edit(tx, "T1", AT, ("12.0", "two"), NOON)
        await sources.note_deleted(tx, "T1", AT, NOON)

        assert await sources.find(tx, "T1", AT) == sources.Source(is_deleted=True)


async def test_words_are_forgotten_before_deletions(database):
    other = MessageRef("C1", "10.2")
    hour = timedelta(hours=1)
    async with database.transaction() as tx:
        await sources.note_edit(tx, "T1", AT, ("11.0", "one"), NOON)
        await sources.note_deleted(tx, "T1", other, NOON)

        assert await sources.purge(tx, NOON - hour, NOON) == 0
        assert await sources.purge(tx, NOON - hour, NOON + hour) == 1
        assert await sources.find(tx, "T1", AT) == sources.Source()
        assert (await sources.find(tx, "T1", other)).is_deleted
        assert await sources.purge(tx, NOON + hour, NOON) == 1
