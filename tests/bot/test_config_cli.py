"""The command line's `config`: shown, then all of it or nothing; what was exported applies as no change."""

from __future__ import annotations

import pytest

from bot.config.yaml_file import read
from bot.config_cli import look, opened
from bot.env import Settings
from bot.model.errors import ConfigurationError, SettingsInvalid
from simulator.peers import Peers
from simulator.ports import free_port
from simulator.service.server import ServiceSimulator
from store.database import Database
from tests.bot.test_main import run
from tests.stored import list_audit

pytestmark = pytest.mark.timeout(400)  # each command is a process, which takes its time on a loaded machine

FILE = """\
admins: [U0ADA]
services:
  wiki:
    added:
      title: Wiki
      mcp_url: https://mcp.wiki.example.com/mcp
      registration: pre_registered
      trusted_issuer: https://auth.wiki.example.com
      endpoint_hosts: [auth.wiki.example.com]
    client: {client_id: a1b2, client_secret: {env: CLIENT_SECRET_WIKI}}
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

    lacking = await run(environment, "config", "diff", str(file))
    environment["CLIENT_SECRET_WIKI"] = "canary-cli"
    asked = await run(environment, "config", "apply", "--no-look", str(file))
    differs = await run(environment, "config", "diff", str(file))
    applied = await run(environment, "config", "apply", "--yes", "--no-look", str(file))
    exported = await run(environment, "config", "export")

    assert (asked.code, differs.code, applied.code, exported.code) == (1, 1, 0, 0), applied.err
    assert (lacking.code, "set the environment variable CLIENT_SECRET_WIKI" in lacking.err) == (2, True)
    assert "canary" not in f"{asked}{differs}{applied}{exported}"
    assert "+ profile/reader" in asked.out
    assert "+ profile/reader" in differs.out
    assert "4 to add" in applied.out
    assert applied.out.endswith("Applied. A running Deputy takes it up within seconds.\n")
    assert read(exported.out) == read(FILE)
    async with opened(Settings.from_environ(environment)) as commands, database.transaction() as tx:
        entries = await list_audit(tx, commands.file.workspace_id)
    assert {(entry.actor, entry.action) for entry in entries} == {
        ("config file", "setting.changed"),
        ("config file", "service.saved"),
    }


async def test_a_wrong_file_changes_nothing_and_names_every_problem(environment, database, tmp_path):
    file = tmp_path / "deputy.yaml"
    file.write_text(FILE.replace("read_only", "wild").replace("C0123", "general"))

    ended = await run(environment, "config", "apply", "--yes", str(file))

    assert ended.code == 2
    assert "profiles.reader.preset: must be" in ended.err
    assert "channels.general" in ended.err
    assert "Traceback" not in ended.err


async def test_an_address_that_is_not_https_is_refused():
    with pytest.raises(SettingsInvalid, match="not https"):
        await look("http://127.0.0.1:9/mcp", allow_loopback=False)


@pytest.mark.fault("D13")
async def test_looking_at_a_server_needs_the_network_only():
    async with ServiceSimulator().running() as notes:
        looked = await run({"DEPUTY_ALLOW_LOOPBACK": "1"}, "config", "look", notes.mcp_url)
        missed = await run({"DEPUTY_ALLOW_LOOPBACK": "1"}, "config", "look", f"{notes.url}/nothing")
    refused = await run({}, "config", "look", notes.mcp_url)
    slip = await run({"DEPUTY_ALLOW_LOOPBACK": "yes"}, "config", "look", notes.mcp_url)

    assert (looked.code, looked.err) == (0, "")
    assert "server-127-0-0-1:" in looked.out
    assert (missed.code, missed.out) == (2, "")
    assert "doesn't answer like an MCP server (404)" in missed.err
    assert refused.code == slip.code == 2
    assert "not https" in refused.err
    assert "DEPUTY_ALLOW_LOOPBACK" in slip.err


async def test_before_the_first_start_there_is_nothing_to_configure(environment):
    with pytest.raises(ConfigurationError, match="start Deputy once"):
        async with opened(Settings.from_environ(environment)):
            pass
