"""The real `python -m bot` as a process of its own, to be started and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx2

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0
"""Seconds until a started bot must answer: a machine that is busy with other things takes its time."""


def unmeasured() -> dict[str, str]:
    """Return our environment for a process whose coverage is not measured: that would double its time."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


class BotProcess:
    """One bot at a time; what it says goes to a file."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.log = folder / "bot.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the bot; do not wait for it."""
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", cwd=ROOT, env=kept | self.environment, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        """Return the process's id."""
        assert self._process
        return self._process.pid

    async def ready(self) -> None:
        """Return once the bot serves and hears Slack."""
        url = f"{self.environment['DEPUTY_PUBLIC_URL']}/healthz"
        try:
            async with asyncio.timeout(PATIENCE), httpx2.AsyncClient() as http:
                while not await self._is_well(http, url):
                    assert self._process and self._process.returncode is None, f"the bot ended: {self.last_words()}"
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"the bot is not ready: {self.last_words()}") from None

    async def kill(self) -> None:
        """SIGKILL: nothing is put away."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        return await self._end(signal.SIGTERM)

    async def wait(self) -> int:
        """Return the exit code once the bot ends by itself."""
        assert self._process
        return await self._process.wait()

    def last_words(self) -> str:
        """Return the end of what the bot said."""
        return self.log.read_text("utf-8", "replace")[-3000:] if self.log.exists() else ""

    async def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
        code = await self._process.wait()
        self._process = None
        return code

    @staticmethod
    async def _is_well(http: httpx2.AsyncClient, url: str) -> bool:
        try:
            return (await http.get(url)).status_code == 200
        except httpx2.HTTPError:
            return False
