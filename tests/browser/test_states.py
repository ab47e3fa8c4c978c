"""Pictures of each state of a turn, for docs/journeys.md; `make pictures` takes them anew.

What is on them is held by the journeys; here nothing is but that it can be seen.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, expect

from simulator.agents.model import LOREM
from simulator.slack import people
from tests.browser.conftest import SCREENSHOTS
from tests.browser.visits import Visitor, entered
from tests.world import ALICE, GENERAL, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("SCREENSHOTS") != "1", reason="takes pictures only: make pictures"),
]
Picture = Callable[[Visitor, str], Awaitable[None]]
MENTION = f"<@{people.BOT}>"
ROWS = [f"| {LOREM[n % 30].title()} {n} | {LOREM[n * 7 % 30]} {LOREM[n * 3 % 30]} | {n * 37} |" for n in range(300)]
TABLE = "\n".join(["| Supplier | Sends | Pieces |", "|---|---|---|", *ROWS])


@pytest.fixture
def picture() -> Picture:
    """Return what keeps a picture of the thread that somebody looks at."""

    async def keep(visitor: Visitor, name: str) -> None:
        await visitor.page.mouse.move(0, 0)
        await visitor.page.evaluate("document.activeElement?.blur()")
        pane = visitor.page.get_by_role("complementary", name="Thread")
        await pane.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    return keep


@pytest.fixture
async def alice(browser: Browser, here: World) -> Visitor:
    return await entered(browser, here, ALICE)


async def test_working(here: World, alice: Visitor, picture: Picture):
    await here.connect_notes(ALICE)
    here.agents.tool_delay = 4
    await alice.ask("summarise my notes")
    await expect(alice.thread.get_by_text("Working", exact=True)).to_be_visible()
    await expect(alice.thread.get_by_text("using “Read a note” in Notes", exact=False).first).to_be_visible()
    await picture(alice, "state-working")


async def test_waiting_and_queued(here: World, alice: Visitor, picture: Picture):
    await here.connect_notes(ALICE)
    await alice.ask("write a note Lunch: soup at noon")
    await expect(
        alice.thread.get_by_role("button", name="Approve: Use “Write a note” (write_note) in Notes")
    ).to_be_visible()
    await alice.write("list my notes", where="Reply in thread")
    await expect(alice.thread.get_by_text("Queued")).to_be_visible()
    await picture(alice, "state-waiting")


async def test_stopped(here: World, alice: Visitor, picture: Picture):
    here.agents.pace = 0.05
    await alice.ask("write a long text of 2000 words")
    await expect(alice.thread.get_by_text("lorem").first).to_be_visible()
    await alice.write("stop", where="Reply in thread")
    await expect(alice.thread.get_by_text("Okay, I stopped.")).to_be_visible()
    await here.settled()
    await picture(alice, "state-stopped")


async def test_edited(here: World, alice: Visitor, picture: Picture):
    message = await here.slack.post_message(ALICE, GENERAL, f"{MENTION} think for 60 seconds about Monday")
    await here.agents.until(lambda _: here.sent())
    await here.slack.edit_message(ALICE, message, f"{MENTION} think for 60 seconds about Tuesday")
    await here.whispered(ALICE, "before you edited that")
    await _open(alice, "Tuesday")
    await expect(alice.thread.get_by_text("before you edited that")).to_be_visible()
    await picture(alice, "state-edited")


async def test_files(here: World, alice: Visitor, picture: Picture):
    files = [{"name": "orders.csv", "content": b"name,amount\nalpha,3\n", "mimetype": "text/csv"}]
    files += [{"name": "holiday.mov", "content": b"", "size": 90 * 1024 * 1024, "mimetype": "video/quicktime"}]
    root = await here.slack.post_message(ALICE, GENERAL, f"{MENTION} write a file called summary.csv", files=files)
    await here.answered(root)
    await here.settled()
    await _open(alice, "summary.csv")
    await picture(alice, "state-files")


async def test_reconnect(here: World, alice: Visitor, picture: Picture):
    await here.connect_notes(ALICE)
    here.notes.authority.revoke_account("alice@example.com")
    await alice.ask("summarise my notes")
    await expect(alice.thread.get_by_text("no longer accepts your connection").last).to_be_visible()
    await alice.answered()
    await here.settled()
    await picture(alice, "state-reconnect")


async def test_failed(here: World, alice: Visitor, picture: Picture):
    await alice.ask("please fail")
    await expect(alice.thread.get_by_text("could not finish")).to_be_visible()
    await here.settled()
    await picture(alice, "state-failed")


async def test_a_new_session(here: World, alice: Visitor, picture: Picture):
    root = await here.ask(ALICE, "say exactly: The offsite is in May.")
    await here.answered(root)
    await here.settled()
    (session_id,) = here.agents.sessions
    del here.agents.sessions[session_id]
    await here.slack.post_message(ALICE, GENERAL, "what did I ask before?", thread_ts=root.ts)
    await here.answered(root, 2)
    await here.settled()
    await _open(alice, "offsite is in May")
    await picture(alice, "state-new-session")


async def test_a_long_answer(here: World, alice: Visitor, picture: Picture):
    root = await here.slack.post_message(ALICE, GENERAL, f"{MENTION} say exactly: ## Suppliers\n\n{TABLE}")
    await here.answered(root)
    await here.settled()
    await _open(alice, "Suppliers")
    seam = alice.thread.get_by_role("columnheader", name="Supplier").nth(1)
    await seam.evaluate("head => head.scrollIntoView({block: 'center'})")
    await picture(alice, "state-long-answer")


async def _open(visitor: Visitor, words: str) -> None:
    messages = visitor.page.get_by_role("log", name="Messages in #general").get_by_role("article")
    message = messages.filter(has_text=words).last
    await message.hover()
    await message.get_by_role("button", name="Reply in thread").click()


async def test_withheld(here: World, alice: Visitor, picture: Picture):
    falcon = {
        "pattern": "(?i)falcon",
        "description": "Names of secret projects",
        "asked": "off",
        "answered": "withhold",
    }
    await here.configure({"filters": {"projects": falcon}})
    await alice.ask("say exactly: it is project Falcon, of course")
    await expect(alice.thread.get_by_text("This answer isn't shown", exact=False)).to_be_visible()
    await picture(alice, "state-withheld")


async def test_taken_out_of_a_request(here: World, alice: Visitor):
    await alice.write("/agent ask say exactly: I used ghp_aB3dE6gH9jK2mN5pQ8sT1vW4xY7z for it")
    await expect(alice.page.get_by_text("I took something out", exact=False)).to_be_visible()
    await alice.page.screenshot(path=SCREENSHOTS / "state-masked.png", animations="disabled")


async def test_refused_by_a_filter(here: World, alice: Visitor):
    await here.configure({"filters": {"projects": {"pattern": "(?i)falcon", "asked": "refuse"}}})
    await alice.write("/agent ask what is the falcon about, and who is in it?")
    await expect(alice.page.get_by_text("Nothing was sent", exact=False)).to_be_visible()
    await alice.page.screenshot(path=SCREENSHOTS / "state-filtered.png", animations="disabled")
