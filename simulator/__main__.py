"""The simulators' command line: `python -m simulator run` and `python -m simulator demo`."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.demo import PORTS, ROOT, demo
from simulator.peers import Peers
from simulator.ports import free_port

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Port = Annotated[int, typer.Option(min=0, max=65535)]


@cli.command()
def run(slack_port: Port = 0, agents_port: Port = 0, service_port: Port = 0, bot_port: Port = PORTS["bot"]) -> None:
    """Run all three simulators and print the environment with which `python -m bot` uses them."""

    async def serve(stopping: asyncio.Event) -> int:
        peers = Peers(slack_port=slack_port, agents_port=agents_port, service_port=service_port)
        async with peers.running():
            port = bot_port or free_port()
            variables = peers.environment(f"http://127.0.0.1:{port}", port, "sqlite+aiosqlite:///simulated.db")
            print(f"# The workspace page: {peers.slack.url}/   Ctrl-C stops the simulators.")
            print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()), flush=True)
            await stopping.wait()
        return 0

    sys.exit(asyncio.run(until_told(serve)))


@cli.command(name="demo")
def run_demo(
    folder: Annotated[Path, typer.Option(help="Where the database and the bot's log go.")] = ROOT / "demo",
    *,
    fresh: Annotated[bool, typer.Option(help="Start with an empty database; the simulators remember nothing.")] = True,
    any_ports: Annotated[bool, typer.Option("--any-ports", help="Take any free ports, not the usual ones.")] = False,
) -> None:
    """Run the simulators and the real bot, and say where to look."""
    ports = dict.fromkeys(PORTS, 0) if any_ports else PORTS
    sys.exit(asyncio.run(until_told(lambda told: demo(folder, os.environ, fresh=fresh, ports=ports, stopping=told))))


async def until_told(work: Callable[[asyncio.Event], Coroutine[Any, Any, int]]) -> int:
    """Do the work; Ctrl-C and SIGTERM set its event."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    return await work(stopping)


if __name__ == "__main__":
    cli(prog_name="python -m simulator")
