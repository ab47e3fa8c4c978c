"""Connecting in a real browser: the cookie, the policy and the pages work there, not only on paper."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest

from simulator.slack.people import BOB

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture
async def chromium(clock) -> AsyncIterator[object]:
    async with playwright.async_playwright() as running:
        browser = await running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def watched_page(chromium, complaints: list[str], **options):
    context = await chromium.new_context(**options)
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    return page


async def test_a_member_connects_in_a_browser(room, alice, chromium, tmp_path):
    complaints: list[str] = []
    page = await watched_page(chromium, complaints, viewport={"width": 1280, "height": 800})

    await page.goto(await room.issue(alice))
    await page.screenshot(path=tmp_path / "connect-start.png")
    await page.get_by_role("button", name="Continue with Slack").click()
    await page.get_by_role("button", name="Alice Adler").click()
    await page.get_by_role("button", name="alice@example.com").click()
    await page.get_by_role("button", name="Allow").click()
    await page.wait_for_url(f"{room.base_url}/connected")
    await page.screenshot(path=tmp_path / "connect-done.png")

    assert await page.get_by_role("heading", name="You are connected").is_visible()
    assert len(room.outcomes.connections) == 1
    assert complaints == []
    assert [one for one in await page.context.cookies() if one["name"].startswith("__Host-connect")] == []


@pytest.mark.threat(44)
async def test_another_member_is_turned_away_on_a_phone(room, alice, chromium, tmp_path):
    complaints: list[str] = []
    page = await watched_page(chromium, complaints, viewport={"width": 375, "height": 720}, color_scheme="dark")

    await page.goto(await room.issue(alice))
    await page.get_by_role("button", name="Continue with Slack").click()
    await page.locator(f"button[value='{BOB}']").click()
    await page.get_by_role("heading", name="This link belongs to somebody else").wait_for()
    await page.screenshot(path=tmp_path / "connect-refused.png")

    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 375
    assert room.outcomes.connections == []
    assert complaints == []
