"""The real entry point as a process: what it says and how it ends."""

import asyncio
import os
import resource
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from simulator.patience import patience
from simulator.peers import Peers
from simulator.ports import free_port
from store.records import Secret
from store.sealing import parse_keys
from tests.postgresql import HAS_POSTGRESQL, drop_the_lock, lost_to_another, postgresql_server
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


@pytest.mark.fault("D1")
async def test_a_refused_app_token_is_a_wrong_setting(environment):
    ended = await run(environment | {"SLACK_APP_TOKEN": "xapp-1-A0-canary-of-nobody"})

    assert ended.code == 2
    assert "SLACK_APP_TOKEN: Slack refuses it (invalid_auth); make an app-level token" in ended.err
    assert "canary" not in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.fault("D1")
async def test_while_slack_opens_no_socket_health_is_answered_and_a_stop_is_heard(environment, peers, tmp_path):
    peers.slack.faults.add("apps.connections.open", kind="status_500", times=1000)
    bot = BotProcess(environment, tmp_path)
    await bot.start()
    async with httpx2.AsyncClient() as http, patience(60):
        answer = await health_once(http, environment, lambda said: "starting" not in said)

    assert (answer.status_code, answer.json()["slack"]) == (503, False)
    async with patience(30):
        assert await bot.stop() == 0
    assert bot.last_words().count("Traceback") == 0


@pytest.mark.fault("D1")
async def test_a_stop_is_heard_while_deputy_still_waits_for_slack(environment, peers, tmp_path):
    peers.slack.faults.add("auth.test", kind="timeout", times=1000)
    bot = BotProcess(environment, tmp_path)
    await bot.start()
    await peers.slack.until(lambda _: peers.slack.calls_of("auth.test"))

    async with patience(30):
        assert await bot.stop() == 0
    assert "Traceback" not in bot.last_words()


async def health_once(http, environment, is_it: Callable[[dict], bool]) -> httpx2.Response:
    """Return the first answer of that kind; before the port is bound there is none."""
    while True:
        with suppress(httpx2.TransportError):
            answer = await http.get(f"{environment['DEPUTY_PUBLIC_URL']}/healthz")
            if is_it(answer.json()):
                return answer
        await asyncio.sleep(0.05)


@pytest.mark.fault("D10")
@pytest.mark.parametrize("path", ["/nowhere", "/v2/also/nowhere"])
async def test_an_address_where_something_else_answers_is_named_not_the_key(environment, peers, path):
    ended = await run(environment | {"ANTHROPIC_BASE_URL": f"{peers.notes.url}{path}"})

    assert ended.code == 2
    assert "ANTHROPIC_BASE_URL: this address does not answer like the Managed Agents API (http_404)" in ended.err
    assert "ANTHROPIC_API_KEY" not in ended.err


@pytest.mark.fault("D14")
async def test_a_variable_that_is_nearly_ours_is_named_with_what_was_meant():
    ended = await run({"DEPUTY_ADMIN": "U1", "DEPUTY_SERVICE_HOST": "10.0.0.1", "DEPUTY_PORT": "tcp://10.0.0.1:80"})

    assert "DEPUTY_ADMIN is not a setting of Deputy's and is ignored. Did you mean DEPUTY_ADMINS?\n" in ended.err
    assert ended.err.count("is ignored") == 1  # Kubernetes sets the others


