"""A member has one connection per service, and sees no other's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import connections
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
