"""The settings' file, services and clients included: out and in again is the identity, all of it or nothing."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings

from bot.config.file_services import Document
from bot.config.yaml_file import read, render_plan, write
from bot.domain.admin.config_file import ACTOR, ConfigFile, OpenedWorkspace
from bot.domain.config.service import ConfigService
from bot.model.errors import NotPermitted, Refusal, SettingsInvalid
from oauth.catalog.catalog import Catalog
from oauth.catalog.probe import Prober
from oauth.catalog.saved_services import SavedServices, WorkspaceCatalog
from oauth.catalog.service import Service
from oauth.catalog.service_draft import ServiceDraft
from oauth.guarded_http import GuardedSender
from oauth.mcp.list_tools import ToolLister
from oauth.protocol.discovery import Pins
from oauth.protocol.registration import PreRegistered
from oauth.protocol.url_policy import UrlPolicy
from simulator.clock import SimulatorClock
from simulator.service.server import ServiceSimulator
from store import connections, service_tools
from store.records import ConnectionState, RegistrationKind, Secret, ServiceName
from tests.bot.config.strategies import documents
from tests.builders import Noon, a_connection, a_member, a_service_tool, store_vault
from tests.stored import list_audit

ADA = a_member("U0ADA")
GITHUB = Service(
    ServiceName("github"),
    "GitHub",
    "https://api.githubcopilot.com/mcp/",
    None,
    pins=Pins("https://github.com/login/oauth", ("github.com",)),
    registration=RegistrationKind.PRE_REGISTERED,
)
NOTES = Service(
    ServiceName("notes"), "Notes", "https://notes.shipped.example/mcp", None, pins=Pins("https://n.example", ("n",))
)
WORKSPACES = (f"T0{number}" for number in itertools.count())
VALUES = {"CLIENT_SECRET_GITHUB": "canary-github-1", "CLIENT_SECRET_WIKI": "canary-wiki-1"}


def every(variable):
    return Secret(f"canary-{variable}")


def values(variable):
    return Secret(VALUES[variable]) if variable in VALUES else None


def none(_):
    return None


@pytest.fixture
async def sender():
    async with GuardedSender(UrlPolicy(allow_loopback=True)) as sender:
        yield sender


@pytest.fixture
async def wiki():
    async with ServiceSimulator(clock=SimulatorClock()).running() as service:
        yield service


@pytest.fixture
def dropped():
    return []


@pytest.fixture
def make(database, sender, dropped):
    """Return a maker of empty installations: each is a workspace of its own."""

    def made(*shipped):
        async def note(connection):
            dropped.append(connection)

        workspace_id, catalog = next(WORKSPACES), Catalog({one.name: one for one in shipped})
        probing = Prober(sender, ToolLister(sender))
        services = SavedServices(
            WorkspaceCatalog(workspace_id=workspace_id, database=database, catalog=catalog, clock=Noon()),
            prober=probing,
            on_dropped=note,
        )
        return ConfigFile(
            OpenedWorkspace(workspace_id, database, Noon()),
            configuration=ConfigService(database=database, clock=Noon(), first_admins=frozenset()),
            catalog=catalog,
            services=services,
            probing=probing,
        )

    return made


@pytest.fixture
def filing(make):
    return make(GITHUB)


async def bring_in(filing, document, secret_of=values):
    plan = await filing.plan(document, secret_of)
    await filing.apply(plan)
    return plan


async def refused(work) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        await work
    assert "canary" not in str(caught.value)
    return str(caught.value)


def file_of(wiki, more=""):
    return read(
        f"""
services:
  wiki:
    added:
      title: Wiki
      mcp_url: {wiki.mcp_url}
      trusted_issuer: {wiki.url}
      endpoint_hosts: [127.0.0.1]
      resource: {wiki.mcp_url}
    scopes: [notes:read]
    {more}
