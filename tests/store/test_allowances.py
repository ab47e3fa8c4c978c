"""An owner's word for one tool in one thread: found by exactly that, revoked by nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from store import allowances
from store.errors import InvariantBroken
from tests.builders import NOON, a_member, a_thread, an_allowance, store_member, store_thread

LATER = NOON + timedelta(minutes=5)


async def give(tx, thread=None, **changes):
    return await allowances.give(tx, an_allowance(thread or await store_thread(tx), **changes))


async def test_it_is_found_by_thread_service_and_tool_and_by_nothing_else(database):
    async with database.transaction() as tx:
        thread, other = await store_thread(tx), await store_thread(tx)
        given = await give(tx, thread)

        assert await allowances.find(tx, thread.id, "notes", "write_note") == given
        assert await allowances.find(tx, other.id, "notes", "write_note") is None
        assert await allowances.find(tx, thread.id, "other", "write_note") is None
        assert await allowances.find(tx, thread.id, None, "write_note") is None
        assert await allowances.find(tx, thread.id, "notes", "delete_note") is None


async def test_a_built_in_tool_has_no_service(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        given = await give(tx, thread, service=None, tool="bash")

        assert await allowances.find(tx, thread.id, None, "bash") == given


async def test_given_again_the_newer_one_counts(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        await give(tx, thread)
        newer = await give(tx, thread, tool_hash="f" * 64, given_at=LATER)

        assert await allowances.find(tx, thread.id, "notes", "write_note") == newer
        assert await allowances.list_for(tx, thread.owner, 10) == ((newer, thread.title),)


async def test_its_owner_revokes_it_once_and_nobody_else(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        given = await give(tx, thread)
        bob = await store_member(tx, a_member("U0BOB"))

        assert not await allowances.revoke(tx, given.id, bob, LATER)
        assert not await allowances.revoke(tx, given.id, replace(thread.owner, workspace_id="T0OTHER"), LATER)
        assert await allowances.revoke(tx, given.id, thread.owner, LATER)
        assert not await allowances.revoke(tx, given.id, thread.owner, LATER)
        assert await allowances.find(tx, thread.id, "notes", "write_note") is None
        assert await allowances.list_for(tx, thread.owner, 10) == ()


async def test_nobody_gives_one_in_anothers_thread(database):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            thread = await store_thread(tx, a_thread())
            await give(tx, thread, owner=await store_member(tx, a_member("U0BOB")))
