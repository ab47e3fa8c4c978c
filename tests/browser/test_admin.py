"""A new admin sets everything up, as they see it; pictures of it for docs/admin.md."""

from __future__ import annotations

import asyncio
import sys

import pytest
import yaml
from playwright.async_api import Browser, Locator, expect

from simulator.service.server import ServiceSimulator
from tests.browser.conftest import ROOT
from tests.browser.visits import Camera, Visitor, entered
from tests.process import unmeasured
from tests.world import BOB, CAROL, GENERAL, World

pytestmark = pytest.mark.browser


@pytest.fixture
async def carol(browser: Browser, here: World) -> Visitor:
    visitor = await entered(browser, here, CAROL)
    await visitor.write("/agent admin")
    await expect(dialog(visitor, "Settings")).to_be_visible()
    return visitor


def dialog(visitor: Visitor, title: str) -> Locator:
    return visitor.page.get_by_role("dialog", name=title, exact=True)


async def opened(visitor: Visitor, section: str) -> Locator:
    """Open a section from the overview."""
    await dialog(visitor, "Settings").get_by_role("button", name=f"Open {section}").click()
    shown = dialog(visitor, section)
    await expect(shown).to_be_visible()
    return shown


async def choose(shown: Locator, row: str, entry: str) -> None:
    """Choose from the menu at a row."""
    line = shown.locator(".section").filter(has_text=row).first
    await line.get_by_role("button", name="More options").click()
    await line.get_by_role("menuitem", name=entry).click()


async def back(visitor: Visitor, shown: Locator) -> None:
    await shown.get_by_role("button", name="Back").click()
    await expect(dialog(visitor, "Settings")).to_be_visible()


async def config(here: World, *words: str, code: int = 0) -> str:
    """Run `python -m bot config …` as an operator does, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "config", *words),
        cwd=ROOT,
        env=unmeasured() | here.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == code
    return said.decode()


async def test_a_new_admin_sets_everything_up(here: World, carol: Visitor, camera: Camera):
    """Each step takes a person less than a minute; what is said then, and the trail, prove that it was taken."""
    page = carol.page
    await camera(page, "admin-settings")

    services = await opened(carol, "Services")
    async with ServiceSimulator(clock=here.peers.clock, service_title="Wiki").running() as wiki:
        await services.get_by_role("button", name="Add by URL").click()
        adding = dialog(carol, "Add a service")
        await adding.get_by_label("Address of its MCP server").fill(f"{wiki.url}/mcp")
        await adding.get_by_role("button", name="Look at It").click()
        found = dialog(carol, "What I found")
        await expect(found.get_by_text("Sign-in server")).to_be_visible()
        await found.get_by_label("Short name").fill("wiki")
        await found.get_by_label("Name that people see").fill("Wiki")
        await camera(page, "admin-found")
        await found.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Wiki is on offer")).to_be_visible()
    await dialog(carol, "Settings").last.get_by_role("button", name="Back").click()

    await choose(services, "Wiki", "Tool rules")
    rules = dialog(carol, "Tool rules")
    await rules.get_by_label("Run without asking").fill("list_notes\nread_note")
    await rules.get_by_label("Switched off").fill("delete_note")
    await camera(page, "admin-rules")
    await rules.get_by_role("button", name="Save").click()
    await expect(services.get_by_text("Saved.")).to_be_visible()
    await back(carol, services)

    agents = await opened(carol, "Agents")
    await agents.get_by_role("button", name="New Agent").click()
    agent = dialog(carol, "Agent")
    await agent.get_by_label("Name", exact=True).fill("reader")
    await agent.get_by_label("What it is for").fill("Looks things up, changes nothing")
    await agent.get_by_label("Rules to begin with").select_option(label="Read-only: looks things up, changes nothing")
    await camera(page, "admin-agent")
    await agent.get_by_role("button", name="Save").click()
    await expect(agents.get_by_text("Saved.")).to_be_visible()
    await back(carol, agents)

    channels = await opened(carol, "Channels")
    await channels.get_by_role("button", name="Add Channel").click()
    channel = dialog(carol, "Channel")
    await channel.get_by_label("Channel", exact=True).select_option(label="#general")
    await channel.get_by_label("Its agent").select_option(label="reader")
    await channel.get_by_role("button", name="Save").click()
    await expect(channels.get_by_text("agent reader")).to_be_visible()
    await camera(page, "admin-channels")
    await back(carol, channels)

    await dialog(carol, "Settings").get_by_role("button", name="Open Budgets").click()
    budgets = dialog(carol, "Budgets")
    await budgets.get_by_label("One request").fill("two dollars")
    await budgets.get_by_role("button", name="Save").click()
    await expect(budgets.get_by_text("Must be an amount such as 2.50")).to_be_visible()
    await camera(page, "admin-mistake")
    await budgets.get_by_label("One request").fill("2.50")
    await budgets.get_by_role("button", name="Save").click()
    await expect(budgets).to_have_count(0)

    filters = await opened(carol, "Filters")
    await filters.get_by_role("button", name="Add Filter").click()
    one = dialog(carol, "Filter")
    await one.get_by_label("Name", exact=True).fill("projects")
    await one.get_by_label("What to look for, in each line").fill(r"(?i)project\s+(falcon|osprey)")
    await one.get_by_label("What people are told it is").fill("Names of secret projects")
    await one.get_by_label("Found in a request").select_option(label="Nothing is sent, and who asked is told")
    await camera(page, "admin-filter")
    await one.get_by_role("button", name="Save").click()
    await expect(filters.get_by_text("Saved.")).to_be_visible()
    await camera(page, "admin-filters")
    await back(carol, filters)

    members = await opened(carol, "Members")
    await members.get_by_role("button", name="Add Member").click()
    member = dialog(carol, "Member")
    await member.get_by_label("Member", exact=True).select_option(label="Bob Brandt")
    await member.get_by_text("Paused: asks nothing").last.click()
    await member.get_by_role("button", name="Save").click()
    await expect(members.get_by_text("paused").first).to_be_visible()
    await camera(page, "admin-members")

    exported = yaml.safe_load(await config(here, "export"))
    assert exported["budgets"] == {"per_turn": 2.5}
    assert exported["members"] == {BOB: {"is_paused": True}}
    file = here.folder / "deputy.yml"
    file.write_text(yaml.safe_dump(exported | {"budgets": {"per_turn": 4}}), "utf-8")
    assert "2.5" in await config(here, "diff", str(file), code=1)
    await config(here, "apply", str(file), "--yes")

    changed = [(row.actor, row.subject) for row in await here.audited("setting.changed")]
    by_carol = [
        "service/wiki",
        "profile/reader",
        f"channel/{GENERAL}",
        "workspace/budgets",
        "filter/projects",
        f"member/{BOB}",
    ]
    assert [subject for actor, subject in changed if actor == CAROL] == by_carol
    assert changed[-1][1] == "workspace/budgets"
    assert changed[-1][0] != CAROL
    assert [row.subject for row in await here.audited("service.saved")] == ["wiki"]
