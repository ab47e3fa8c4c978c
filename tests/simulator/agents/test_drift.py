"""We serve only what the installed SDK calls."""

from __future__ import annotations

import re
from pathlib import Path

import anthropic
import httpx2

from simulator.agents.files import Files
from simulator.agents.machine import Machine
from simulator.agents.mcp_calls import McpCalls
from simulator.agents.server import AgentsSimulator

RESOURCES = Path(anthropic.__file__).parent / "resources"


def paths_of_the_sdk():
    source = "\n".join(path.read_text("utf-8") for path in sorted((RESOURCES / "beta").rglob("*.py")))
    return {re.sub(r"\{\w+\}", "{}", path) for path in re.findall(r'"(/v1/[^"?]*)(?:\?[^"]*)?"', source)}


async def test_each_path_is_one_that_the_installed_sdk_calls():
    simulator = AgentsSimulator()
    simulator.output_files = Files(simulator)
    async with httpx2.AsyncClient() as http:
        served = simulator.routes(Machine(simulator, McpCalls(simulator, http)), http)

    ours = {re.sub(r"\{\w+\}", "{}", path) for _, path, _ in served}
    assert len(ours) > 20
    assert ours - paths_of_the_sdk() == set()
