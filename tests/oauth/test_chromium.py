"""Connecting in a real browser: the cookie, the policy and the pages work there, not only on paper."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from oauth.connect.routes import routes
from simulator.slack.people import ALICE, BOB
from tests.chromium import launched

pytestmark = pytest.mark.browser


@pytest.fixture
async def chromium(clock) -> AsyncIterator[object]:
    async with launched() as browser:
        yield browser


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


async def sign_in(page, user: str = ALICE) -> None:
    """Press our button and say at Slack who one is."""
    await page.get_by_role("button", name="Continue with Slack").click()
    await page.locator(f"button[value='{user}']").click()


async def consent(page, account: str = "alice@example.com") -> None:
    await page.get_by_role("button", name=account).click()
    await page.get_by_role("button", name="Allow").click()


async def test_an_attacker_who_is_signed_in_as_himself_gets_no_further_with_anothers_link(room, alice, bob, chromium):
    """Bob has connected in this browser before: his cookies and his sign-in are worth nothing for Alice's link."""
    page = await watched_page(chromium, [])
    await page.goto(await room.issue(bob))
    await sign_in(page, BOB)
    await consent(page, "bob@example.com")
    await page.get_by_role("heading", name="You are connected").wait_for()

    await page.goto(await room.issue(alice))
    await sign_in(page, BOB)
    await page.get_by_role("heading", name="This link belongs to somebody else").wait_for()

    assert [ticket.owner for ticket, _ in room.outcomes.connections] == [bob]
    assert [ticket.owner for ticket, _, _ in room.outcomes.failures] == [alice]


@pytest.mark.threat(48)
async def test_of_two_tabs_with_one_link_the_first_to_come_back_connects_and_the_other_says_so(room, alice, chromium):
    link = await room.issue(alice)
    context = await chromium.new_context()
    first, second = await context.new_page(), await context.new_page()
    for page in (first, second):
        await page.goto(link)
    for page in (first, second):
        await page.get_by_role("button", name="Continue with Slack").click()
        await page.locator(f"button[value='{ALICE}']").wait_for()

    await first.locator(f"button[value='{ALICE}']").click()
    await consent(first)
    await first.get_by_role("heading", name="You are connected").wait_for()
    await second.locator(f"button[value='{ALICE}']").click()
    await second.get_by_role("heading", name="This link was used already").wait_for()

    assert len(room.outcomes.connections) == 1
    assert room.outcomes.failures == []


async def test_the_back_button_after_the_end_shows_no_way_to_do_it_again(room, alice, chromium):
    page = await watched_page(chromium, [])
    link = await room.issue(alice)
    await page.goto(link)
    await sign_in(page)
    await consent(page)
    await page.wait_for_url(f"{room.base_url}/connected")
    assert "?" not in page.url

    await page.goto(link)
    await page.get_by_role("heading", name="This link was used already").wait_for()
    await page.go_back()
    await page.get_by_role("heading", name="You are connected").wait_for()
    await page.go_back()
    await page.wait_for_load_state()

    assert len(room.outcomes.connections) == 1
    assert room.outcomes.failures == []


@pytest.mark.threat(41)
async def test_a_link_that_expired_while_the_page_was_open_says_so_and_what_to_do(room, alice, chromium):
    page = await watched_page(chromium, [])
    await page.goto(await room.issue(alice))
    room.clock.simulated.advance(601)
    await page.get_by_role("button", name="Continue with Slack").click()
    await page.get_by_role("heading", name="This link has expired").wait_for()

    assert await page.get_by_text("/agent connect").is_visible()
    assert room.outcomes.connections == []


@pytest.mark.threat(60)
async def test_a_restart_between_redirect_and_callback_is_not_noticed(room, alice, chromium, sender):
    page = await watched_page(chromium, [])
    await page.goto(await room.issue(alice))
    await sign_in(page)
    await page.get_by_role("button", name="alice@example.com").wait_for()
    fresh = room.restarted(sender)
    await fresh.recover()
    room.app.routes[:] = routes(fresh)
    await consent(page)
    await page.get_by_role("heading", name="You are connected").wait_for()

    assert len(room.outcomes.connections) == 1


READABLE = """() => {
  const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = text => parse(text).map(channel).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = at => { for (; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!/, 0\\)$/.test(colour) && colour !== "transparent") return colour; } return "rgb(255, 255, 255)"; };
  return [...document.querySelectorAll("h1, p, dt, dd, button, code, span")].map(at => {
    const [one, other] = [light(getComputedStyle(at).color), light(ground(at))].sort((a, b) => b - a);
    return [at.tagName, (one + 0.05) / (other + 0.05)]; });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_the_pages_can_be_read_by_everybody(room, alice, chromium, scheme, width):
    """WCAG 2.2: contrast 4.5 (1.4.3), no scrolling sideways at 320 px (1.4.10), a title, a language, one heading."""
    asked: list[str] = []
    page = await watched_page(chromium, [], viewport={"width": width, "height": 700}, color_scheme=scheme)
    page.on("request", lambda request: asked.append(request.url))
    link = await room.issue(alice)
    for url in (link, f"{room.base_url}/connected", f"{room.base_url}/connect/unknown"):
        await page.goto(url)
        contrasts = await page.evaluate(READABLE)

        assert len(contrasts) >= 4
        assert [found for found in contrasts if found[1] < 4.5] == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.evaluate("document.documentElement.lang") == "en"
        assert await page.locator("h1").count() == 1
        assert "Deputy" in await page.title()
    await page.goto(link)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent.trim()") == "Continue with Slack"
    assert all(url.startswith(room.base_url) for url in asked)
