"""The consent pages in a real browser: what a person can see and click, and that Chrome lets the redirect through."""

import asyncio

import pytest

from simulator.patience import patience
from tests.chromium import launched

pytestmark = pytest.mark.browser


@pytest.fixture
async def page():
    async with launched() as browser:
        yield await browser.new_page()


@pytest.fixture
async def landing():
    """The client's callback on another origin; what it was asked for."""
    asked = asyncio.Queue()

    async def answer(reader, writer):
        line = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nback")
        await writer.drain()
        writer.close()
        if line.startswith("/oauth"):
            asked.put_nowait(line)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/oauth/callback/notes", asked


@pytest.mark.parametrize("decision", [("Allow", "code=canary-code-"), ("Deny", "error=access_denied")])
async def test_a_person_chooses_an_account_and_decides(app, notes, page, landing, decision):
    button, outcome = decision
    redirect_uri, asked = landing
    notes.personas["U0B0B0000"] = "bob@example.com"
    await app.register(redirect_uris=[redirect_uri])
    await page.context.add_cookies([{"name": "sim_user", "value": "U0B0B0000", "url": notes.url}])

    await page.goto(app.authorize_url(redirect_uri=redirect_uri))
    suggested = await page.locator("button:focus").get_attribute("value")  # once the page has drawn itself
    await page.get_by_role("button", name="bob@example.com").click()
    question = await page.get_by_role("heading", name="Allow Deputy").inner_text()
    await page.get_by_role("button", name=button, exact=True).click()

    async with patience():
        arrived = await asked.get()
    assert suggested == "bob@example.com"
    assert question == "Allow Deputy to read and write your notes?"
    assert outcome in arrived
    assert "state=s1" in arrived


async def test_the_owner_revokes_in_the_browser(app, notes, page):
    tokens = await app.connect("alice@example.com")

    await page.goto(notes.manage_url)
    await page.get_by_role("button", name="Revoke access to alice@example.com").click()
    await page.get_by_text("alice@example.com (0 active)").wait_for()

    assert (await app.mcp(tokens["access_token"])).status_code == 401
