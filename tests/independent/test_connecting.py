"""Connecting with servers that nobody of us wrote: discovery, registration, authorization, tokens, tools, refresh."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.model import action_ids
from oauth.catalog.probe import ConnectWay, Prober
from oauth.errors import NotAnMcpServer
from oauth.guarded_http import GuardedSender
from oauth.mcp.list_tools import ToolLister
from oauth.protocol.url_policy import UrlPolicy
from simulator.service.server import RefusedByService
from store import service_tools
from tests.independent import __main__ as installing
from tests.independent.running import SERVERS, IndependentServer
from tests.journeys.test_connect import dm, link
from tests.world import ALICE, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
CATALOG = """\
[services.notes]
title = "Notes"
mcp_url = "{url}/mcp"
manage_url = "{url}/account"
[services.notes.tools]
allowed_tools = ["list_notes", "read_note"]
"""
KINDS = {
    "fastmcp": ("current", "fastmcp_notes.py"),
    "sdk": ("current", "sdk_notes.py"),
    "earlier_fastmcp": ("earlier", "fastmcp_notes.py"),
}


@pytest.fixture(scope="session")
def pythons() -> dict[str, Path]:
    try:
        return installing.install()
    except installing.ServersMissing as missing:
        if installing.is_required():
            raise
        pytest.skip(str(missing))


@pytest.fixture(params=KINDS)
def server(request, pythons, tmp_path_factory) -> IndependentServer:
    generation, script = KINDS[request.param]
    log = tmp_path_factory.mktemp("independent") / "server.log"
    return IndependentServer(pythons[generation], SERVERS / script, log)


@pytest.fixture
async def deputy(deputy_world: World, server: IndependentServer, logged) -> AsyncIterator[World]:
    """Deputy running, with the server as its only service; no token of it is shown, stored or logged."""
    deputy_world.peers.catalog.write_text(CATALOG.format(url=server.url), "utf-8")
    async with deputy_world.deputy():
        yield deputy_world
    told = "\n".join(logged.lines)
    for token in tokens(deputy_world):
        assert token not in told
        assert deputy_world.leaks(token) == []


def auths(world: World) -> list[dict]:
    """Return what vaults hold, archived credentials left out."""
    credentials = [one for vault in world.agents.vaults.values() for one in vault.credentials.values()]
    return [credential.auth for credential in credentials if credential.archived_at is None]


def tokens(world: World) -> Iterator[str]:
    for auth in auths(world):
        yield auth["access_token"]
        if refresh := auth.get("refresh"):
            yield refresh["refresh_token"]


async def connect(world: World, server: IndependentServer, user: str = ALICE):
    """Ask for a link and go its way; return the last page."""
    return await world.walk(await link(world, user), user, service=server)


async def summary(world: World, user: str = ALICE) -> str:
    """Ask for what only the server knows; return the answer."""
    root = await world.ask(user, "summarise my notes")
    (answer,) = await world.answered(root)
    return world.slack.text_of(answer)


async def test_a_member_connects_and_the_agent_uses_the_service_for_longer_than_a_token_lives(deputy, server):
    async with server.running():
        page = await connect(deputy, server)
        assert page.status_code == 200, page.text
        await dm(deputy, ALICE, "Connected to Notes")
        assert "Independent" in await summary(deputy)
        first = set(tokens(deputy))
        deputy.turn(2 * 3600)

        assert "Independent" in await summary(deputy)
        await deputy.settled()

    assert len(first) == len(set(tokens(deputy))) == 2
    assert first.isdisjoint(tokens(deputy))
    async with deputy.app.database.transaction() as tx:
        known = await service_tools.list_for(tx, deputy.app.install.workspace_id, "notes")
    assert [tool.name for tool in known] == ["list_notes", "read_note"]


@pytest.mark.parametrize("server", ["sdk"], indirect=True)
async def test_a_server_that_gives_no_refresh_token_is_connected_until_the_token_ends(deputy, server):
    async with server.running(gives_refresh=False):
        await connect(deputy, server)
        await dm(deputy, ALICE, "ends this connection")

        assert "Independent" in await summary(deputy)

    [auth] = auths(deputy)
    assert "refresh" not in auth


@pytest.mark.fault("D3")
async def test_a_server_that_forgot_us_is_connected_afresh_by_the_second_link(deputy, server):
    async with server.running():
        await connect(deputy, server)
    async with server.running():
        await deputy.ask(ALICE, "summarise my notes")
        told = await deputy.whispered(ALICE, "no longer accepts your connection")
        assert action_ids.CONNECT in deputy.slack.buttons_of(told, ALICE)
        with pytest.raises(RefusedByService):
            await connect(deputy, server)

        page = await connect(deputy, server)

        assert page.status_code == 200, page.text
        assert "Independent" in await summary(deputy)


@pytest.mark.parametrize("server", ["fastmcp", "sdk"], indirect=True)
@pytest.mark.parametrize(
    ("registration", "words"), [("closed", "must be set up first"), ("refused", "in a way we do not trust")]
)
async def test_a_server_that_lets_us_not_register_is_told_so(deputy, server, registration, words):
    async with server.running(registration=registration):
        page = await connect(deputy, server)

    assert page.status_code == 502
    assert words in page.text
    assert auths(deputy) == []


@pytest.mark.fault("D5")
async def test_no_other_address_of_the_server_is_taken_for_an_mcp_server(server):
    async with server.running(), GuardedSender(UrlPolicy(allow_loopback=True)) as sender:
        probing = Prober(sender, ToolLister(sender))
        found = await probing.probe(server.mcp_url)
        for path in ("", "/", "/mc", "/authorize", "/token", "/register", "/.well-known/oauth-authorization-server"):
            with pytest.raises(NotAnMcpServer):
                await probing.probe(f"{server.url}{path}")

    assert (found.ways[0], found.quirks, found.foreign_hosts) == (ConnectWay.DYNAMIC, (), ())
    assert found.scopes == ("notes",)


def test_what_cannot_be_installed_is_said_in_one_line():
    with pytest.raises(
        installing.ServersMissing, match=r"^the independent servers .* cannot be installed: no network$"
    ):
        installing._run([sys.executable, "-c", "print('Looking …\\nno network'); exit(1)"])
