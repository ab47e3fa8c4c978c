"""Every listener in one table, in the manifest's order; a test compares the two.

A listener parses a request and passes it to the intake, which stores it before Slack gets its answer. The app is built
with `process_before_response` for that: otherwise Bolt acknowledges events before a listener runs
(docs/reference/slack.md#interactions).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.listeners.config_forms import parse_settings_form
from bot.listeners.intake import Body, Intake, table
from bot.listeners.interactions import parse_action, parse_form, parse_shortcut
from bot.listeners.lifecycle import (
    parse_home_opened,
    parse_shared,
    parse_stopped,
    parse_uninstalled,
    parse_user_change,
)
from bot.listeners.messages import parse_message
from bot.listeners.slash import parse_command

log = structlog.get_logger(__name__)

On = Callable[[Intake, Body], Awaitable[None]]
ANYTHING = re.compile(".*", re.DOTALL)


async def on_message(intake: Intake, body: Body) -> None:
    """Take a message in a channel, thread or direct message."""
    await intake.take(body, parse_message(body, intake.install))


async def on_stopped(intake: Intake, body: Body) -> None:
    """Take a press of Slack's own Stop button."""
    await intake.take(body, parse_stopped(body))


async def on_home_opened(intake: Intake, body: Body) -> None:
    """Publish the App Home that somebody opened."""
    await intake.take(body, parse_home_opened(body))


async def on_shared(intake: Intake, body: Body) -> None:
    """Have running answers in a channel check again who reads them: another organisation was let in."""
    if channel := parse_shared(body):
        intake.take_sharing(body, channel)


async def on_user_change(intake: Intake, body: Body) -> None:
    """Check a member whose profile changed: they may have been deactivated or become a guest."""
    if found := parse_user_change(body):
        await intake.take_change(body, *found)


async def on_uninstalled(intake: Intake, body: Body) -> None:
    """Void open links: Deputy was removed or its tokens were revoked, so it can no longer say anything in Slack."""
    if found := parse_uninstalled(body, intake.install):
        log.critical("uninstalled", type=table(body, "event").get("type"))
        key, command = found
        await intake.take_notice(body, key, command)


async def on_other(_: Intake, body: Body) -> None:
    """Acknowledge a request without doing anything, so that Slack does not repeat it."""
    log.debug("not_for_us", type=table(body, "event").get("type") or body.get("type"))


EVENTS: dict[str, On] = {
    "agent_session_stopped": on_stopped,
    "app_context_changed": on_other,
    "app_home_opened": on_home_opened,
    "app_mention": on_message,
    "app_uninstalled": on_uninstalled,
    "channel_shared": on_shared,
    "message": on_message,
    "tokens_revoked": on_uninstalled,
    "user_change": on_user_change,
}


def register(app: AsyncApp, intake: Intake, new_reference: Callable[[], str]) -> None:
    """Register every listener with Bolt."""
    # The catch-alls come last: Bolt takes the first match, and a request without a listener would not be acknowledged.
    for name, on in EVENTS.items():
        app.event(name)(_event_listener(intake, on))
    app.event(ANYTHING)(_event_listener(intake, on_other))
    app.command(ANYTHING)(_listener(intake, lambda body: intake.take(body, parse_command(body))))
    app.action(ANYTHING)(_listener(intake, lambda body: intake.take(body, parse_action(body))))
    app.view(ANYTHING)(_form_listener(intake))
    app.view_closed(ANYTHING)(_listener(intake, lambda body: on_other(intake, body)))
    app.shortcut(ANYTHING)(_listener(intake, lambda body: intake.take(body, parse_shortcut(body))))
    app.options(ANYTHING)(_listener(intake, lambda body: on_other(intake, body)))
    app.error(_on_error(new_reference))


def _event_listener(intake: Intake, on: On) -> Callable[..., Awaitable[None]]:
    async def listen(body: dict[str, Any]) -> None:
        await on(intake, body)

    return listen


def _listener(_: Intake, take: Callable[[Body], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def listen(body: dict[str, Any], ack: AsyncAck) -> None:
        # Stored first, acknowledged then: a crash in between shows the person an error instead of losing the request.
        await take(body)
        await ack()

    return listen


def _form_listener(intake: Intake) -> Callable[..., Awaitable[None]]:
    async def listen(body: dict[str, Any], ack: AsyncAck) -> None:
        answer = await intake.take_form(body, parse_form(body) or parse_settings_form(body))
        # What is wrong with a form must be in this very answer, within three seconds (docs/reference/slack.md#modals).
        await ack(**answer)

    return listen


def _on_error(new_reference: Callable[[], str]) -> Callable[..., Awaitable[BoltResponse]]:
    """Return the catch-all for requests: 500 makes Slack deliver an event again, without a word about the error."""

    async def on_error(error: Exception) -> BoltResponse:
        log.error("request_failed", reference=new_reference(), exc_info=error)
        return BoltResponse(status=500, body="")

    return on_error
