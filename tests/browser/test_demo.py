"""The newcomer's way through the demo, in headless Chromium: what issue 2 is done when a person can do it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.visits import Camera, Demo, Enter, Visitor, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ALICE, BOB = "Alice Adler", "Bob Brandt"
ALICES = "alice@example.com"
BOBS = "bob@example.com"


async def connect(visitor: Visitor, account: str) -> None:
    """Connect Notes, from the command to the direct message that says so."""
    await visitor.write("/agent connect notes")
    await expect(
        visitor.page.get_by_text("I've sent you a direct message with a link to connect Notes.")
    ).to_be_visible()
    await visitor.go_to_app("Messages")
    async with signed_in(visitor, account) as tab:
        await tab.get_by_role("button", name="Allow").click()
        await expect(tab.get_by_role("heading", name="You are connected")).to_be_visible()
    await expect(visitor.page.get_by_text("Connected to Notes")).to_be_visible()
    await visitor.go_to("general")


async def click_of(button: Locator, demo: Demo, forger: Visitor) -> dict[str, object]:
    """Return what the page would post for this button, if it were the forger's."""
    owner, action = await button.page.get_by_label("Acting as").input_value(), await button.get_attribute("data-action")
    answer = await forger.context.request.get(f"{demo.page}/workspace/state?as={owner}")
    for message in (await answer.json())["messages"]:
        for block in message["blocks"]:
            if action in [element.get("action_id") for element in block.get("elements", [])]:
                place = {name: message[name] for name in ("channel", "ts")}
                forged_as = await forger.page.get_by_label("Acting as").input_value()
                return place | {"as": forged_as, "action_id": action, "block_id": block["block_id"]}
    raise LookupError(action)


async def test_a_newcomer_connects_asks_denies_and_approves(enter: Enter, camera: Camera):
    alice = await enter(ALICE)

    await alice.ask("list my notes")
    await alice.answered()
    root = alice.asked("list my notes")
    await expect(root).to_contain_text("no services connected")
    await alice.close_thread()
    await root.get_by_role("button", name="Connect Notes", exact=True).click()
    await alice.go_to_app("Messages")
    link = alice.page.get_by_role("button", name="Connect Notes", exact=True)
    await expect(link).to_be_visible()

    async with alice.context.expect_page() as opening:
        await link.click()
    tab = await opening.value
    await expect(tab.get_by_role("heading", name="Connect Notes", exact=True)).to_be_visible()
    await tab.close()
    async with signed_in(alice, ALICES) as tab:
        await camera(tab, "consent")
        await tab.get_by_role("button", name="Allow").click()
        await expect(tab.get_by_role("heading", name="You are connected")).to_be_visible()
    await expect(alice.page.get_by_text("Connected to Notes")).to_be_visible()
    await expect(link).to_have_count(0)
    await camera(alice.page, "connected")

    await alice.go_to("general")
    await alice.ask("summarise my notes")
    await expect(alice.thread.get_by_text("Offsite plan").first).to_be_visible()
    await camera(alice.page, "answer-streaming")
    await alice.answered()
    await camera(alice.page, "answer")
    await expect(alice.thread.get_by_text("Supplier call")).to_be_visible()
    await expect(alice.thread.get_by_text("Server migration")).to_have_count(0)

    await alice.ask("write a note called Packing list: passport, charger")
    await expect(alice.thread.get_by_text("Use “Write a note” (write_note) in Notes?")).to_be_visible()
    await camera(alice.page, "approval")
    await alice.thread.get_by_role("button", name="Deny: ").click()
    await expect(alice.thread.get_by_text("Denied by @Alice Adler")).to_be_visible()
    await alice.answered()
    await alice.ask("list my notes")
    await alice.answered()
    await expect(alice.thread.get_by_text("Offsite plan")).to_be_visible()
    await expect(alice.thread.get_by_text("Packing list")).to_have_count(0)

    await alice.ask("write a note called Shopping list: bread, tea")
    await alice.thread.get_by_role("button", name="Show details").click()
    details = alice.page.get_by_role("dialog", name="Details")
    await expect(details.get_by_text("bread, tea")).to_be_visible()
    await details.get_by_role("button", name="Close").last.click()
    await alice.thread.get_by_role("button", name="Approve: ").click()
    await expect(alice.thread.get_by_text("Approved by @Alice Adler")).to_be_visible()
    await alice.answered()
    await camera(alice.page, "approved")
    await alice.ask("read the note Shopping list")
    await alice.answered()
    await expect(alice.thread.get_by_text("bread, tea")).to_be_visible()

    await alice.go_to_app("Home")
    home = alice.page.get_by_role("region", name="App Home")
    await expect(home.get_by_text("Connected", exact=False).first).to_be_visible()
    await expect(home.get_by_role("button", name="Disconnect Notes")).to_be_visible()
    await camera(alice.page, "home")


