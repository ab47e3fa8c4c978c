"""The demo: the simulators, and the real `python -m bot` in a process of its own that takes them for the real ones.

The simulators forget everything when they stop, so the ids in an older database would point at nothing: the demo
starts with an empty database each time unless told to keep it, which makes sense with real peers only.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from simulator.peers import AGENTS_VARIABLES, SLACK_VARIABLES, Peer, Peers, new_sealing_key
from simulator.ports import free_port
from simulator.service.server import ServiceSimulator
from simulator.slack.build_page import PageNotBuilt, build

ROOT = Path(__file__).resolve().parent.parent
PORTS = {"slack": 8700, "agents": 8701, "notes": 8702, "bot": 8703, "wiki": 8704}
READY_SECONDS = 90.0
STOP_SECONDS = 15.0
PACE = 0.03
"""Seconds between two pieces of an answer, so that one sees it being written."""

# Ends a process once nobody holds the other end of its standard input: however the demo ends, the bot ends too.
GUARD = """\
import contextlib, os, signal, sys
sys.stdin.read()
with contextlib.suppress(ProcessLookupError):
    os.kill(int(sys.argv[1]), signal.SIGTERM)
"""

WELCOME = """
Deputy is running.

  Open  {page}

You see a Slack workspace. Bottom left you choose who you are: Alice, Bob, or Carol, the admin.
Three things to try, as Alice in #general:

  1.  /agent connect notes                 sign in as alice@example.com and allow it
  2.  /agent ask summarise my notes        the answer is written from Alice's notes
  3.  /agent ask write a note called Packing list: passport, charger
                                           look at the card, then Approve or Deny

Then be Bob: reply in Alice's thread, press her buttons, connect your own notes.

{rest}Ctrl-C stops everything.
"""


@dataclass
class Bot:
    """The bot's process and the last lines of its output."""

    process: asyncio.subprocess.Process
    log: Path
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=25))
    listening: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        """Begin to read its output, or the process would stop at a full pipe."""
        self.listening = asyncio.create_task(self._listen())

    async def heard_all(self) -> None:
        """Wait for the rest of the output of a process that has ended, for two seconds at most."""
        await asyncio.wait({self.listening}, timeout=2)

    async def _listen(self) -> None:
        if self.process.stdout is None:
            return
        with self.log.open("w", encoding="utf-8") as file:
            async for line in self.process.stdout:
                text = line.decode("utf-8", "replace")
                file.write(text)
                file.flush()
                self.last_lines.append(text.rstrip())


async def demo(
    folder: Path,
    environ: Mapping[str, str],
    *,
    fresh: bool = True,
    ports: Mapping[str, int] = PORTS,
    stopping: asyncio.Event,
) -> int:
    """Run the demo until `stopping` is set (0) or the bot ends by itself (1)."""
    database = prepare(folder, fresh=fresh)
    without = real_peers(environ)
    if "slack" not in without and not await page_is_built():
        return 1
    peers = Peers(
        slack_port=free_port(ports["slack"]),
        agents_port=free_port(ports["agents"]),
        service_port=free_port(ports["notes"]),
        sealing_key=kept_key(folder),
    )
    peers.agents.pace = PACE
    wiki = ServiceSimulator(clock=peers.clock, port=free_port(ports["wiki"]), service_title="Wiki")
    async with peers.running(without), wiki.running():
        port = free_port(ports["bot"])
        url = f"http://127.0.0.1:{port}"
        variables = peers.environment(url, port, f"sqlite+aiosqlite:///{database}")
        async with started_bot({**variables, **given(environ, without)}, folder / "bot.log") as bot:
            operator = write_operator(folder, variables)
            text = welcome(peers, wiki, without, url, operator)
            return await watch(bot, url, stopping, on_ready=lambda: print(text, flush=True))


