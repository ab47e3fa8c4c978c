"""Each check of the doctor well, and each of them failing with its fix."""

from dataclasses import replace

import pytest

from bot.doctor import CHECKS, SCOPES, Finding, examine, render
from store.records import Secret
from tests.world import World

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def patient(deputy_world: World):
    async with deputy_world.deputy():
        yield deputy_world


async def findings(world: World, **changes: object) -> dict[str, Finding]:
    found = await examine(replace(world.settings, **changes))
    return {finding.name: finding for finding in found}


def sick(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.detail for name, finding in found.items() if not finding.is_well}


async def test_all_is_well_where_all_is_well(patient):
    found = await findings(patient)

    assert sick(found) == {}
    assert list(found) == list(CHECKS)
    assert render(tuple(found.values())).endswith("All is well.")


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
        ("Sign in with Slack", {"slack_client_id": "1.mistaken"}, "refused (invalid_client_id)", "SLACK_CLIENT_SECRET"),
        (
            "Sign in with Slack",
            {"slack_client_secret": Secret("mistaken")},
            "refused (bad_client_secret)",
            "SLACK_CLIENT_SECRET",
        ),
        ("Public address", {"public_url": NOWHERE}, f"{NOWHERE} does not answer", "start Deputy"),
        ("Database", {"database_url": "sqlite:////nowhere/deputy.db"}, "cannot be reached", "start Deputy once"),
        ("Services", {"services": ("wiki",)}, "there is no service `wiki`", "catalogue"),
    ],
)
async def test_one_wrong_setting_is_found_with_what_to_do(patient, name, changes, detail, fix):
    found = await findings(patient, **changes)

    assert detail in sick(found)[name]
    assert fix in found[name].fix
    assert set(sick(found)) - {name} <= {"Agent and environment"}
    assert "mistaken" not in render(tuple(found.values()))


async def test_a_missing_scope_is_named(patient):
    patient.slack.scopes.difference_update({"commands", "users:read"})

    found = await findings(patient)

    assert sick(found) == {"Slack bot token": "scopes missing: commands, users:read"}
    assert found["Slack bot token"].fix == "install the app again from manifest.yml"


async def test_a_refused_key_is_found(patient):
    found = await findings(patient, anthropic_api_key=Secret("sk-ant-mistaken"))

    assert sick(found)["Anthropic key"].startswith("refused (")
    assert "Managed Agents" in found["Anthropic key"].fix


async def test_an_agent_that_is_gone_is_found(patient):
    agent, *_ = patient.agents.agents
    del patient.agents.agents[agent]

    found = await findings(patient)

    assert list(sick(found)) == ["Agent and environment"]
    assert found["Agent and environment"].fix == "start Deputy: it saves the profile again"


async def test_a_deputy_that_never_ran_lacks_its_tables_agent_and_address(deputy_world):
    found = await findings(deputy_world)

    assert list(sick(found)) == ["Public address", "Database", "Agent and environment"]
    assert list(deputy_world.agents.agents) == []


async def test_peers_that_do_not_answer_are_findings_and_no_error(patient):
    found = await findings(patient, slack_api_url=f"{NOWHERE}/api/", anthropic_base_url=NOWHERE)

    for name in ("Slack bot token", "Slack delivery", "Sign in with Slack", "Anthropic key", "Agent and environment"):
        assert sick(found)[name] == "no answer"
    assert "network" in found["Anthropic key"].fix


async def test_without_an_app_token_slack_must_deliver_over_http(patient):
    found = await findings(patient, slack_app_token=None, slack_signing_secret=Secret("hush"))

    assert found["Slack delivery"].detail == f"HTTP: Slack must deliver to {patient.settings.public_url}/slack/events"


async def test_the_doctor_changes_nothing(patient):
    before = [call.method for call in patient.slack.calls]

    await findings(patient)

    asked = [call.method for call in patient.slack.calls][len(before) :]
    assert set(asked) <= {"auth.test", "apps.connections.open", "openid.connect.token"}


def test_the_scopes_are_those_of_the_simulated_app(deputy_world):
    assert deputy_world.slack.scopes >= SCOPES
