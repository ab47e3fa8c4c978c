"""The app as it is against manifest.yml: everything that would keep Deputy from working is named."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.doctor.manifest_diff import differences
from bot.env import Settings
from store.records import Secret
from store.sealing import new_key

MANIFEST = yaml.safe_load((Path(__file__).parents[3] / "manifest.yml").read_text("utf-8"))
URL = "https://deputy.acme.example"
SOCKET = Settings.from_environ(
    {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1-A1-1-x",
        "SLACK_CLIENT_ID": "1.1",
        "SLACK_CLIENT_SECRET": "s",
        "ANTHROPIC_API_KEY": "k",
        "DEPUTY_SECRET_KEYS": new_key(),
        "DEPUTY_PUBLIC_URL": URL,
    }
)
HTTP = SOCKET.model_copy(update={"slack_app_token": None, "slack_signing_secret": Secret("s")})


def app(path: str = "", value: Any = None, *, is_http: bool = False) -> dict[str, Any]:
    """Return the app as it should be, but for what is at one path; a value of None takes it away."""
    made = copy.deepcopy(MANIFEST)
    made["oauth_config"]["redirect_urls"] = [f"{URL}/connect/slack/callback"]
    if is_http:
        delivery = f"{URL}/slack/events"
        made["settings"]["socket_mode_enabled"] = False
        made["settings"]["event_subscriptions"]["request_url"] = delivery
        made["settings"]["interactivity"]["request_url"] = delivery
        made["features"]["slash_commands"][0]["url"] = delivery
    if path:
        *way, last = path.split(".")
        place = made
        for name in way:
            place = place[name]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return made


def test_an_app_made_of_the_manifest_fits():
    assert differences(MANIFEST, app(), SOCKET) == ()
    assert differences(MANIFEST, app(is_http=True), HTTP) == ()


def test_a_name_of_ones_own_is_no_difference():
    renamed = app("features.slash_commands", [{"command": "/deputy", "should_escape": True}])
    renamed["display_information"]["name"] = "Helper"

    assert differences(MANIFEST, renamed, SOCKET) == ()


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("oauth_config.scopes.user", None, "user scopes missing: openid"),
        (
            "oauth_config.scopes.bot",
            [*MANIFEST["oauth_config"]["scopes"]["bot"], "admin"],
            "bot scopes not needed: admin",
        ),
        ("settings.event_subscriptions.bot_events", ["app_mention"], "events missing: agent_session_stopped, "),
        ("features.slash_commands", [], "no slash command"),
        ("features.slash_commands", [{"command": "/agent"}], "should_escape"),
        ("features.shortcuts", None, "shortcuts missing: ask_about_message"),
        ("features.app_home.home_tab_enabled", False, "the Home tab is off"),
        ("features.app_home.messages_tab_read_only_enabled", True, "read-only"),
        ("features.agent_view", None, "agent_view"),
        ("settings.interactivity", None, "interactivity is off"),
        ("settings.socket_mode_enabled", False, "Socket Mode is off"),
        ("oauth_config.redirect_urls", ["https://elsewhere.example"], f"redirect URL missing: {URL}/connect"),
        ("settings", "none", "events missing"),
    ],
)
def test_what_the_app_lacks_is_named(path, value, told):
    assert told in "; ".join(differences(MANIFEST, app(path, value), SOCKET))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("settings.socket_mode_enabled", True, "nothing comes over HTTP"),
        ("settings.event_subscriptions.request_url", None, "request URL of events"),
        ("settings.interactivity.request_url", "https://elsewhere.example", "request URL of interactivity"),
        ("features.slash_commands", [{"command": "/agent", "should_escape": True}], "URL of the slash command"),
    ],
)
def test_over_http_every_address_is_looked_at(path, value, told):
    (found,) = differences(MANIFEST, app(path, value, is_http=True), HTTP)

    assert told in found
