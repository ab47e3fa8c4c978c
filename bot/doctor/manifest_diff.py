"""Compares the installed Slack app with the manifest; pure.

Only what Deputy needs is compared: whoever installs it may choose names, colours and prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.env import Settings

SIGN_IN_PATH = "/connect/slack/callback"
DELIVERY_PATH = "/slack/events"

Manifest = Mapping[str, Any]


def differences(wanted: Manifest, actual: Manifest, settings: Settings) -> tuple[str, ...]:
    """Return what the installed app lacks, each in words that name the setting; empty if nothing."""
    return (
        *_lists(wanted, actual),
        *_commands(wanted, actual),
        *_switches(wanted, actual),
        *_addresses(actual, settings),
    )


_LISTS = {
    "bot scopes": ("oauth_config", "scopes", "bot"),
    "user scopes": ("oauth_config", "scopes", "user"),
    "events": ("settings", "event_subscriptions", "bot_events"),
}
_SWITCHES = {
    "the Home tab": ("features", "app_home", "home_tab_enabled"),
    "the Messages tab": ("features", "app_home", "messages_tab_enabled"),
    "interactivity": ("settings", "interactivity", "is_enabled"),
}


def _lists(wanted: Manifest, actual: Manifest) -> Iterator[str]:
    for name, path in _LISTS.items():
        ours, theirs = set(_at(wanted, path) or ()), set(_at(actual, path) or ())
        if missing := sorted(ours - theirs):
            yield f"{name} missing: {', '.join(missing)}"
        if unneeded := sorted(theirs - ours):
            yield f"{name} not needed: {', '.join(unneeded)}"


def _commands(wanted: Manifest, actual: Manifest) -> Iterator[str]:
    # The command may have any name, since a workspace may have another /agent already. It must escape people and
    # channels: otherwise Slack sends their names, not their ids.
    commands = _at(actual, ("features", "slash_commands")) or []
    if not commands:
        yield "no slash command"
    elif not all(command.get("should_escape") for command in commands):
        yield "the slash command does not escape channels and users (should_escape)"
    ours = {shortcut["callback_id"] for shortcut in _at(wanted, ("features", "shortcuts")) or []}
    theirs = {shortcut.get("callback_id") for shortcut in _at(actual, ("features", "shortcuts")) or []}
    if missing := sorted(ours - theirs):
        yield f"shortcuts missing: {', '.join(missing)}"


def _switches(wanted: Manifest, actual: Manifest) -> Iterator[str]:
    for name, path in _SWITCHES.items():
        if _at(wanted, path) and not _at(actual, path):
            yield f"{name} is off"
    if _at(actual, ("features", "app_home", "messages_tab_read_only_enabled")):
        yield "the Messages tab is read-only"
    if not _at(actual, ("features", "agent_view")):
        yield "not an agent (agent_view): answers cannot be streamed with tasks"


def _addresses(actual: Manifest, settings: Settings) -> Iterator[str]:
    sign_in = f"{settings.public_url}{SIGN_IN_PATH}"
    # Signing in with Slack is not used then, so nobody is sent to this address.
    if settings.identity_check != "code" and sign_in not in (_at(actual, ("oauth_config", "redirect_urls")) or []):
        yield f"redirect URL missing: {sign_in}"
    is_socket = bool(_at(actual, ("settings", "socket_mode_enabled")))
    # Through Socket Mode Slack needs no address of ours.
    if settings.slack_app_token is not None:
        if not is_socket:
            yield "Socket Mode is off, and SLACK_APP_TOKEN is for it"
        return
    if is_socket:
        yield "Socket Mode is on, so nothing comes over HTTP: set SLACK_APP_TOKEN, or turn it off"
    delivery = f"{settings.public_url}{DELIVERY_PATH}"
    for name, path in {
        "events": ("settings", "event_subscriptions", "request_url"),
        "interactivity": ("settings", "interactivity", "request_url"),
    }.items():
        if _at(actual, path) != delivery:
            yield f"request URL of {name} is not {delivery}"
    if any(command.get("url") != delivery for command in _at(actual, ("features", "slash_commands")) or []):
        yield f"URL of the slash command is not {delivery}"


def _at(manifest: Any, path: tuple[str, ...]) -> Any:
    """Return the value at a path, None if it is missing."""
    for name in path:
        if not isinstance(manifest, Mapping):
            return None
        manifest = manifest.get(name)
    return manifest
