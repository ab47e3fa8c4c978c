"""The workspace page as a person meets it, in headless Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from simulator.clock import SimulatorClock
from simulator.slack import build_page, page, page_example
from simulator.slack.messages import OPEN, Message
from simulator.slack.people import ALICE, BOB, BOT, GENERAL
from simulator.slack.server import SlackSimulator
from tests.chromium import launched

pytestmark = pytest.mark.browser


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    simulator = SlackSimulator(clock=SimulatorClock())
    simulator.app.add_routes(page.routes(simulator))
    async with simulator.running():
        yield simulator


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    await asyncio.to_thread(build_page.build)
    async with launched() as chromium:
        yield chromium


async def opened(browser: Browser, slack: SlackSimulator, query: str) -> tuple[Page, list[str]]:
    """Return a window on the page, and the list in which its troubles are noted."""
    window = await browser.new_page(viewport={"width": 1280, "height": 900})
    window.set_default_timeout(5000)
    troubles: list[str] = []
    window.on("pageerror", lambda error: troubles.append(str(error)))
    window.on("console", lambda line: troubles.append(line.text) if line.type in {"error", "warning"} else None)
    window.on(
        "request", lambda asked: None if asked.url.startswith((slack.url, "data:")) else troubles.append(asked.url)
    )
    await window.goto(f"{slack.url}/?{query}")
    return window, troubles


async def test_every_block_is_drawn_and_no_untrusted_letter_becomes_anything_else(slack, browser):
    root = page_example.furnish(slack.workspace)
    window, troubles = await opened(browser, slack, f"as={ALICE}&channel={GENERAL}&thread={root}")
    channel = window.get_by_role("log", name="Messages in #general")
    thread = window.get_by_role("log", name="Thread in #general")

    await expect(channel.get_by_role("heading", name="One of everything ✨")).to_be_visible()
    await expect(channel.locator("strong", has_text="@Alice Adler")).to_be_visible()
    await expect(channel.get_by_text("2*3*4 snake_case <b>")).to_be_visible()
    connect = channel.get_by_role("button", name="Connect Notes")
    await expect(connect).to_have_attribute("href", "https://connect.example/start")
    await expect(connect).to_have_attribute("target", "_blank")
    await expect(connect).to_have_attribute("rel", "noopener")
    await expect(channel.get_by_text("*literal*", exact=True)).to_be_visible()
    await expect(channel.get_by_text("<@literal>")).to_be_visible()
    await expect(channel.get_by_role("cell", name="*Alice*")).to_be_visible()
    await expect(channel.get_by_role("combobox", name="Choose a service")).to_be_visible()
    await channel.get_by_role("button", name="Why was I asked?").click()
    await expect(channel.get_by_text("The rule of write_note is to ask.")).to_be_visible()
    await expect(channel.get_by_role("region", name="Plan: A posted plan").get_by_role("listitem")).to_have_count(3)
    await expect(channel.locator("[data-ephemeral=true]")).to_contain_text("Only visible to you")

    answer = thread.locator("[data-streaming=true]")
    plan = thread.get_by_role("region", name="Plan: Working")
    await expect(plan.locator("[data-status=error]")).to_contain_text("Couldn't read the wiki")
    await expect(answer.get_by_text("<@U0B0B0000> stays letters, <b>so does this</b>")).to_be_visible()
    await expect(answer.get_by_text("<script>alert(1)</script>")).to_be_visible()
    await expect(answer.locator(".mention")).to_have_text(["@Alice Adler"])
    await expect(answer.get_by_role("link")).to_have_count(1)
    await expect(answer.get_by_role("button", name="Good answer")).to_be_visible()
    await expect(window.locator(".unsupported")).to_have_count(0)
    assert troubles == []


async def test_what_only_alice_may_press_is_not_there_for_bob(slack, browser):
    root = page_example.furnish(slack.workspace)
    window, troubles = await opened(browser, slack, f"as={ALICE}&channel={GENERAL}&thread={root}")
    approve = window.get_by_role("button", name="Approve")
    await expect(approve).to_be_visible()

    await window.get_by_label("Acting as").select_option(label="Bob Brandt")
    await window.get_by_role("button", name="2 replies").click()

    await expect(window.get_by_role("button", name="Show details")).to_be_visible()
    await expect(approve).to_have_count(0)
    await expect(window.locator("[data-ephemeral=true]")).to_have_count(0)
    assert (await window.context.cookies())[0]["value"] == BOB
    assert troubles == []


async def test_writing_commands_clicks_and_dialogs_reach_the_bot(slack, browser, bot):
    root = page_example.furnish(slack.workspace)
    window, troubles = await opened(browser, slack, f"as={ALICE}&channel={GENERAL}")

    composer = window.get_by_label("Message #general")
    await composer.fill("/agent status")
    await composer.press("Enter")
    await composer.fill("hello @deputy")
    await composer.press("Enter")
    await bot.until(lambda sent: [command["text"] for command in sent.commands] == ["status"])
    await bot.until(lambda sent: any(event["type"] == "app_mention" for event in sent.events))

    await window.get_by_role("button", name="2 replies").click()
    reply = window.get_by_label("Reply in thread").and_(window.get_by_role("textbox"))
    await reply.fill("/agent status")
    await reply.press("Enter")
    await expect(window.get_by_text("/agent is not supported in threads. Sorry!")).to_be_visible()
    await reply.fill("in the thread")
    await reply.press("Enter")
    await bot.until(lambda sent: any(event.get("thread_ts") == root for event in sent.events))

    await window.get_by_role("button", name="Deny", exact=True).click()
    await window.get_by_role("dialog", name="Deny this?").get_by_role("button", name="Deny it").click()
    await window.get_by_role("button", name="Good answer").click()
    await bot.until(lambda sent: [action["actions"][0]["action_id"] for action in sent.actions] == ["deny", "feedback"])

    card = window.get_by_role("log", name="Messages in #general").get_by_label("Message from Bob Brandt")
    await card.hover()
    await card.get_by_role("button", name="More actions").click()
    await window.get_by_role("menuitem", name="Ask about this message").click()
    await bot.until(lambda sent: [shortcut["callback_id"] for shortcut in sent.shortcuts] == ["ask_about_message"])

    await window.get_by_role("button", name="Stop the agent").click()
    await bot.until(lambda sent: any(event["type"] == "agent_session_stopped" for event in sent.events))
    await expect(
        window.get_by_role("log", name="Thread in #general").get_by_text("Stopped", exact=True)
    ).to_be_visible()
    assert troubles == []


async def test_a_modal_keeps_the_focus_names_its_errors_and_closes_with_escape(slack, browser, bot):
    window, troubles = await opened(browser, slack, f"as={ALICE}&channel={GENERAL}")
    bot.ack_view = {"response_action": "errors", "errors": {"reason": "Say a little more."}}
    page_example.open_modal(slack.workspace, ALICE)
    dialog = window.get_by_role("dialog", name="Deny with a reason")
    submit = dialog.get_by_role("button", name="Deny")

    await submit.click()
    await expect(dialog.get_by_role("alert")).to_have_text(["Please complete this required field."] * 3)

    reason = dialog.get_by_role("textbox", name="Reason")
    await reason.fill("no")
    await dialog.get_by_role("radio", name="Stop").check()
    await dialog.get_by_role("checkbox", name="Bob").check()
    await dialog.get_by_role("combobox", name="Rule").select_option("Always deny")
    await submit.click()
    await expect(dialog.get_by_role("alert")).to_have_text(["Say a little more."])
    await expect(reason).to_have_value("no")
    values = bot.views[0]["view"]["state"]["values"]
    assert [
        values["then"]["pick"]["selected_option"]["value"],
        values["rule"]["select"]["selected_option"]["value"],
    ] == [
        "stop",
        "deny",
    ]

    for _ in range(12):
        await window.keyboard.press("Tab")
        assert await window.evaluate("!document.querySelector('.page').contains(document.activeElement)")
    await window.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert slack.modal_of(ALICE) is None
    assert troubles == []


async def test_growing_text_keeps_the_end_in_view_unless_one_reads_further_up(slack, browser):
    workspace = slack.workspace
    root = workspace.place(Message(GENERAL, workspace.next_ts(), ALICE, "go")).ts
    answer = Message(GENERAL, workspace.next_ts(), BOT, thread_ts=root, by_app=True, streaming_state=OPEN)
    answer.stream_started_at = workspace.now()
    workspace.place(answer)
    window, troubles = await opened(browser, slack, f"as={ALICE}&channel={GENERAL}&thread={root}")
    thread = window.get_by_role("log", name="Thread in #general")

    async def grow(upto: int) -> None:
        answer.parts = [{"type": "text", "text": "\n\n".join(f"line {n}" for n in range(upto))}]
        workspace.changed(answer)
        await expect(thread.get_by_text(f"line {upto - 1}", exact=True)).to_be_attached()

    await grow(80)
    await expect(thread.get_by_text("line 79", exact=True)).to_be_in_viewport()
    await grow(90)
    await expect(thread.get_by_text("line 89", exact=True)).to_be_in_viewport()
    await thread.evaluate("log => log.scrollTo(0, 0)")
    await expect(thread.get_by_text("line 0", exact=True)).to_be_in_viewport()
    await grow(100)
    await expect(thread.get_by_text("line 0", exact=True)).to_be_in_viewport()
    assert troubles == []


async def test_home_and_its_buttons_are_under_the_app(slack, browser, bot):
    page_example.furnish(slack.workspace)
    window, troubles = await opened(browser, slack, f"as={ALICE}")

    await window.get_by_role("navigation", name="Apps").get_by_role("button", name="Deputy").click()
    await window.get_by_role("tab", name="Home").click()
    await window.get_by_role("region", name="App Home").get_by_role("button", name="Disconnect Notes").click()
    await bot.until(lambda sent: [action["actions"][0]["action_id"] for action in sent.actions] == ["home_disconnect"])
    await bot.until(
        lambda sent: [e["tab"] for e in sent.events if e["type"] == "app_home_opened"] == ["messages", "home"]
    )
    assert troubles == []