"""
    )


CLIENT = "services: {github: {client: {client_id: Iv1.01, client_secret: {env: CLIENT_SECRET_GITHUB}}}}"


@settings(max_examples=10, deadline=None, suppress_health_check=[*HealthCheck])
@given(document=documents())
async def test_out_and_into_an_empty_installation_and_out_again_is_the_identity(make, document):
    first, second = make(NOTES), make(NOTES)
    await bring_in(first, document, every)

    exported = write((await first.read()).document)
    await bring_in(second, read(exported), every)

    assert write((await second.read()).document) == exported
    assert read(exported) == document
    assert "canary" not in exported
    again = await second.plan(read(exported), none)
    assert again.changes == again.rows == again.gone == ()


async def test_a_service_typed_in_slack_is_in_the_file_and_comes_back_elsewhere(make, wiki, database):
    filing, other = make(), make()
    client = PreRegistered("wiki-client", Secret("canary-typed"))
    draft = ServiceDraft("wiki", "Wiki", wiki.mcp_url, RegistrationKind.PRE_REGISTERED, ("notes:read",), client)
    probe = await filing._services.probe(wiki.mcp_url)
    member = a_member("U0ADA", workspace_id=filing.workspace_id)
    await filing._services.save(member, draft, probe.fingerprint)

    exported = write((await filing.read()).document)

    assert "scopes:\n    - notes:read" in exported
    assert (await filing.plan(read(exported), none)).changes == ()
    assert "client_secret: set the environment variable CLIENT_SECRET_WIKI" in await refused(
        other.plan(read(exported), none)
    )
    plan = await other.plan(read(exported), values)
    await other.look(plan)
    await other.apply(plan)
    assert write((await other.read()).document) == exported
    assert other._catalog.get(ServiceName("wiki")).client == PreRegistered("wiki-client", Secret("canary-wiki-1"))


async def test_a_shipped_service_gets_a_client_whose_secret_is_nowhere_to_be_read(filing, database, tmp_path):
    plan = await bring_in(filing, read(CLIENT))

    assert filing._catalog.get_available(GITHUB.name).client.client_secret.reveal() == "canary-github-1"
    assert "canary" not in render_plan(plan.changes) + write((await filing.read()).document)
    async with database.transaction() as tx:
        [entry] = await list_audit(tx, filing.workspace_id)
    assert (entry.actor, entry.action, entry.subject) == (ACTOR, "service.configured", "github")
    assert entry.details["client_secret"] == "CLIENT_SECRET_GITHUB"
    assert "canary" not in json.dumps(entry.details)
    assert all(b"canary" not in path.read_bytes() for path in tmp_path.iterdir())

    await bring_in(filing, Document())

    assert not filing._catalog.get(GITHUB.name).is_available
    assert (await filing.read()).rows == ()


async def test_a_secret_that_is_another_one_now_is_shown_as_such_and_one_that_is_not_set_stays(filing, monkeypatch):
    await bring_in(filing, read(CLIENT))
    assert (await filing.plan(read(CLIENT), none)).changes == ()
    assert (await filing.plan(read(CLIENT), values)).changes == ()

    plan = await bring_in(filing, read(CLIENT), lambda _: Secret("canary-github-2"))

    assert render_plan(plan.changes) == ('~ catalog/github\n    secret: (default) → "another one"\n1 to change')
    assert filing._catalog.get(GITHUB.name).client.client_secret.reveal() == "canary-github-2"


async def test_a_secret_stays_with_its_client(filing):
    await bring_in(filing, read(CLIENT))

    said = await refused(filing.plan(read(CLIENT.replace("Iv1.01", "Iv1.02")), none))

    assert "services.github.client.client_secret: set the environment variable CLIENT_SECRET_GITHUB" in said
    assert "has blanks" in await refused(filing.plan(read(CLIENT), lambda _: Secret("canary \n x")))


async def test_what_is_new_is_looked_at_and_must_be_what_the_file_says(filing, wiki):
    plan = await filing.plan(file_of(wiki), values)
    await filing.look(plan)

    wiki.extra_metadata["authorization_endpoint"] = "https://evil.example.com/authorize"
    assert await refused(filing.look(plan)) == (
        "- services.wiki.added.endpoint_hosts: the server sends people and codes to 127.0.0.1, evil.example.com"
    )
    wiki.extra_metadata.clear()
    wiki.metadata_issuer = f"{wiki.url}/other"
    assert "trusted_issuer: the server names" in await refused(filing.look(plan))
    wiki.metadata_issuer, wiki.no_registration = None, True
    assert "registration: it lets nobody register" in await refused(filing.look(plan))
    wiki.no_registration, wiki.resource_metadata = False, "missing"
    said = await refused(filing.look(plan))
    assert "trusted_issuer: the server names none" in said
    assert "resource: the server names none" in said
    assert (await filing.read()).rows == ()


async def test_a_server_that_is_down_is_said_and_can_be_left_unseen(filing, wiki):
    document = file_of(wiki)
    document = read(write(document).replace(f"{wiki.url}/", "http://127.0.0.1:9/"))

    plan = await filing.plan(document, values)

    assert "services.wiki.added.mcp_url: Nothing answers there." in await refused(filing.look(plan))
    await filing.apply(plan)
    assert filing._catalog.get(ServiceName("wiki")).pins.trusted_issuer == wiki.url
    assert (await filing.plan(document, values)).unseen == ()


async def store_connection(database, filing, wiki):
    member = a_member("U0ADA", workspace_id=filing.workspace_id)
    async with database.transaction() as tx:
        vault = await store_vault(tx, member)
        connection = a_connection(
            member, service=ServiceName("wiki"), vault_id=vault.vault_id, mcp_server_url=wiki.mcp_url
        )
        await connections.put(tx, connection)
        await service_tools.put(tx, member.workspace_id, [a_service_tool(service=ServiceName("wiki"))])
    return member, connection


async def test_what_is_not_in_the_file_any_more_goes_with_everybodys_connections(filing, wiki, database, dropped):
    await bring_in(filing, file_of(wiki))
    member, connection = await store_connection(database, filing, wiki)
    title_only = read(write(file_of(wiki)).replace("title: Wiki", "title: Papers"))
    assert (await bring_in(filing, title_only)).unseen == ()
    assert dropped == []

    plan = await bring_in(filing, Document())

    assert "- catalog/wiki\n    everybody's connections to it end" in render_plan(plan.changes)
    assert [one.id for one in dropped] == [connection.id]
    async with database.transaction() as tx:
        assert (await connections.find(tx, member, ServiceName("wiki"))).state is ConnectionState.BROKEN
        newest = (await list_audit(tx, filing.workspace_id))[0]
    assert (newest.actor, newest.action) == (ACTOR, "service.removed")


async def test_a_plan_that_is_over_changes_nothing_of_either_half(filing, wiki):
    document = read(write(file_of(wiki)) + "is_paused: true\n")
    plan = await filing.plan(document, values)
    await bring_in(filing, file_of(wiki))

    with pytest.raises(NotPermitted) as caught:
        await filing.apply(plan)

    assert caught.value.refused.refusal is Refusal.SETTING_CHANGED
    assert not (await filing.read()).config.is_paused


async def test_two_services_that_change_places_are_told_to_do_it_in_two_steps(filing, wiki):
    two = write(file_of(wiki)).replace("\n  wiki:", "\n  wiki:", 1)
    other = two.partition("services:\n")[2].replace("wiki:", "papers:", 1).replace("/mcp\n", "/mcp/two\n")
    other = other.replace("title: Wiki", "title: Papers")
    await bring_in(filing, read(two + other))
    swapped = (two + other).replace("/mcp/two\n", "/mcp/x\n").replace("/mcp\n", "/mcp/two\n").replace("/mcp/x", "/mcp")

    plan = await filing.plan(read(swapped), values)

    assert "apply it in two steps" in await refused(filing.apply(plan))
    assert (await filing.read()).document == read(two + other)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services: {lost: {}}", "services.lost: there is no service lost"),
        ("services: {lost: {scopes: [a]}}", "services.lost: there is no service lost"),
        ("profiles: {a: {services: [lost]}}", "profiles.a.services: there is no service lost"),
        ("services: {notes: {client: {client_id: a}}}", "services.notes.client: is not taken"),
        ("services: {github: {added: ADDED}}", "services.github.added: the catalogue has a service of this name"),
        ("services: {git: {added: ADDED}}", "services.git.added.mcp_url: that is the service github already"),
        (
            "services: {a: {added: ADDED}, b: {added: ADDED}}".replace("ADDED", "OTHER"),
            "services.b.added.mcp_url: that is the service a already",
        ),
        ("services: {a: {added: HTTP}}", "services.a.added.mcp_url: this address cannot be used: not https"),
    ],
)
async def test_names_and_servers_that_are_not_free_are_said_at_their_place(make, text, problem):
    loose = Service(ServiceName("notes"), "Notes", "https://notes.example/mcp", None)
    pins = "trusted_issuer: 'https://login.example', endpoint_hosts: [login.example]"
    for word, url in (("ADDED", GITHUB.mcp_url), ("OTHER", "https://other.example"), ("HTTP", "http://a.example/mcp")):
        text = text.replace(word, f"{{title: One, mcp_url: '{url}', {pins}}}")

    assert problem in await refused(make(GITHUB, loose).plan(read(text), values))


async def test_a_service_that_a_later_catalogue_ships_too_stays_as_it_was_added(make):
    filing = make()
    pins = "trusted_issuer: 'https://login.example', endpoint_hosts: [login.example]"
    names = {"git": GITHUB.mcp_url, "notes": "https://mine.example/mcp"}
    text = ", ".join(
        f"{name}: {{added: {{title: My {name}, mcp_url: '{url}', {pins}}}}}" for name, url in names.items()
    )
    document = read(f"services: {{{text}}}")
    await bring_in(filing, document)
    later = ConfigFile(
        OpenedWorkspace(filing.workspace_id, filing._database, Noon()),
        configuration=filing._configuration,
        catalog=Catalog({one.name: one for one in (GITHUB, NOTES)}),
        services=filing._services,
        probing=filing._probing,
    )

    assert (await later.plan(document, values)).changes == ()


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    ("title", "problem"),
    [("Git-Hub", "the service github has a title or name"), ("W\u0456ki", "letters of one script")],
)
async def test_a_title_that_looks_like_anothers_is_said_at_its_place(make, title, problem):
    added = f"{{title: {title}, mcp_url: 'https://a.example/mcp', registration: token}}"

    said = await refused(make(GITHUB).plan(read(f"services: {{a: {{added: {added}}}}}"), values))

    assert f"services.a.added.title: {problem}" in said or problem in said
