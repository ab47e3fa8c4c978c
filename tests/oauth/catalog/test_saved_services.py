"""Services that admins add: saved as shown, held to it, and everything that hung on the old one is ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oauth.catalog.catalog import Catalog
from oauth.catalog.probe import Prober
from oauth.catalog.saved_services import SavedServices, WorkspaceCatalog, build_service, merge
from oauth.catalog.service import Service
from oauth.catalog.service_draft import ServiceDraft
from oauth.errors import (
    DraftInvalid,
    ProbeChanged,
    ServerTaken,
    ServiceChanged,
    ServiceNotAvailable,
    UnknownService,
)
from oauth.mcp.list_tools import ToolLister
from oauth.protocol.registration import PreRegistered
from store import connections, service_tools, tickets
from store.records import ConnectionState, RegistrationKind, Secret, ServiceName, TicketState
from tests.builders import a_connection, a_saved_service, a_service_tool, a_ticket, store_vault
from tests.stored import list_audit

PAPERS = ServiceName("papers")
GITHUB = Service(
    ServiceName("github"),
    "GitHub",
    "https://api.githubcopilot.com/mcp/",
    None,
    registration=RegistrationKind.PRE_REGISTERED,
)


@pytest.fixture
def catalog():
    return Catalog({GITHUB.name: GITHUB})


@pytest.fixture
def dropped():
    return []


@pytest.fixture
def shelf(*, database, catalog, sender, clock, alice, dropped):
    async def note(connection):
        dropped.append(connection)

    workspace = WorkspaceCatalog(workspace_id=alice.workspace_id, database=database, catalog=catalog, clock=clock)
    return SavedServices(workspace, prober=Prober(sender, ToolLister(sender)), on_dropped=note)


async def save(shelf, by, notes, **changes):
    draft = replace(ServiceDraft("papers", "Papers", notes.mcp_url), **changes)
    probe = await shelf._prober.probe(draft.mcp_url)
    return await shelf.save(by, draft, probe.fingerprint)


async def actions(database, workspace_id):
    async with database.transaction() as tx:
        return [entry.action for entry in await list_audit(tx, workspace_id)]


async def test_a_saved_service_is_on_offer_at_once_and_pinned_to_what_was_shown(shelf, alice, notes, catalog, database):
    probe = await shelf.probe(notes.mcp_url)

    change = await shelf.save(alice, ServiceDraft("papers", "Papers", notes.mcp_url), probe.fingerprint)

    service = catalog.get_available(PAPERS)
    assert (service.title, service.mcp_url) == ("Papers", notes.mcp_url)
    assert (service.pins.trusted_issuer, service.pins.endpoint_hosts) == (notes.url, ("127.0.0.1",))
    assert service.resource == notes.mcp_url
    assert (change.saved.approved_by, change.saved.version) == (alice.user_id, 1)
    assert await actions(database, alice.workspace_id) == ["service.saved"]
    assert catalog.titles["papers"] == "Papers"
    assert set(catalog.titles) == {"github", "papers"}
    assert len(catalog.titles) == 2


@pytest.mark.fault("S23")
@pytest.mark.parametrize("title", ["GitHub", "G\u0456tHub", "Git Hub"])
async def test_a_title_that_looks_like_another_services_is_not_saved(shelf, alice, notes, title):
    with pytest.raises(DraftInvalid) as caught:
        await save(shelf, alice, notes, title=title)

    assert set(caught.value.problems) == {"title"}
    assert await shelf.list_saved() == ()


async def test_what_changed_since_it_was_shown_is_not_saved_but_shown_again(shelf, alice, notes, catalog):
    probe = await shelf.probe(notes.mcp_url)
    notes.extra_metadata["authorization_endpoint"] = "https://evil.example.com/authorize"

    with pytest.raises(ProbeChanged) as caught:
        await shelf.save(alice, ServiceDraft("papers", "Papers", notes.mcp_url), probe.fingerprint)

    assert caught.value.probe.foreign_hosts == ("evil.example.com",)
    with pytest.raises(UnknownService):
        catalog.get(PAPERS)


async def test_of_two_admins_the_second_is_told(shelf, alice, bob, notes):
    await save(shelf, alice, notes)
    await save(shelf, bob, notes, title="Papers of Bob", version=1)

    with pytest.raises(ServiceChanged) as caught:
        await save(shelf, alice, notes, title="Papers of Alice", version=1)

    assert caught.value.version == 2
    assert (await shelf.find_saved(PAPERS)).title == "Papers of Bob"


async def test_a_new_service_does_not_overwrite_one_of_its_name(shelf, alice, notes):
    await save(shelf, alice, notes)

    with pytest.raises(ServiceChanged):
        await save(shelf, alice, notes)


async def test_a_shipped_name_and_a_server_in_use_are_refused(shelf, alice, notes):
    with pytest.raises(DraftInvalid) as caught:
        await save(shelf, alice, notes, name="github")
    assert set(caught.value.problems) == {"name"}

    await save(shelf, alice, notes)
    with pytest.raises(ServerTaken) as taken:
        await shelf.probe(f"{notes.mcp_url}/")
    assert taken.value.service == "papers"
    with pytest.raises(ServerTaken):
        await shelf.save(alice, ServiceDraft("twin", "Twin", notes.mcp_url), "")


async def test_every_field_says_what_is_wrong_with_it(shelf, alice):
    draft = ServiceDraft(
        "Big Name", " ", "http://notes.example", scopes=('a"b',), client=PreRegistered("a b"), manage_url="javascript:1"
    )

    with pytest.raises(DraftInvalid) as caught:
        await shelf.save(alice, draft, "")

    assert set(caught.value.problems) == {"name", "title", "mcp_url", "scopes", "client_id", "manage_url"}


async def store_what_hangs_on_it(database, alice, url):
    async with database.transaction() as tx:
        vault = await store_vault(tx, alice)
        connection = a_connection(alice, service=PAPERS, vault_id=vault.vault_id, mcp_server_url=url)
        await connections.put(tx, connection)
        await tickets.issue(tx, a_ticket(alice, service=PAPERS), "link")
        await service_tools.put(tx, alice.workspace_id, [a_service_tool(service=PAPERS)])
    return connection


async def state_of_things(database, alice):
    async with database.transaction() as tx:
        connection = await connections.find(tx, alice, PAPERS)
        ticket = await tickets.find_by_link(tx, "link")
        tools = await service_tools.list_for(tx, alice.workspace_id, PAPERS)
    return connection and connection.state, ticket.state, len(tools)


async def test_another_issuer_voids_links_and_ends_connections(shelf, alice, notes, database, dropped):
    await save(shelf, alice, notes)
    connection = await store_what_hangs_on_it(database, alice, notes.mcp_url)
    notes.metadata_issuer = f"{notes.url}/other"

    change = await save(shelf, alice, notes, version=1)

    assert await state_of_things(database, alice) == (ConnectionState.BROKEN, TicketState.FAILED, 0)
    assert [ended.id for ended in change.dropped] == [connection.id]
    assert dropped == list(change.dropped)


async def test_another_title_or_scope_ends_nothing(shelf, alice, notes, database, dropped):
    await save(shelf, alice, notes)
    await store_what_hangs_on_it(database, alice, notes.mcp_url)

    await save(shelf, alice, notes, title="All papers", scopes=("notes:read",), version=1)

    assert await state_of_things(database, alice) == (ConnectionState.CONNECTED, TicketState.NEW, 1)
    assert dropped == []


async def test_a_client_is_kept_for_its_issuer_and_never_follows_to_another(shelf, alice, notes, catalog):
    client = PreRegistered("client", Secret("canary-cs-1"))
    pre = {"registration": RegistrationKind.PRE_REGISTERED}
    await save(shelf, alice, notes, client=client, **pre)
    await save(shelf, alice, notes, title="Papers again", version=1, **pre)
    assert catalog.get_available(PAPERS).client == client

    notes.metadata_issuer = f"{notes.url}/other"
    with pytest.raises(DraftInvalid) as caught:
        await save(shelf, alice, notes, version=2, **pre)
    assert set(caught.value.problems) == {"client_id"}


async def test_the_way_in_must_be_one_that_the_server_has(shelf, alice, notes, catalog):
    notes.no_registration = True
    with pytest.raises(DraftInvalid):
        await save(shelf, alice, notes)

    notes.resource_metadata = "missing"
    with pytest.raises(DraftInvalid):
        await save(shelf, alice, notes, registration=RegistrationKind.PRE_REGISTERED)

    await save(shelf, alice, notes, registration=RegistrationKind.TOKEN)
    assert catalog.get(PAPERS).takes_token
    with pytest.raises(ServiceNotAvailable):
        catalog.get_available(PAPERS)


async def test_a_shipped_service_is_given_a_client_and_scopes(shelf, alice, catalog):
    with pytest.raises(ServiceNotAvailable):
        catalog.get_available(GITHUB.name)

    change = await shelf.configure(
        alice, GITHUB.name, client=PreRegistered("client", Secret("s")), scopes=("read:user",), version=0
    )
    assert catalog.get_available(GITHUB.name).client.client_id == "client"
    assert catalog.get(GITHUB.name).scopes == ("read:user",)

    await shelf.configure(alice, GITHUB.name, client=None, scopes=(), version=change.saved.version)
    assert catalog.get_available(GITHUB.name).client.client_id == "client"

    with pytest.raises(ServiceChanged):
        await shelf.configure(alice, GITHUB.name, client=None, scopes=(), version=1)
    with pytest.raises(UnknownService):
        await shelf.configure(alice, ServiceName("nothing"), client=None, scopes=(), version=0)


async def test_a_removed_service_takes_everything_along(*, shelf, alice, notes, catalog, database, dropped):
    await save(shelf, alice, notes)
    await store_what_hangs_on_it(database, alice, notes.mcp_url)
    with pytest.raises(ServiceChanged):
        await shelf.remove(alice, PAPERS, 7)

    ended = await shelf.remove(alice, PAPERS, 1)

    assert await state_of_things(database, alice) == (ConnectionState.BROKEN, TicketState.FAILED, 0)
    assert dropped == list(ended) != []
    with pytest.raises(UnknownService):
        catalog.get(PAPERS)
    with pytest.raises(ServiceChanged):
        await shelf.remove(alice, PAPERS, 1)


async def test_a_start_offers_what_was_saved(shelf, alice, notes, catalog):
    await save(shelf, alice, notes)
    catalog.offer([])

    await shelf.reload()

    assert {service.name for service in catalog.services} == {"github", "papers"}
    assert [saved.name for saved in await shelf.list_saved()] == ["papers"]


def test_what_an_admin_added_stays_when_a_later_version_ships_the_same_server():
    ours = a_saved_service(name="gh", mcp_url="https://api.githubcopilot.com/mcp")

    assert [service.name for service in merge([GITHUB], (ours,))] == ["gh"]


def test_a_client_for_another_issuer_than_the_shipped_one_is_left_out():
    saved = a_saved_service(
        name="github", mcp_url=GITHUB.mcp_url, is_shipped=True, issuer="https://old.example", client_id="c"
    )

    [service] = merge([GITHUB], (saved,))

    assert service.client is None


def test_a_secret_does_not_print():
    service = build_service(a_saved_service(client_id="c", client_secret=Secret("canary-cs-2")))

    assert "canary" not in repr(service)
    assert service.client.client_secret.reveal() == "canary-cs-2"
