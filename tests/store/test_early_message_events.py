"""What Slack said of a message before it came."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import early_message_events
from store.records import MessageRef
from tests.builders import NOON

AT = MessageRef("C1", "10.1")
pytestmark = pytest.mark.fault("S17")


async def test_the_newest_edit_counts_whichever_comes_last(database):
    async with database.transaction() as tx:
        assert await early_message_events.find(tx, "T1", AT) == early_message_events.Source()
        for edit in (("11.0", "one"), ("13.0", "three"), ("12.0", "two")):
            await early_message_events.note_edit(tx, "T1", AT, edit, NOON)

        assert await early_message_events.find(tx, "T1", AT) == early_message_events.Source(words="three")
        assert await early_message_events.find(tx, "T2", AT) == early_message_events.Source()


async def test_what_is_deleted_stays_deleted_and_its_words_are_erased(database):
    async with database.transaction() as tx:
        await early_message_events.note_edit(tx, "T1", AT, ("11.0", "one"), NOON)
        await early_message_events.note_deleted(tx, "T1", AT, NOON)
        await early_message_events.note_edit(tx, "T1", AT, ("12.0", "two"), NOON)
        await early_message_events.note_deleted(tx, "T1", AT, NOON)

        assert await early_message_events.find(tx, "T1", AT) == early_message_events.Source(is_deleted=True)


async def test_words_are_forgotten_before_deletions(database):
    other = MessageRef("C1", "10.2")
    hour = timedelta(hours=1)
    async with database.transaction() as tx:
        await early_message_events.note_edit(tx, "T1", AT, ("11.0", "one"), NOON)
        await early_message_events.note_deleted(tx, "T1", other, NOON)

        assert await early_message_events.purge(tx, NOON - hour, NOON) == 0
        assert await early_message_events.purge(tx, NOON - hour, NOON + hour) == 1
        assert await early_message_events.find(tx, "T1", AT) == early_message_events.Source()
        assert (await early_message_events.find(tx, "T1", other)).is_deleted
        assert await early_message_events.purge(tx, NOON + hour, NOON) == 1
