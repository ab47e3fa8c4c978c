"""The command line's `config`: shown, then all of it or nothing; what was exported applies as no change."""

from __future__ import annotations

import pytest

from bot.config.document import read
from bot.config.model import Config
from bot.configuring import opened
from bot.errors import ConfigurationError, NotPermitted, SettingsInvalid
from bot.settings import Settings
from simulator.peers import Peers
from simulator.ports import free_port
from store import audit
from store.database import Database
from tests.bot.test_main import run

FILE = """\
admins: [U0ADA]
profiles:
  reader: {preset: read_only, services: [notes]}
channels:
  C0123: {profile: reader}
"""


@pytest.fixture
async def environment(tmp_path):
    async with Peers().running() as peers:
        port = free_port()
        yield peers.environment(f"http://127.0.0.1:{port}", port, f"sqlite+aiosqlite:///{tmp_path / 'deputy.db'}")


@pytest.fixture
async def database(environment):
    settings = Settings.from_environ(environment)
    opened = Database.open(settings.database_url, settings.secret_keys)
    await opened.migrate()
    yield opened
    await opened.close()


async def test_a_file_is_shown_and_applied_and_comes_out_again(environment, database, tmp_path):
    file = tmp_path / "deputy.yaml"
    file.write_text(FILE)

    asked = await run(environment, "config", "apply", str(file))
    differs = await run(environment, "config", "diff", str(file))
    applied = await run(environment, "config", "apply", "--yes", str(file))
    exported = await run(environment, "config", "export")

    assert (asked.code, differs.code, applied.code, exported.code) == (1, 1, 0, 0), applied.err
    assert "+ profile/reader" in asked.out
    assert "+ profile/reader" in differs.out
    assert "3 to add" in applied.out
    assert applied.out.endswith("Applied. A running Deputy takes it up within seconds.\n")
    assert read(exported.out) == read(FILE)
    async with opened(Settings.from_environ(environment)) as desk, database.transaction() as tx:
        entries = await audit.list_for(tx, desk.workspace_id, 9)
    assert {(entry.actor, entry.action) for entry in entries} == {("config file", "setting.changed")}


async def test_a_wrong_file_changes_nothing_and_names_every_problem(environment, database, tmp_path):
    file = tmp_path / "deputy.yaml"
    file.write_text(FILE.replace("read_only", "wild").replace("C0123", "general"))

    ended = await run(environment, "config", "apply", "--yes", str(file))

    assert ended.code == 2
    assert "profiles.reader.preset: must be" in ended.err
    assert "channels.general" in ended.err
    assert "Traceback" not in ended.err


async def test_services_that_are_not_there_and_plans_that_are_over_are_refused(environment, database):
    async with opened(Settings.from_environ(environment)) as desk:
        with pytest.raises(SettingsInvalid, match="there is no service lost"):
            await desk.plan(Config.model_validate({"services": {"lost": {}}}))
        before, changes = await desk.plan(read(FILE))
        assert len(changes) == 3
        await desk.apply(before, read(FILE))
        with pytest.raises(NotPermitted):
            await desk.apply(before, Config())
        assert await desk.read() == read(FILE)


async def test_before_the_first_start_there_is_nothing_to_configure(environment):
    with pytest.raises(ConfigurationError, match="start Deputy once"):
        async with opened(Settings.from_environ(environment)):
            pass
