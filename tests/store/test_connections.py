"""A member has one connection per service, and sees no other's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import connections, members
from store.errors import NotFound
from store.records import ConnectionState
from tests.builders import NOON, a_connection, a_member, store_vault


async def test_a_connection_comes_back_as_it_was_put(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        connection = a_connection(account="ann@notes", expires_at=NOON + timedelta(hours=1))

        await connections.put(tx, connection)

        assert await connections.find(tx, a_member(), "notes") == connection
        assert await connections.get(tx, a_member(), connection.id) == connection
        assert await connections.find(tx, a_member(), "wiki") is None


async def test_connecting_again_disconnects_the_older_one_of_that_service_only(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        old, new, wiki = a_connection(), a_connection(), a_connection(service="wiki")
        for connection in (old, wiki, new):
            await connections.put(tx, connection)

        assert await connections.find(tx, a_member(), "notes") == new
        assert await connections.list_for(tx, a_member()) == (new, wiki)
        assert (await connections.get(tx, a_member(), old.id)).state is ConnectionState.DISCONNECTED


async def test_a_broken_one_is_still_listed_and_a_disconnected_one_is_not_and_stays_so(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        connection = a_connection()
        await connections.put(tx, connection)

        await connections.mark(tx, connection.id, ConnectionState.BROKEN)
        broken = await connections.find(tx, a_member(), "notes")
        await connections.mark(tx, connection.id, ConnectionState.DISCONNECTED)
        await connections.mark(tx, connection.id, ConnectionState.CONNECTED)

        assert broken is not None
        assert broken.state is ConnectionState.BROKEN
        assert await connections.list_for(tx, a_member()) == ()
        assert (await connections.get(tx, a_member(), connection.id)).state is ConnectionState.DISCONNECTED


async def test_anothers_connection_is_not_found(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        connection = a_connection()
        await connections.put(tx, connection)

        with pytest.raises(NotFound) as refused:
            await connections.get(tx, a_member("U0BOB"), connection.id)
        assert (refused.value.noun, refused.value.id) == ("connection", connection.id)
        assert await connections.list_for(tx, a_member("U0BOB")) == ()
        assert await connections.list_for(tx, a_member(workspace_id="T0OTHER")) == ()


async def test_a_credential_leads_to_the_connection_that_lives_in_it_and_to_no_older_one(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        old, new = a_connection(credential_id="vcrd_old"), a_connection(credential_id="vcrd_new")
        for connection in (old, new):
            await connections.put(tx, connection)

        assert await connections.find_by_credential(tx, "vcrd_new") == new
        assert await connections.find_by_credential(tx, "vcrd_old") is None
        assert await connections.list_in_vault(tx, new.vault_id) == (new,)
        assert await connections.list_in_vault(tx, "vlt_other") == ()


async def test_a_change_of_state_is_seen_by_one(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        connection = a_connection()
        await connections.put(tx, connection)

        assert [await connections.mark(tx, connection.id, ConnectionState.BROKEN) for _ in range(2)] == [True, False]


async def test_what_ends_soon_is_listed_and_reminded_of_once(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        soon = a_connection(expires_at=NOON + timedelta(days=1))
        late = a_connection(service="wiki", expires_at=NOON + timedelta(days=9))
        never = a_connection(service="mail")
        for connection in (soon, late, never):
            await connections.put(tx, connection)

        assert await connections.list_ending(tx, NOON + timedelta(days=3)) == (soon,)
        assert not await connections.is_reminded(tx, soon.id)
        await connections.set_reminded(tx, soon.id, NOON)
        assert await connections.is_reminded(tx, soon.id)
        await members.deactivate(tx, soon.owner.workspace_id, soon.owner.user_id, NOON)
        assert await connections.list_ending(tx, NOON + timedelta(days=3)) == ()
