"""manifest.yml: within Slack's limits, and the same as what the code listens to and needs.

The limits are those of docs/reference/slack.md#app-manifest.
"""

import re
from pathlib import Path

import pytest
import yaml

from bot import listeners
from bot.doctor import slack as doctor

ROOT = Path(__file__).parents[1]
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8"))
FEATURES, SETTINGS = MANIFEST["features"], MANIFEST["settings"]
SCOPES = MANIFEST["oauth_config"]["scopes"]
EVENTS = SETTINGS["event_subscriptions"]["bot_events"]


def table_of(heading: str) -> dict[str, str]:
    """Return the first column's names of a table in docs/scopes.md, each with its reason."""
    text = (ROOT / "docs" / "scopes.md").read_text("utf-8").partition(f"| {heading} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", text, re.MULTILINE)
    return {name: reason for names, reason in rows for name in re.findall(r"`([^`]+)`", names)}


def test_only_keys_that_slack_knows_are_there():
    assert set(MANIFEST) == {"_metadata", "display_information", "features", "oauth_config", "settings"}
    assert set(FEATURES) == {"app_home", "agent_view", "bot_user", "slash_commands", "shortcuts"}
    assert set(MANIFEST["oauth_config"]) == {"redirect_urls", "scopes"}
    assert set(SETTINGS) == {
        "event_subscriptions",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
    }


def limits():
    shown = MANIFEST["display_information"]
    yield shown["name"], 35
    yield shown["description"], 140
    yield FEATURES["agent_view"]["agent_description"], 300
    yield FEATURES["bot_user"]["display_name"], 80
    for command in FEATURES["slash_commands"]:
        yield command["command"], 32
        yield command["description"], 2_000
        yield command["usage_hint"], 1_000
    for shortcut in FEATURES["shortcuts"]:
        yield shortcut["name"], 24
        yield shortcut["callback_id"], 255
        yield shortcut["description"], 150


@pytest.mark.parametrize(("text", "limit"), list(limits()))
def test_every_text_has_the_length_that_slack_takes(text, limit):
    assert 0 < len(text) <= limit


def test_names_and_numbers_are_such_as_slack_takes():
    assert re.fullmatch(r"#[0-9a-f]{6}", MANIFEST["display_information"]["background_color"])
    assert re.fullmatch(r"[a-z0-9._-]+", FEATURES["bot_user"]["display_name"])
    assert len(FEATURES["agent_view"]["suggested_prompts"]) <= 4
    for prompt in FEATURES["agent_view"]["suggested_prompts"]:
        assert set(prompt) == {"title", "message"}
    assert len(FEATURES["slash_commands"]) <= 50
    assert len(FEATURES["shortcuts"]) <= 10
    assert len(EVENTS) <= 100
    assert all(url.startswith("https://") for url in MANIFEST["oauth_config"]["redirect_urls"])


def test_nothing_is_named_twice():
    for names in (EVENTS, SCOPES["bot"], SCOPES["user"]):
        assert names == sorted(set(names))


def test_what_is_subscribed_is_what_is_listened_to():
    assert {event.partition(".")[0] for event in EVENTS} == set(listeners.EVENTS)
    assert len(FEATURES["shortcuts"]) == 1  # any is listened to, as the same one
    assert SETTINGS["interactivity"]["is_enabled"]


def test_the_command_is_the_one_that_the_help_names_and_its_mentions_come_escaped():
    [command] = FEATURES["slash_commands"]

    assert command["command"] == "/agent"
    assert command["should_escape"]


def test_the_doctor_asks_for_the_scopes_of_the_manifest():
    assert set(SCOPES["bot"]) == doctor.SCOPES
    assert SCOPES["user"] == ["openid"]


def test_an_agent_has_what_agents_need():
    assert {"assistant:write", "chat:write"} <= set(SCOPES["bot"])
    assert {"app_home_opened", "app_context_changed", "agent_session_stopped", "message.im"} <= set(EVENTS)
    assert FEATURES["app_home"]["messages_tab_enabled"]
    assert not FEATURES["app_home"]["messages_tab_read_only_enabled"]


@pytest.mark.parametrize(
    ("heading", "names"), [("scope", SCOPES["bot"]), ("user scope", SCOPES["user"]), ("event", EVENTS)]
)
def test_each_has_its_reason_in_the_docs(heading, names):
    reasons = table_of(heading)

    assert sorted(reasons) == names
    assert all(len(reason) > 10 for reason in reasons.values())


def test_the_redirect_is_the_route_of_sign_in():
    [url] = MANIFEST["oauth_config"]["redirect_urls"]

    assert url == "https://deputy.example.com/connect/slack/callback"