@pytest.mark.fault("D14")
async def test_a_broken_catalogue_is_named_with_its_variable(environment, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(f"[services.a]\ntitle = {'9' * 20_000}\n")
    ended = await run(environment | {"DEPUTY_CATALOG": str(file)})

    assert ended.code == 2
    assert "- DEPUTY_CATALOG: own.toml: there is a number that cannot be read" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.fault("S23", "C10")
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux only")
async def test_no_token_stays_in_what_the_kernel_shows_of_the_process(environment, tmp_path):
    bot = BotProcess(environment, tmp_path)
    await bot.start()
    await bot.ready()
    block = await asyncio.to_thread(Path(f"/proc/{bot.pid}/environ").read_bytes)
    await bot.stop()

    assert b"DEPUTY_SECRET_KEYS=***" in block
    assert [name for name, value in environment.items() if "canary" in value and value.encode() in block] == []
    assert b"PATH=/" in block


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


@pytest.mark.fault("D9")
async def test_the_doctor_of_a_deputy_that_never_ran_says_what_to_do(environment):
    ended = await run(environment, "doctor")

    assert ended.code == 0
    assert "note  First start: Deputy has never been started with this database\n      → start it, then" in ended.out
    assert "FAIL" not in ended.out


@pytest.mark.fault("S21")
async def test_a_second_process_on_the_same_database_says_why_it_does_not_start(environment, tmp_path):
    bot = BotProcess(environment, tmp_path)
    await bot.start()
    await bot.ready()
    port = free_port()
    ended = await run(environment | {"PORT": str(port), "DEPUTY_PUBLIC_URL": f"http://127.0.0.1:{port}"})
    doctor = await run(environment, "config", "export")
    first = bot.pid
    await bot.kill()
    await bot.start()
    await bot.ready()
    await bot.stop()

    assert ended.code == 2
    assert f"- DATABASE_URL: another Deputy runs on this database (process {first})" in ended.err
    assert "Traceback" not in ended.err
    assert doctor.code == 0


@pytest.mark.fault("S21")
@pytest.mark.skipif(not HAS_POSTGRESQL, reason="PostgreSQL is not installed")
async def test_a_process_that_lost_the_database_to_another_one_ends_and_says_so(environment, tmp_path):
    """The connection that holds the lock dropped: it is taken again, or another process has it by then."""
    with postgresql_server() as url:
        bot = BotProcess(environment | {"DATABASE_URL": url}, tmp_path)
        await bot.start()
        await bot.ready()
        drop_the_lock(url)
        await said(bot, "database_held_again")
        await bot.ready()

        async with lost_to_another(url):
            code = await bot.wait()

    assert code == 2
    assert "Another Deputy took this database over" in bot.last_words()
    assert "Traceback" not in bot.last_words()


async def said(bot: BotProcess, words: str) -> None:
    async with patience():
        while words not in bot.last_words():  # noqa: ASYNC110  # another process says it: there is no event
            await asyncio.sleep(0.05)


@pytest.mark.fault("S23")
async def test_a_locked_database_is_waited_for_at_the_start(environment, tmp_path):
    """Another program has the file for a while, such as a backup; a stop is heard meanwhile."""
    file = tmp_path / "locked.db"
    bot = BotProcess(environment | {"DATABASE_URL": f"sqlite:///{file}"}, tmp_path)
    await bot.start()
    await bot.ready()
    await bot.stop()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await bot.start()
        await said(bot, "database_not_ready")
        stopped = await bot.stop()

        bot.log.unlink()
        await bot.start()
        await said(bot, "database_not_ready")
        other.execute("ROLLBACK")
        await bot.ready()
        code = await bot.stop()

    assert (stopped, code) == (0, 0)


@pytest.mark.fault("S23")
async def test_a_start_that_waits_for_its_database_says_so_and_then_serves(environment, tmp_path):
    """By one connection, which outlives the start; whatever else comes in is not taken meanwhile."""
    file = tmp_path / "locked.db"
    bot = BotProcess(environment | {"DATABASE_URL": f"sqlite:///{file}"}, tmp_path)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await bot.start()
        async with httpx2.AsyncClient(base_url=environment["DEPUTY_PUBLIC_URL"]) as http, patience():
            answer = await health_once(http, environment, lambda said: said.get("waits_for") == "database")
            alive = await http.get("/livez")
            event = await http.post("/slack/events", content=b"{}")
            stream = event.extensions["network_stream"]
            other.execute("ROLLBACK")
            then = await health_once(http, environment, lambda said: "starting" not in said)
        code = await bot.stop()

    assert (answer.status_code, answer.json()) == (503, {"starting": True, "waits_for": "database"})
    assert (alive.status_code, event.status_code, event.headers["retry-after"]) == (200, 503, "5")
    assert then.extensions["network_stream"] is stream
    assert code == 0


@pytest.mark.fault("S23")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux only")
async def test_an_end_is_no_work(environment, peers, tmp_path):
    """What the interpreter would tidy up first takes seconds of a busy machine, longer than some wait before they kill.

    It is counted in the process's own time, which other work on the machine does not use up.
    """
    peers.slack.faults.add("auth.test", kind="timeout", times=1000)
    bot = BotProcess(environment, tmp_path)
    await bot.start()
    await peers.slack.until(lambda _: peers.slack.calls_of("auth.test"))
    before, others = worked(bot.pid), resource.getrusage(resource.RUSAGE_CHILDREN)
    code = await bot.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert code == 0
    assert after.ru_utime + after.ru_stime - others.ru_utime - others.ru_stime - before < 0.2


def worked(pid: int) -> float:
    """Return the seconds that a process has used of a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.fault("S23")
async def test_a_file_that_is_no_database_is_not_waited_for(environment, tmp_path):
    (tmp_path / "letter.db").write_text("Dear database, " * 100)

    ended = await run(environment | {"DATABASE_URL": f"sqlite:///{tmp_path}/letter.db"})

    assert ended.code == 2
    assert "DATABASE_URL: the database cannot be used" in ended.err
