"""An independent server as a process of its own, on a port that stays the same when it is started again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from simulator.patience import patience
from simulator.ports import free_port
from simulator.service.server import RefusedByService
from tests.world import PLAIN

SERVERS = Path(__file__).parent / "servers"


@dataclass
class IndependentServer:
    """One of `servers/`; what it says goes to a file."""

    python: Path
    script: Path
    log: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def mcp_url(self) -> str:
        return f"{self.url}/mcp"

    @asynccontextmanager
    async def running(self, *, registration: str = "open", gives_refresh: bool = True) -> AsyncIterator[None]:
        """Serve until left; then it is killed and has forgotten everything."""
        options = [str(self.port), registration, "refreshing" if gives_refresh else "brief"]
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                self.python, self.script, *options, env=kept, stdout=log, stderr=log
            )
        try:
            await self._answers(process)
            yield
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _answers(self, process: asyncio.subprocess.Process) -> None:
        async with httpx2.AsyncClient(verify=PLAIN, trust_env=False) as http, patience():
            while True:
                assert process.returncode is None, self.log.read_text("utf-8")[-2000:]
                with suppress(httpx2.TransportError):
                    await http.get(self.url)
                    return
                await asyncio.sleep(0.02)

    async def consent(self, authorize_url: str, **_: Any) -> str:
        """Go where a browser goes; return where it is sent back to. Raises `RefusedByService`, who keeps it."""
        async with httpx2.AsyncClient(verify=PLAIN, trust_env=False) as http:
            answer = await http.get(authorize_url)
        if answer.status_code not in (302, 303):
            raise RefusedByService(answer.status_code, answer.text)
        return str(answer.headers["location"])
