"""Services that admins saved: one version after the other, a client that opens only where it belongs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from store import connections, service_tools, services, tickets
from store.errors import InvariantBroken
from store.records import ConnectionState, RegistrationKind, Secret, TicketState
from store.services import services as services_table
from tests.builders import (
    NOON,
    a_connection,
    a_member,
    a_saved_service,
    a_service_tool,
    a_ticket,
    store_member,
    store_vault,
)

SECRET = Secret("canary-client")


async def test_a_service_comes_back_as_it_was_saved(database):
    service = a_saved_service(
        manage_url="https://papers.example/apps", scopes=("read",), client_id="c", client_secret=SECRET, shown="f"
    )
    async with database.transaction() as tx:
        saved = await services.save(tx, service)

        assert saved == replace(service, version=1)
        assert await services.find(tx, "T0ACME", "papers") == saved
        assert await services.list_for(tx, "T0ACME") == (saved,)
        assert await services.list_for(tx, "T0OTHER") == ()


async def test_only_the_version_that_was_seen_is_changed(database):
    async with database.transaction() as tx:
        first = await services.save(tx, a_saved_service())
        assert await services.save(tx, a_saved_service(title="Again")) is None
        second = await services.save(tx, replace(first, title="Second"))
        assert await services.save(tx, replace(first, title="Late")) is None

        assert await services.find(tx, "T0ACME", "papers") == second
        assert not await services.remove(tx, "T0ACME", "papers", 1)
        assert await services.remove(tx, "T0ACME", "papers", 2)
        assert await services.find(tx, "T0ACME", "papers") is None


@pytest.mark.parametrize(
    "moved", [{"issuer": "https://evil.example"}, {"mcp_url": "https://evil.example/mcp"}, {"name": "evil"}]
)
async def test_a_client_does_not_open_for_another_issuer_server_or_service(database, moved):
    async with database.transaction() as tx:
        await services.save(tx, a_saved_service(client_id="c", client_secret=SECRET))
        await tx.connection.execute(update(services_table).values(**moved))

        [found] = await services.list_for(tx, "T0ACME")

    assert (found.client_id, found.client_secret) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": None},
        {"client_id": None, "client_secret": SECRET},
    ],
)
async def test_what_cannot_be_is_not_saved(database, wrong):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await services.save(tx, a_saved_service(**wrong))


async def test_two_services_do_not_share_a_server(database):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await services.save(tx, a_saved_service())
            await services.save(tx, a_saved_service(name="twin"))


async def test_a_token_service_needs_no_issuer(database):
    async with database.transaction() as tx:
        assert await services.save(tx, a_saved_service(issuer=None, registration=RegistrationKind.TOKEN))


async def test_everything_of_one_service_ends_and_nothing_of_another(database):
    ann, bob = a_member(), a_member("U0BOB")
    async with database.transaction() as tx:
        for owner in (ann, bob):
            vault = await store_vault(tx, owner)
            for name in ("papers", "notes"):
                await connections.put(tx, a_connection(owner, service=name, vault_id=vault.vault_id))
                await tickets.issue(tx, a_ticket(owner, service=name), f"{owner.user_id}{name}")

        ended = await connections.break_service(tx, "T0ACME", "papers")

        assert {(c.owner.user_id, c.state) for c in ended} == {
            ("U0ANN", ConnectionState.BROKEN),
            ("U0BOB", ConnectionState.BROKEN),
        }
        assert (await connections.find(tx, ann, "notes")).state is ConnectionState.CONNECTED
        assert {c.id for c in await connections.list_credentials_due(tx)} == {c.id for c in ended}
        await connections.set_credential_gone(tx, ended[0].id)
        assert await connections.list_credentials_due(tx) == ended[1:]
        assert (await connections.get(tx, ended[0].owner, ended[0].id)).state is ConnectionState.DISCONNECTED
        assert await tickets.void_service(tx, "T0ACME", "papers") == 2
        assert (await tickets.find_by_link(tx, "U0BOBnotes")).state is TicketState.NEW


async def test_tools_are_kept_by_name_until_the_service_is_another(database):
    later = NOON + timedelta(hours=1)
    async with database.transaction() as tx:
        await store_member(tx)
        tool, other = a_service_tool(), a_service_tool(name="write_paper", annotations={}, title=None)
        await service_tools.put(tx, "T0ACME", [tool, other])
        changed = replace(tool, description="Read it all.", definition_hash="c" * 64, changed_at=later, seen_at=later)
        await service_tools.put(tx, "T0ACME", [changed])
        await service_tools.put(tx, "T0ACME", [a_service_tool(service="notes")])

        assert await service_tools.list_for(tx, "T0ACME", "papers") == (changed, other)
        await service_tools.forget(tx, "T0ACME", "papers")
        assert await service_tools.list_for(tx, "T0ACME", "papers") == ()
        assert len(await service_tools.list_for(tx, "T0ACME", "notes")) == 1
