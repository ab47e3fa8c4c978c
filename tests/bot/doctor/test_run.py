"""Each check of the doctor well, and each of them failing with its fix."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from bot.agents.client import open_client
from bot.doctor.findings import Findings, State, as_json, is_all_well, render
from bot.doctor.run import AFTER_A_START, CHECKS, examine, mend
from bot.doctor.slack import SCOPES
from simulator.slack import people
from store import services
from store.records import Secret
from store.sealing import new_key, parse_keys
from tests.builders import a_saved_service
from tests.world import ALICE, BOB, World

NOWHERE = "http://127.0.0.1:9"
MANIFEST = Path(__file__).parents[3] / "manifest.yml"


@pytest.fixture
async def targets(deputy_world: World):
    async with deputy_world.deputy():
        yield deputy_world


@pytest.fixture
async def sleeping(deputy_world: World):
    """One that ran and has ended: its file may be written to."""
    async with deputy_world.deputy():
        pass
    return deputy_world


async def findings(world: World, **changes: object) -> Findings:
    return await examine(world.settings.model_copy(update=changes))


def sick(found: Findings) -> dict[str, str]:
    return {name: finding.detail for name, finding in found.items() if not finding.is_well}


def database_of(world: World):
    return closing(sqlite3.connect(world.folder / "deputy.db", isolation_level=None))


async def test_all_is_well_where_all_is_well(targets):
    found = await findings(targets)

    assert sick(found) == {}
    assert list(found) == list(CHECKS)
    assert render(found).endswith("All is well.")


@pytest.mark.parametrize(
    ("name", "changes", "detail", "fix"),
    [
        (
            "Slack bot token",
            {"slack_bot_token": Secret("xoxb-mistaken")},
            "refused (invalid_auth)",
            "OAuth & Permissions",
        ),
        (
            "Slack delivery",
            {"slack_app_token": Secret("xapp-1-mistaken")},
            "refused (invalid_auth)",
            "connections:write",
        ),
        (
            "Slack app",
            {"slack_config_token": Secret("xoxe.xoxp-mistaken")},
            "refused (invalid_auth)",
            "app configuration token",
        ),
        ("Sign in with Slack", {"slack_client_id": "1.mistaken"}, "refused (invalid_client_id)", "SLACK_CLIENT_SECRET"),
        (
            "Sign in with Slack",
            {"slack_client_secret": Secret("mistaken")},
            "refused (bad_client_secret)",
            "SLACK_CLIENT_SECRET",
        ),
        ("Admins", {"admins": frozenset({people.GUEST, "U0NOBODY0"})}, f"{people.GUEST}, U0NOBODY0", "DEPUTY_ADMINS"),
        ("Settings", {"public_url": "https://deputy.example.com"}, "DEPUTY_ALLOW_LOOPBACK", "unset it"),
        ("Public address", {"public_url": NOWHERE}, f"{NOWHERE} does not answer", "start Deputy"),
        ("Database", {"database_url": "sqlite:////nowhere/deputy.db"}, "cannot be reached", "start Deputy once"),
        ("Services", {"services": ("wiki",)}, "there is no service `wiki`", "catalogue"),
    ],
)
async def test_one_wrong_setting_is_found_with_what_to_do(targets, name, changes, detail, fix):
    found = await findings(targets, **changes)

    assert detail in sick(found)[name]
    assert fix in found[name].fix
    follow = {
        "Slack bot token": {"Admins", "Clock", "Agents and environments"},
        "Database": {"Agents and environments", "Vaults", "Sealing keys"},
        "Settings": {"Public address", "Webhook"},
        "Public address": {"Webhook"},
        "Services": {"Agents and environments"},
    }
    assert set(sick(found)) - {name} <= follow.get(name, set())
    assert "mistaken" not in render(found)


async def test_a_missing_scope_is_named(targets):
    targets.slack.scopes.difference_update({"commands", "chat:write"})

    found = await findings(targets)

    assert sick(found) == {"Slack bot token": "scopes missing: chat:write, commands"}
    assert found["Slack bot token"].fix == "install the app again from manifest.yml"
    assert render(found).endswith("1 of 15 needs attention.")


async def test_a_refused_key_is_found(targets):
    found = await findings(targets, anthropic_api_key=Secret("sk-ant-mistaken"))

    assert sick(found)["Anthropic key"].startswith("refused (")
    assert "Managed Agents" in found["Anthropic key"].fix


async def test_what_cannot_be_asked_for_a_refused_token_leads_to_the_line_about_it(targets):
    found = await findings(
        targets, slack_bot_token=Secret("xoxb-mistaken"), anthropic_api_key=Secret("sk-ant-mistaken")
    )

    assert found["Admins"].fix == found["Clock"].fix == "see the line about Slack's bot token"
    assert found["Vaults"].fix == "see the line about Anthropic's key"


async def test_the_doctor_makes_no_database_where_there_is_none(deputy_world):
    path = deputy_world.folder / "deputy.db"
    path.unlink()

    found = await findings(deputy_world)

    assert "First start" in found
    assert not path.exists()


async def test_an_agent_that_somebody_changed_is_found_and_brought_back(targets):
    (agent,) = targets.agents.agents.values()
    async with open_client(api_key=Secret(targets.agents.api_key), base_url=targets.agents.url) as client:
        await client.beta.agents.update(agent.id, version=1, system="Do as you please.")
    changed = await findings(targets)

    mended = await mend(targets.settings)

    assert sick(changed) == {"Agents and environments": "default: system prompt"}
    assert "--repair" in changed["Agents and environments"].fix
    assert mended == ("default",)
    assert sick(await findings(targets)) == {}
    assert await mend(targets.settings) == ()


async def test_admins_of_the_settings_are_looked_at_too(targets):
    nobody = await findings(targets, admins=frozenset())
    await targets.configure({"admins": [people.BOB]})
    one = await findings(targets, admins=frozenset())
    targets.slack.workspace.people[people.BOB].deleted = True
    none_left = await findings(targets, admins=frozenset())
    one_gone = await findings(targets)

    assert (nobody["Admins"].detail, nobody["Admins"].state) == ("there is none", "note")
    assert "opens /agent admin" in nobody["Admins"].fix
    assert one["Admins"].detail == "1, full members all"
    assert sick(none_left) == {"Admins": f"no full member: {people.BOB}"}
    assert one_gone["Admins"].state == "note"


async def test_an_agent_that_is_gone_is_found(targets):
    agent, *_ = targets.agents.agents
    del targets.agents.agents[agent]

    assert sick(await findings(targets)) == {"Agents and environments": "default: the agent is gone or archived"}


@pytest.mark.fault("D9")
@pytest.mark.parametrize("has_file", [True, False])
async def test_a_deputy_that_never_ran_is_one_note(deputy_world, has_file):
    path = deputy_world.folder / "deputy.db"
    path.unlink()
    if has_file:
        path.touch()

    found = await findings(deputy_world)

    assert sick(found) == {}
    assert [name for name, finding in found.items() if "never been started" in finding.detail] == ["First start"]
    assert AFTER_A_START.isdisjoint(found)
    assert list(deputy_world.agents.agents) == []


@pytest.mark.fault("D12")
async def test_a_slack_that_tells_no_scopes_is_not_called_one_that_grants_none(targets):
    targets.slack.web_api.tells_scopes = False

    found = await findings(targets)

    assert found["Slack bot token"].state is State.NOTE
    assert "Slack told no scopes" in found["Slack bot token"].detail


@pytest.mark.fault("D10")
async def test_an_address_of_somebody_else_is_named_and_the_key_is_not_blamed(targets):
    found = await findings(targets, anthropic_base_url=f"{targets.notes.url}/nowhere")

    assert "does not answer like the Managed Agents API (http_404)" in sick(found)["Anthropic key"]
    assert found["Anthropic key"].fix.startswith("correct ANTHROPIC_BASE_URL")


@pytest.mark.fault("D6")
async def test_a_client_secret_in_the_place_of_the_signing_secret_is_found(targets):
    secret = Secret(targets.slack.client_secret)
    found = await findings(targets, slack_app_token=None, slack_signing_secret=secret, slack_client_secret=secret)

    assert sick(found)["Slack delivery"] == "SLACK_SIGNING_SECRET is the client secret"


async def test_peers_that_do_not_answer_are_findings_and_no_error(targets):
    found = await findings(targets, slack_api_url=f"{NOWHERE}/api/", anthropic_base_url=NOWHERE)

    for name in (
        "Slack bot token",
        "Slack delivery",
        "Sign in with Slack",
        "Admins",
        "Clock",
        "Anthropic key",
        "Vaults",
    ):
        assert sick(found)[name] == "no answer"
    assert "network" in found["Anthropic key"].fix


async def test_without_an_app_token_slack_must_deliver_over_http(targets):
    found = await findings(targets, slack_app_token=None, slack_signing_secret=Secret("hush"))

    assert found["Slack delivery"].detail == f"HTTP: Slack must deliver to {targets.settings.public_url}/slack/events"


async def test_a_webhook_that_would_not_come_through_is_found(deputy_world):
    key = Secret("whsec_c2VjcmV0")
    deputy_world.settings = deputy_world.settings.model_copy(update={"webhook_key": key})
    async with deputy_world.deputy():
        assert (await findings(deputy_world))["Webhook"].state is State.OK
        assert (await findings(deputy_world, webhook_key=None))["Webhook"].state is State.NOTE
        assert "does not answer" in sick(await findings(deputy_world, public_url=NOWHERE))["Webhook"]

    deputy_world.settings = deputy_world.settings.model_copy(update={"webhook_key": None})
    async with deputy_world.deputy():
        found = await findings(deputy_world, webhook_key=key)
        assert sick(found)["Webhook"].endswith("/anthropic/webhooks answers 404")


async def test_the_app_is_compared_with_the_manifest_where_a_token_allows_it(targets):
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    manifest["oauth_config"]["redirect_urls"] = [f"{targets.settings.public_url}/connect/slack/callback"]
    targets.slack.workspace.manifest = manifest
    token = Secret(targets.slack.config_token)

    assert (await findings(targets))["Slack app"].state is State.NOTE
    assert (await findings(targets, slack_config_token=token))["Slack app"].state is State.OK

    manifest["settings"]["event_subscriptions"]["bot_events"].remove("app_mention")
    assert sick(await findings(targets, slack_config_token=token)) == {"Slack app": "events missing: app_mention"}


async def test_a_clock_that_is_wrong_is_found(targets, monkeypatch):
    monkeypatch.setattr("bot.doctor.slack.parsedate_to_datetime", lambda _: targets.clock.now().replace(year=2001))

    found = await findings(targets)

    assert list(sick(found)) == ["Clock"]
    assert "ahead of Slack's" in found["Clock"].detail
    assert "NTP" in found["Clock"].fix


async def test_a_vault_that_is_gone_and_one_of_another_name_are_found(targets):
    for user in (ALICE, BOB):
        await targets.connect_notes(user)
    assert sick(await findings(targets)) == {}
    alices, bobs = targets.agents.vaults.values()

    del targets.agents.vaults[alices.id]
    bobs.metadata["external_user_id"] = f"{people.TEAM}/{ALICE}"
    found = await findings(targets)

    detail = f"gone at the API: {people.TEAM}/{ALICE}; marked as another's at the API: {people.TEAM}/{BOB}"
    assert sick(found)["Vaults"].startswith(detail)
    assert "pause Deputy" in found["Vaults"].fix
    assert "vlt_" not in render(found)


async def test_values_under_a_lost_key_are_found(sleeping):
    with database_of(sleeping) as store:
        store.execute(
            "INSERT INTO registrations"
            " (service, issuer, redirect_uri, client_id, client_secret, auth_method, created_at)"
            " VALUES ('notes', 'https://i', 'https://r', 'c', 's1.AAAA', 'client_secret_post', 0)"
        )

    found = await findings(sleeping)

    assert "registrations.client_secret" in sick(found)["Sealing keys"]
    assert "DEPUTY_SECRET_KEYS" in sick(found)["Sealing keys"]
    assert found["Sealing keys"].fix.startswith("add the old key to DEPUTY_SECRET_KEYS again, last")


async def test_a_services_secret_that_no_key_opens_is_found(targets):
    workspace_id, secret = targets.app.install.workspace_id, Secret("of-another-key")
    async with targets.app.database.transaction() as tx:
        await services.save(tx, a_saved_service(workspace_id=workspace_id, client_id="c", client_secret=secret))

    found = await findings(targets, secret_keys=parse_keys(new_key()))

    assert "services.client_secret" in sick(found)["Sealing keys"]
    assert found["Services"].detail == "Notes, Papers"  # as one that registers itself: its client is not there


@pytest.mark.parametrize(("version", "told"), [("0001", "no tables of this version"), ("9999", "later version")])
async def test_tables_of_another_version_are_found(sleeping, version, told):
    with database_of(sleeping) as store:
        store.execute("UPDATE alembic_version SET version_num = ?", (version,))

    assert told in sick(await findings(sleeping))["Database"]


async def test_a_damaged_file_is_found(sleeping):
    path = sleeping.folder / "deputy.db"
    with database_of(sleeping) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page, number = store.execute(
            "SELECT (SELECT page_size FROM pragma_page_size), rootpage FROM sqlite_master WHERE name = 'turns'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek(page * (number - 1))
        file.write(b"\xff" * 64)

    found = await findings(sleeping)

    assert sick(found)["Database"] in {"it is damaged", "cannot be reached"}


async def test_machines_get_the_same_as_json(targets):
    found = await findings(targets, admins=frozenset({people.GONE}))

    told = json.loads(as_json(found))

    assert told["is_well"] is is_all_well(found) is False
    assert [one["name"] for one in told["findings"]] == list(CHECKS)
    assert [one for one in told["findings"] if one["state"] == "fail"] == [
        {
            "name": "Admins",
            "state": "fail",
            "detail": f"no full member: {people.GONE}",
            "fix": "correct DEPUTY_ADMINS: user ids, as in a person's profile",
        }
    ]


async def test_a_service_that_an_admin_added_is_on_offer(targets):
    workspace_id = targets.app.install.workspace_id
    async with targets.app.database.transaction() as tx:
        await services.save(tx, a_saved_service(workspace_id=workspace_id, name="wiki", title="Our Wiki"))

    assert (await findings(targets))["Services"].detail == "Notes, Our Wiki"


async def test_the_doctor_changes_nothing(targets):
    before = [call.method for call in targets.slack.calls]

    await findings(targets, slack_config_token=Secret(targets.slack.config_token))

    asked = [call.method for call in targets.slack.calls][len(before) :]
    reading = {"auth.test", "bots.info", "users.info", "apps.manifest.export"}
    assert set(asked) <= {*reading, "apps.connections.open", "openid.connect.token"}


def test_the_scopes_are_those_of_the_simulated_app(deputy_world):
    assert deputy_world.slack.scopes >= SCOPES


async def test_that_a_code_proves_who_connects_is_said_to_be_weaker(targets):
    found = await findings(targets, identity_check="code", slack_client_id=None)

    assert "Sign in with Slack" not in sick(found)
    assert "slack_oidc" in found["Sign in with Slack"].fix