async def watch(bot: Bot, url: str, stopping: asyncio.Event, *, on_ready: Callable[[], None]) -> int:
    """Call `on_ready` when the bot is ready, then wait until it ends or `stopping` is set; return the exit code."""
    stopped = asyncio.create_task(stopping.wait())
    ended = asyncio.create_task(bot.process.wait())
    ready = asyncio.create_task(is_ready(url))
    tasks = {stopped, ended, ready}
    try:
        done, _ = await asyncio.wait(tasks, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if ready in done:
            on_ready()
            await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            return 0
        await bot.heard_all()
        return explain(bot, ended=ended.done())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def explain(bot: Bot, *, ended: bool) -> int:
    """Print why the demo ends without having been asked to, and return its exit code."""
    what = f"The bot ended with exit code {bot.process.returncode}" if ended else "The bot did not get ready"
    print(f"{what}. The last it said:\n", *(f"  {line}" for line in bot.last_lines), sep="\n", file=sys.stderr)
    return 1


@asynccontextmanager
async def started_bot(environ: Mapping[str, str], log: Path) -> AsyncIterator[Bot]:
    """Start `python -m bot`, and stop it at the end of the block."""
    # In a session of its own: the terminal sends Ctrl-C to us only, and we stop the bot before the simulators.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        cwd=ROOT,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        limit=1 << 20,
    )
    bot = Bot(process, log)
    guard = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", GUARD, str(process.pid)), stdin=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        yield bot
    finally:
        await stop(process)
        await bot.listening
        guard.kill()
        await guard.wait()


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end; kill it after `STOP_SECONDS`."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        print("The bot did not stop when asked; it was killed.", file=sys.stderr)
        process.kill()
        await process.wait()


async def is_ready(url: str) -> None:
    """Return once the bot's `/healthz` answers 200."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        while True:
            with suppress(httpx.HTTPError):
                if (await http.get(f"{url}/healthz")).status_code == 200:
                    return
            await asyncio.sleep(0.2)


async def page_is_built() -> bool:
    """Build the workspace page if it is missing or old; print a failure and return False."""
    print("Preparing the workspace page …", flush=True)
    try:
        await asyncio.to_thread(build)
    except PageNotBuilt as problem:
        print(problem, file=sys.stderr)
        return False
    return True


def real_peers(environ: Mapping[str, str]) -> set[Peer]:
    """Return which peers are the real ones, because their tokens are set."""
    real: set[Peer] = set()
    if environ.get("SLACK_BOT_TOKEN") or environ.get("SLACK_APP_TOKEN"):
        real.add("slack")
    if environ.get("ANTHROPIC_API_KEY"):
        real.add("agents")
    return real


def given(environ: Mapping[str, str], without: set[Peer]) -> dict[str, str]:
    """Return the user's environment without the variables that the simulators set."""
    simulated = set() if "slack" in without else {*SLACK_VARIABLES, "DEPUTY_ADMINS"}
    simulated |= set() if "agents" in without else set(AGENTS_VARIABLES)
    ours = {"PORT", "HOST", "DATABASE_URL", "DEPUTY_PUBLIC_URL", "DEPUTY_SECRET_KEYS", "DEPUTY_ALLOW_LOOPBACK"}
    ours |= {"DEPUTY_CATALOG", "DEPUTY_SERVICES"}
    return {key: value for key, value in environ.items() if key not in simulated | ours}


def prepare(folder: Path, *, fresh: bool) -> Path:
    """Make the folder, remove what an earlier demo left if `fresh`, and return where the database goes."""
    folder.mkdir(parents=True, exist_ok=True)
    if fresh:
        for name in ("deputy.db", "deputy.db-wal", "deputy.db-shm", "sealing.key"):
            (folder / name).unlink(missing_ok=True)
    return folder.resolve() / "deputy.db"


def kept_key(folder: Path) -> str:
    """Return the sealing key that belongs to the folder's database."""
    path = folder / "sealing.key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_sealing_key())
    return path.read_text("ascii")


def write_operator(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write a command that runs `python -m bot` with this demo's environment; return its path."""
    # Without the tokens of real peers: those it takes from the environment of whoever runs it.
    path = folder / "deputy"
    exports = [f"export {name}={shlex.quote(value)}" for name, value in {**variables, "PYTHONPATH": str(ROOT)}.items()]
    path.unlink(missing_ok=True)
    path.touch(mode=0o700)
    path.write_text("\n".join(["#!/bin/sh", *exports, f'exec {shlex.quote(sys.executable)} -m bot "$@"', ""]), "utf-8")
    return path


def welcome(peers: Peers, wiki: ServiceSimulator, without: set[Peer], url: str, operator: Path) -> str:
    """Return the text that the terminal shows when everything is ready."""
    page = "your Slack workspace" if "slack" in without else f"{peers.slack.url}/"
    rest = [f"The bot is at {url}, what it says is in {operator.parent / 'bot.log'}."]
    command = Path(os.path.relpath(operator)) if operator.is_relative_to(Path.cwd()) else operator
    rest.append(f"For the operator, in another terminal: {command} doctor, {command} config export")
    rest.append(f"As Carol, {wiki.mcp_url} is a service to add: /agent admin, Services, Add by URL.")
    if "agents" in without and "notes" not in without:
        rest.append("The real Managed Agents API cannot reach the notes service on this machine.")
    return WELCOME.format(page=page, rest="".join(f"{line}\n" for line in rest))
