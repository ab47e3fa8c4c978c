"""Threads are found by their root, and know their one session."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from store import threads
from store.errors import NotFound
from store.records import SessionState
from tests.builders import NOON, a_member, a_thread, a_vault, store_thread, store_vault


async def test_a_thread_comes_back_as_it_was_opened(database):
    thread = a_thread(
        thread_ts="1.0",
        is_private=True,
        session_state=SessionState.OPEN,
        session_id="sesn_1",
        session_vault_id=a_vault().vault_id,
        session_services=("notes", "wiki"),
    )
    async with database.transaction() as tx:
        await store_thread(tx, thread)

        assert await threads.get(tx, thread.id) == thread


async def test_a_thread_is_found_by_its_root_once_that_is_posted(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        assert await threads.find_by_root(tx, "T0ACME", "C0GENERAL", "1.0") is None

        await threads.set_root(tx, thread.id, "1.0")

        assert await threads.find_by_root(tx, "T0ACME", "C0GENERAL", "1.0") == replace(thread, thread_ts="1.0")
        assert await threads.find_by_root(tx, "T0OTHER", "C0GENERAL", "1.0") is None
        assert await threads.find_by_root(tx, "T0ACME", "C0OTHER", "1.0") is None


async def test_a_session_is_intended_made_changed_and_lost(database):
    async with database.transaction() as tx:
        vault = await store_vault(tx)
        thread = await store_thread(tx)

        await threads.intend_session(tx, thread.id, vault.vault_id)
        intended = await threads.get(tx, thread.id)
        await threads.set_session(tx, thread.id, "sesn_1", ("notes",), tools={"now": 1}, agent_version=3)
        made = await threads.get(tx, thread.id)
        await threads.set_tools(tx, thread.id, ("notes", "wiki"), {"now": 2})
        changed = await threads.get(tx, thread.id)
        await threads.lose_session(tx, thread.id)
        lost = await threads.get(tx, thread.id)

    assert intended == replace(thread, session_state=SessionState.CREATING, session_vault_id=vault.vault_id)
    assert made == replace(
        intended,
        session_state=SessionState.OPEN,
        session_id="sesn_1",
        session_services=("notes",),
        session_tools={"now": 1},
        agent_version=3,
    )
    assert changed == replace(made, session_services=("notes", "wiki"), session_tools={"now": 2})
    assert lost == replace(intended, session_state=SessionState.LOST, agent_version=3)


async def test_a_session_can_be_intended_without_a_vault(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)

        await threads.intend_session(tx, thread.id, None)

        assert (await threads.get(tx, thread.id)).session_vault_id is None


async def test_the_owners_newest_threads_are_listed_first(database):
    async with database.transaction() as tx:
        old, new = a_thread(), a_thread(created_at=NOON + timedelta(minutes=1))
        bobs = a_thread(a_member("U0BOB"))
        for thread in (new, old, bobs):
            await store_thread(tx, thread)

        assert await threads.list_recent(tx, a_member(), 10) == (new, old)
        assert await threads.list_recent(tx, a_member(), 1) == (new,)


async def test_a_thread_that_is_not_there_is_not_found(database):
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await threads.get(tx, "thr_none")
        with pytest.raises(NotFound):
            await threads.set_root(tx, "thr_none", "1.0")
