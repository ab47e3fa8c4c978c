"""The demo as a newcomer starts it, in a process of its own, and people with browsers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from simulator.slack import build_page
from tests.browser.visits import Camera, Demo, Enter, Visitor
from tests.chromium import launched
from tests.process import unmeasured
from tests.world import World, world

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "docs" / "screenshots"
PATIENCE = 20_000.0
"""Milliseconds a person waits for anything, on a machine that is busy with other tests."""
OURS = ("SLACK_", "ANTHROPIC_", "DEPUTY_")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    async with launched() as chromium:
        yield chromium


@pytest.fixture
async def demo(browser: Browser, tmp_path: Path) -> AsyncIterator[Demo]:
    """What `make demo` starts, stopped as Ctrl-C does."""
    folder = tmp_path / "demo"
    environ = {name: value for name, value in unmeasured().items() if not name.startswith(OURS)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "demo", "--any-ports", "--folder", str(folder)),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(100):
            said = await _welcome(process)
        page, bot = re.search(r"Open +(http://\S+)/\n", said), re.search(r"The bot is at (http://[\d.:]+)", said)
        assert page and bot, said
        yield Demo(page[1], bot[1], folder / "bot.log")
    finally:
        process.send_signal(signal.SIGINT)
        code = await process.wait()
    assert code == 0
    troubles = [line for line in (folder / "bot.log").read_text("utf-8").splitlines() if '"level": "error"' in line]
    assert troubles == []


async def _welcome(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    said = ""
    while line := (await process.stdout.readline()).decode():
        said += line
        if "Ctrl-C" in line:
            break
    return said


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """Deputy in this process, with knobs to turn and the workspace page to look at."""
    await asyncio.to_thread(build_page.build)
    async with world(tmp_path) as running, running.deputy():
        yield running


@pytest.fixture
async def enter(browser: Browser, demo: Demo) -> Enter:
    """Return how a person opens the workspace in a browser of their own."""

    async def entered(name: str, width: int = 1280, theme: str = "light") -> Visitor:
        context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        await page.goto(demo.page)
        await page.get_by_label("Acting as").select_option(label=name)
        return Visitor(name, page, context)

    return entered


@pytest.fixture
def camera() -> Camera:
    """Return what keeps a picture under docs/screenshots, if `SCREENSHOTS=1` asks for new ones."""

    async def keep(page: Page, name: str) -> None:
        if os.environ.get("SCREENSHOTS") == "1":
            await page.mouse.move(0, 0)
            await page.evaluate("document.activeElement?.blur()")
            await page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    return keep
