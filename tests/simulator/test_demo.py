"""The demo around the real entry point: what it starts, what it says, and how it ends."""

import asyncio
import contextlib
import os
import socket
import stat
import sys

import pytest

from simulator import demo as demos
from simulator.patience import patience
from simulator.peers import Peers
from simulator.ports import free_port
from simulator.service.server import ServiceSimulator

REAL_SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "DEPUTY_ADMINS": "U1", "HOME": "/home/me"}


def test_real_tokens_make_their_simulator_give_way():
    assert demos.real_peers({}) == set()
    assert demos.real_peers(REAL_SLACK) == {"slack"}
    assert demos.real_peers({"SLACK_APP_TOKEN": "xapp-1", "ANTHROPIC_API_KEY": "sk"}) == {"slack", "agents"}
    assert demos.real_peers({"ANTHROPIC_API_KEY": ""}) == set()


def test_the_users_environment_passes_but_for_what_is_simulated_or_ours():
    environ = REAL_SLACK | {"ANTHROPIC_BASE_URL": "http://stale", "DATABASE_URL": "sqlite:///precious.db"}

    assert demos.given(environ, {"slack"}) == REAL_SLACK
    assert demos.given(environ, set()) == {"HOME": "/home/me"}


def test_a_fresh_demo_forgets_the_database_and_its_key_and_touches_nothing_else(tmp_path):
    folder = tmp_path / "demo"
    database = demos.prepare(folder, fresh=True)
    key = demos.kept_key(folder)
    for path in (database, folder / "deputy.db-wal", folder / "mine.txt"):
        path.touch()

    demos.prepare(folder, fresh=False)
    kept = demos.kept_key(folder)
    demos.prepare(folder, fresh=True)

    assert kept == key
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert demos.kept_key(folder) != key
    assert stat.S_IMODE((folder / "sealing.key").stat().st_mode) == 0o600


async def test_a_bot_that_ends_by_itself_is_reported_with_its_code_and_last_words(tmp_path, capsys):
    log = tmp_path / "bot.log"
    async with demos.started_bot({"PATH": ""}, log) as bot, patience(60):
        code = await demos.watch(bot, "http://127.0.0.1:9", asyncio.Event(), on_ready=lambda: pytest.fail("ready?"))

    said = capsys.readouterr()
    assert code == 1
    assert "The bot ended with exit code 2" in said.err
    assert "SLACK_BOT_TOKEN is missing" in said.err
    assert "SLACK_BOT_TOKEN is missing" in log.read_text("utf-8")


@pytest.fixture
async def peers():
    async with Peers().running() as running:
        yield running


async def test_the_bot_gets_ready_against_the_peers_and_stops_when_told(peers, tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = peers.environment(url, port, f"sqlite+aiosqlite:///{tmp_path / 'deputy.db'}")
    stopping = asyncio.Event()

    async with demos.started_bot(environ, tmp_path / "bot.log") as bot, patience(60):
        code = await demos.watch(bot, url, stopping, on_ready=stopping.set)

    assert (code, stopping.is_set()) == (0, True)
    assert bot.process.returncode == 0
    assert (tmp_path / "deputy.db").exists()


async def test_an_operator_has_the_command_line_of_the_demo(peers, tmp_path):
    environ = peers.environment("http://127.0.0.1:1", 1, f"sqlite+aiosqlite:///{tmp_path / 'deputy.db'}")

    command = demos.write_operator(tmp_path, environ | {"DEPUTY_ODD": "it's; $(odd)"})
    again = demos.write_operator(tmp_path, environ | {"DEPUTY_ODD": "it's; $(odd)"})
    bare = {"PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        *(command, "schema", "config"), env=bare, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()

    assert process.returncode == 0
    assert b'"title": "Document"' in said
    assert stat.S_IMODE(again.stat().st_mode) == 0o700
    assert "export DEPUTY_ODD='it'\"'\"'s; $(odd)'" in command.read_text("utf-8")


STARTER = """
import asyncio, os, pathlib, sys
from simulator import demo

async def main():
    async with demo.started_bot(dict(os.environ), pathlib.Path(sys.argv[1])):
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_bot_does_not_stay_behind_when_the_demo_is_killed(peers, tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = peers.environment(url, port, f"sqlite+aiosqlite:///{tmp_path / 'deputy.db'}")
    arguments = (sys.executable, "-c", STARTER, str(tmp_path / "bot.log"))
    starter = await asyncio.create_subprocess_exec(*arguments, cwd=demos.ROOT, env=os.environ | environ)

    async with patience(60):
        await demos.is_ready(url)
        starter.kill()
        await starter.wait()
        while is_open(port):  # noqa: ASYNC110 - another process ends, which sends us no event
            await asyncio.sleep(0.05)


def is_open(port):
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


async def test_the_welcome_names_the_page_and_what_to_try(peers, tmp_path):
    wiki = ServiceSimulator(clock=peers.clock)
    text = demos.welcome(peers, wiki, set(), "http://127.0.0.1:1", tmp_path / "deputy")
    real = demos.welcome(peers, wiki, {"slack", "agents"}, "http://127.0.0.1:1", tmp_path / "deputy")

    assert f"Open  {peers.slack.url}/" in text
    assert "/agent connect notes" in text
    assert f"{tmp_path}/deputy config export" in text
    assert f"{wiki.mcp_url} is a service to add" in text
    assert "your Slack workspace" in real
    assert "cannot reach the notes service" in real
