"""A person in a browser: what they see and do on the workspace page, by roles and visible words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.world import ALICE, BOB, CAROL, World

NAMES = {ALICE: "Alice Adler", BOB: "Bob Brandt", CAROL: "Carol Cohen (admin)"}


@dataclass
class Demo:
    """Where the running demo is."""

    page: str
    bot: str
    log: Path


@dataclass
class Visitor:
    """One person in one browser, looking at the workspace."""

    name: str
    page: Page
    context: BrowserContext

    @property
    def thread(self) -> Locator:
        """Return the messages of the thread that is open."""
        return self.page.get_by_role("log", name="Thread in")

    @property
    def notes(self) -> Locator:
        """Return what only this person can see in the thread."""
        return self.thread.locator("[data-ephemeral=true]")

    @property
    def stop(self) -> Locator:
        """Return the bot's own Stop button in the thread."""
        return self.thread.get_by_role("button", name="Stop this request")

    async def write(self, words: str, where: str = "Message #general") -> None:
        """Type a line and press Enter."""
        line = self.page.get_by_role("textbox", name=where)
        await line.fill(words)
        await line.press("Enter")

    async def go_to(self, channel: str) -> None:
        """Choose a channel at the left."""
        await self.page.get_by_role("navigation", name="Channels").get_by_role("button", name=channel).click()

    async def go_to_app(self, tab: str) -> None:
        """Open the app's Home or Messages."""
        await self.page.get_by_role("navigation", name="Apps").get_by_role("button").click()
        await self.page.get_by_role("tab", name=tab).click()

    def asked(self, task: str) -> Locator:
        """Return the newest message in the channel that says who asked for this."""
        messages = self.page.get_by_role("log", name="Messages in #general").get_by_role("article")
        return messages.filter(has_text="asked:").filter(has_text=task).last

    async def open_thread(self, task: str) -> None:
        """Open the thread that began with this task."""
        message = self.asked(task)
        for _ in range(3):  # as people do: the page may be drawn anew between a press and its release
            await message.hover()
            await message.get_by_role("button", name="Reply in thread").click()
            with suppress(AssertionError):
                await expect(self.thread.get_by_text(task).first).to_be_visible(timeout=3000)
                return

    async def ask(self, task: str) -> None:
        """Ask in #general and look at the thread."""
        roots = self.page.get_by_role("log", name="Messages in #general").get_by_text("asked:")
        before = await roots.count()
        await self.write(f"/agent ask {task}")
        await expect(roots).to_have_count(before + 1)
        await self.open_thread(task)

    async def answered(self) -> None:
        """Wait until the newest answer in the thread has ended: its footer is there and Stop is gone."""
        await expect(self.thread.get_by_text("AI-generated, check important details").last).to_be_visible()
        await expect(self.stop).to_have_count(0)

    async def close_thread(self) -> None:
        """Close the pane at the right."""
        await self.page.get_by_role("button", name="Close thread").click()


Enter = Callable[..., Awaitable[Visitor]]
Camera = Callable[[Page, str], Awaitable[None]]


@asynccontextmanager
async def signed_in(visitor: Visitor, account: str) -> AsyncIterator[Page]:
    """Go through the new tab from the start page to the question what to allow; the rest is the caller's."""
    async with visitor.context.expect_page() as opening:
        await visitor.page.get_by_role("button", name="Connect Notes", exact=True).last.click()
    tab = await opening.value
    await tab.get_by_role("button", name="Continue with Slack").click()
    await tab.get_by_role("button", name="Continue", exact=True).click()
    await tab.get_by_role("button", name=account).click()
    await expect(tab.get_by_role("heading", name="Allow Deputy to read and write your notes?")).to_be_visible()
    yield tab
    await tab.close()


async def entered(browser: Browser, here: World, user: str) -> Visitor:
    """Open the workspace as somebody."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860}, color_scheme="light")
    context.set_default_timeout(20_000)
    page = await context.new_page()
    await page.goto(Demo(here.slack.url, here.settings.public_url, here.folder).page)
    await page.get_by_label("Acting as").select_option(label=NAMES[user])
    return Visitor(NAMES[user], page, context)
