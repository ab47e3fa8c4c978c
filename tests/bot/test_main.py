"""The real entry point as a process: what it says and how it ends."""

import asyncio
import os
import socket
import sys
from dataclasses import dataclass

import pytest

from simulator.patience import patience
from simulator.peers import Peers
from simulator.ports import free_port
from store.records import Secret
from store.sealing import parse_keys
from tests.process import ROOT, BotProcess


@dataclass(frozen=True)
class Ended:
    """How the process ended, and what it said."""

    code: int
    out: str
    err: str


async def run(environment, *words) -> Ended:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"} or "COVERAGE" in name}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        cwd=ROOT,
        env=kept | {"NO_COLOR": "1", "COLUMNS": "100"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with patience(60):
        out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def peers():
    async with Peers().running() as running:
        yield running


@pytest.fixture
def environment(peers, tmp_path):
    port = free_port()
    return peers.environment(f"http://127.0.0.1:{port}", port, f"sqlite+aiosqlite:///{tmp_path / 'deputy.db'}")


async def test_what_is_missing_is_all_said_at_once_with_exit_2():
    ended = await run({})

    assert ended.code == 2
    for name in ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "ANTHROPIC_API_KEY", "DEPUTY_SECRET_KEYS", "DEPUTY_PUBLIC_URL"):
        assert f"- {name} is missing: " in ended.err
    assert ended.err.endswith("See .env.example.\n")
    assert ended.out == ""


@pytest.mark.parametrize("command", ["run", "doctor"])
async def test_what_is_wrong_is_all_said_at_once_without_a_value(environment, command):
    ended = await run(environment | {"PORT": "8O8O", "SLACK_BOT_TOKEN": "xoxp-canary"}, command)

    assert ended.code == 2
    assert "- PORT must be a number" in ended.err
    assert "- SLACK_BOT_TOKEN does not look right" in ended.err
    assert "canary" not in ended.err
    assert "8O8O" not in ended.err


async def test_a_refused_bot_token_is_a_wrong_setting(environment):
    ended = await run(environment | {"SLACK_BOT_TOKEN": "xoxb-canary-of-nobody"})

    assert ended.code == 2
    assert "SLACK_BOT_TOKEN: Slack refuses it (invalid_auth)" in ended.err
    assert "canary" not in ended.err
    assert "Unclosed" not in ended.err


async def test_a_refused_api_key_is_a_wrong_setting(environment):
    ended = await run(environment | {"ANTHROPIC_API_KEY": "sk-ant-canary-of-nobody"})

    assert ended.code == 2
    assert "ANTHROPIC_API_KEY: the API refuses it" in ended.err
    assert "canary" not in ended.err
    assert "Unclosed" not in ended.err


async def test_a_database_that_cannot_be_used_is_a_wrong_setting(environment, tmp_path):
    ended = await run(environment | {"DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/deputy.db"})

    assert ended.code == 2
    assert "DATABASE_URL: the database cannot be used" in ended.err


async def test_a_slack_that_does_not_answer_is_no_wrong_setting(environment):
    ended = await run(environment | {"SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/"})

    assert ended.code == 1
    assert "Slack does not answer. Deputy did not start; try again, or run the doctor." in ended.err
    assert "Traceback" not in ended.err


async def test_an_api_that_does_not_answer_is_no_wrong_setting(environment):
    ended = await run(environment | {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{free_port()}"})

    assert ended.code == 1
    assert "The Managed Agents API does not answer." in ended.err
    assert "Traceback" not in ended.err


async def test_a_taken_port_is_said_before_anything_is_touched(environment, peers, tmp_path):
    with socket.create_server(("127.0.0.1", int(environment["PORT"]))):
        ended = await run(environment)

    assert ended.code == 2
    assert f"cannot listen at 127.0.0.1:{environment['PORT']} (Address already in use); take another" in ended.err
    assert peers.slack.calls == []
    assert not (tmp_path / "deputy.db").exists()


async def test_a_host_that_is_not_this_machines_is_a_wrong_setting(environment):
    ended = await run(environment | {"HOST": "192.0.2.1"})

    assert ended.code == 2
    assert "- HOST, PORT: cannot listen at 192.0.2.1" in ended.err


async def test_help_names_the_commands():
    ended = await run({}, "--help")

    assert ended.code == 0
    for command in ("run", "doctor", "new-key"):
        assert command in ended.out


async def test_an_unknown_command_is_told():
    ended = await run({}, "walk")

    assert ended.code == 2
    assert "No such command 'walk'" in ended.err


async def test_a_new_key_is_one_that_seals():
    first, second = await asyncio.gather(run({}, "new-key"), run({}, "new-key"))

    assert first.out != second.out
    assert parse_keys(first.out.strip()) == (Secret(first.out.strip()),)


async def test_it_serves_passes_the_doctor_and_stops_when_told(environment, tmp_path):
    bot = BotProcess(environment, tmp_path)
    await bot.start()
    await bot.ready()

    checked = await run(environment, "doctor")
    code = await bot.stop()

    assert (checked.code, checked.err) == (0, "")
    assert checked.out.endswith("All is well.\n")
    assert code == 0
    assert all(line.startswith("{") for line in bot.last_words().splitlines())


async def test_the_doctor_of_a_deputy_that_never_ran_says_what_to_do(environment):
    ended = await run(environment, "doctor")

    assert ended.code == 1
    assert "FAIL  Database: cannot be reached\n      → start Deputy once" in ended.out
    assert ended.out.endswith("6 of 15 need attention.\n")
