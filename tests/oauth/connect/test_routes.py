"""The browser's routes by themselves: what they serve to the public, and what thousands of junk links do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from oauth.catalog.catalog import Catalog
from oauth.connect.routes import routes
from oauth.errors import TicketUnusable
from tests.oauth.conftest import RecordingOutcomes, RecordingVaults, build_connections

BASE = "https://bot.example"


@pytest.fixture
async def public(database, sender, slack, clock) -> AsyncIterator[httpx.AsyncClient]:
    """The routes as they are at a public address."""
    connections = build_connections(
        BASE,
        database=database,
        catalog=Catalog.load(None, {}),
        sender=sender,
        vaults=RecordingVaults(database, clock),
        outcomes=RecordingOutcomes(),
        slack=slack,
        clock=clock,
    )
    app = httpx.ASGITransport(Starlette(routes=routes(connections)))
    async with httpx.AsyncClient(transport=app, base_url=BASE) as client:
        yield client


@pytest.mark.threat(36)
async def test_our_client_document_says_its_own_address(public):
    answer = await public.get("/oauth/client/notion.json")

    document = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert document["client_id"] == f"{BASE}/oauth/client/notion.json"
    assert document["redirect_uris"] == [f"{BASE}/oauth/callback/notion"]
    assert document["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in document
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert (await public.get("/oauth/client/nothing.json")).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "bot.example:8443", "bot.example.evil.example"])
async def test_the_host_header_decides_nothing(public, host):
    answer = await public.get("/oauth/client/notion.json", headers={"host": host, "x-forwarded-host": host})

    assert answer.json()["client_id"] == f"{BASE}/oauth/client/notion.json"


@pytest.mark.slow
@pytest.mark.threat(41, 83)
async def test_thousands_of_junk_links_open_nothing_and_store_nothing(room, alice):
    link = await room.issue(alice)

    for number in range(5000):
        with pytest.raises(TicketUnusable):
            await room.connections.authorize.peek(f"{number:043d}")

    async with room.browser() as browser:
        assert (await browser.get(f"{link[:-1]}")).status_code == 404
        assert (await browser.get(f"{link}x")).status_code == 404
        assert (await browser.get(link)).status_code == 200
