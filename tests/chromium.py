"""The browser in which pages are looked at, quiet and without a screen."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

PLACE = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Run Chromium until the block ends; the test is skipped where there is none."""
    if not os.access(PLACE, os.X_OK):
        pytest.skip("no Chromium: install Debian's package chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=PLACE, args=QUIET)
        yield chromium
        await chromium.close()
