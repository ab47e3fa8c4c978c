"""Another member's words are offered once and decided once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from store import asides
from store.errors import InvariantBroken, NotFound
from store.records import AsideState, Attachment
from tests.builders import an_aside, store_thread


async def test_the_same_message_is_offered_once(database):
    async with database.transaction() as tx:
        aside = an_aside(await store_thread(tx))

        assert await asides.offer(tx, aside) == aside
        assert await asides.offer(tx, replace(aside, id="asd_other")) == aside
        assert await asides.get(tx, aside.id) == aside
        await asides.claim(tx, aside.id, is_passed=False)
        assert await asides.offer(tx, replace(aside, id="asd_other")) is None
        with pytest.raises(NotFound):
            await asides.get(tx, "asd_other")


async def test_passed_words_stay_readable_and_are_decided_once(database):
    async with database.transaction() as tx:
        aside = an_aside(await store_thread(tx))
        await asides.offer(tx, aside)

        assert await asides.claim(tx, aside.id, is_passed=True)
        assert not await asides.claim(tx, aside.id, is_passed=False)
        assert await asides.get(tx, aside.id) == replace(aside, state=AsideState.PASSED)


async def test_ignored_words_are_erased(database):
    async with database.transaction() as tx:
        aside = an_aside(await store_thread(tx))
        await asides.offer(tx, aside)

        assert await asides.claim(tx, aside.id, is_passed=False)
        assert not await asides.claim(tx, aside.id, is_passed=True)
        assert await asides.get(tx, aside.id) == replace(aside, state=AsideState.IGNORED, text="")


async def test_words_in_a_thread_that_is_not_ours_are_refused(database):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await asides.offer(tx, an_aside())


async def test_what_its_author_takes_back_is_erased_with_its_files_and_what_is_decided_stays(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        aside = an_aside(thread, files=(Attachment("F1", "a.csv"),))
        author = replace(thread.owner, user_id=aside.author)
        assert await asides.offer(tx, aside) == aside

        await asides.withdraw(tx, thread.owner, aside.source)
        assert await asides.get(tx, aside.id) == aside  # it is not theirs
        await asides.withdraw(tx, author, aside.source)
        assert await asides.get(tx, aside.id) == replace(aside, text="", files=(), state=AsideState.IGNORED)