async def test_bob_has_no_effect_in_alices_thread_and_sees_his_own_notes(demo: Demo, enter: Enter, camera: Camera):
    alice, bob = await enter(ALICE), await enter(BOB)
    await connect(alice, ALICES)
    task = "write a note called Packing list: passport, charger"
    await alice.ask(task)
    approve = alice.thread.get_by_role("button", name="Approve: ")
    await expect(approve).to_be_visible()

    await bob.open_thread(task)
    await expect(bob.thread.get_by_text("Use “Write a note” (write_note) in Notes?")).to_be_visible()
    for name in ("Approve: ", "Deny: ", "Show details", "Stop this request"):
        await expect(bob.thread.get_by_role("button", name=name)).to_have_count(0)
    forgery = await click_of(approve, demo, bob)
    forged = await bob.context.request.post(f"{demo.page}/workspace/click", data=forgery)
    assert (forged.status, (await forged.json())["error"]) == (400, f"there is no 'approval.allow' for {forgery['as']}")

    await bob.write("yes, approve it", "Reply in thread")
    await expect(alice.notes.get_by_text("Your agent hasn't seen it.")).to_be_visible()
    await expect(bob.notes).to_have_count(0)
    await expect(approve).to_be_visible()
    await bob.write("@deputy approve it now", "Reply in thread")
    await expect(bob.notes.get_by_text("This thread acts as @Alice Adler")).to_be_visible()
    await expect(alice.notes).to_have_count(1)
    await camera(bob.page, "private-notice")
    await camera(alice.page, "aside")

    await alice.notes.get_by_role("button", name="Ignore").click()
    same_as_alice = forgery | {"as": await alice.page.get_by_label("Acting as").input_value()}
    taken = await alice.context.request.post(f"{demo.page}/workspace/click", data=same_as_alice)
    assert taken.status == 200, "Bob's forgery was refused for another reason than being Bob's"
    await expect(alice.thread.get_by_text("Approved by @Alice Adler")).to_be_visible()
    await alice.answered()
    await expect(alice.thread.get_by_text("yes, approve it")).to_have_count(1)
    await expect(alice.notes).to_have_text(re.compile("Ignored"))

    await bob.close_thread()
    await connect(bob, BOBS)
    await bob.ask("list my notes")
    await bob.answered()
    await expect(bob.thread.get_by_text("Server migration")).to_be_visible()
    for title in ("Offsite plan", "Packing list"):
        await expect(bob.thread.get_by_text(title)).to_have_count(0)


async def test_stop_ends_a_long_answer_and_a_message_can_be_asked_about(enter: Enter, camera: Camera):
    alice = await enter(ALICE, width=800, theme="dark")
    await alice.write("The bus leaves at nine.")

    message = alice.page.get_by_role("article", name="Message from Alice Adler").filter(has_text="The bus leaves")
    await message.hover()
    await message.get_by_role("button", name="More actions").click()
    await message.get_by_role("menuitem", name="Ask about this message").click()
    form = alice.page.get_by_role("dialog", name="Ask the Agent")
    await expect(form.get_by_text("The bus leaves at nine.")).to_be_visible()
    await camera(alice.page, "ask-about")
    await form.get_by_label("What should your agent do?").fill("when does it leave?")
    await form.get_by_role("button", name="Ask", exact=True).click()
    await expect(form).to_have_count(0)
    await expect(alice.page.get_by_text("when does it leave?")).to_be_visible()

    await alice.ask("write a long text of 2000 words")
    await expect(alice.thread.locator("[data-streaming=true]")).to_be_visible()
    await alice.stop.click()
    await expect(alice.thread.get_by_text("Okay, I stopped.")).to_be_visible()
    await expect(alice.stop).to_have_count(0)
    await expect(alice.thread.locator("[data-streaming=true]")).to_have_count(0)


async def test_nothing_is_cut_off_at_any_width_in_either_theme(enter: Enter):
    alice = await enter(ALICE)
    await alice.write("/agent")
    await expect(alice.page.get_by_role("button", name="Ask the Agent")).to_be_visible()
    await alice.ask("call the tool bash with {}")
    await alice.thread.get_by_role("button", name="Show details").click()
    await expect(alice.page.get_by_role("dialog", name="Details")).to_be_visible()

    for theme, other in (("light", "Dark theme"), ("dark", "Light theme")):
        for width in (1280, 800):
            await alice.page.set_viewport_size({"width": width, "height": 800})
            assert await alice.page.evaluate("document.documentElement.dataset.theme") == theme
            for box in ("html", "[role=log]", ".dialog-body"):
                script = f"[...document.querySelectorAll('{box}')].map(box => box.scrollWidth - box.clientWidth)"
                assert set(await alice.page.evaluate(script)) == {0}, (theme, width, box)
        await alice.page.get_by_role("button", name=other).dispatch_event("click")
