"""Every listener in one table, in the manifest's order; a test compares the two.

A listener parses and passes on to the intake, so Slack is answered after the request is stored: the app is built with
`process_before_response`, since Bolt otherwise acknowledges events first.
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
    """Words in a channel, thread or direct message."""
    await intake.take(body, parse_message(body, intake.install))


async def on_stopped(intake: Intake, body: Body) -> None:
    """Slack's own Stop button."""
    await intake.take(body, parse_stopped(body))


async def on_home_opened(intake: Intake, body: Body) -> None:
    """Somebody opened the App Home."""
    await intake.take(body, parse_home_opened(body))


async def on_shared(intake: Intake, body: Body) -> None:
    """Another organisation was let into a channel: what is being shown there is judged anew."""
    if channel := parse_shared(body):
        intake.take_sharing(body, channel)


async def on_user_change(intake: Intake, body: Body) -> None:
    """A profile changed: a guest now, perhaps, or deactivated, which is carried out at once."""
    if found := parse_user_change(body):
        await intake.take_change(body, *found)


async def on_uninstalled(intake: Intake, body: Body) -> None:
    """Deputy was removed, or its tokens were revoked: nothing can be said in Slack any more, no link leads on."""
    if found := parse_uninstalled(body, intake.install):
        log.critical("uninstalled", type=table(body, "event").get("type"))
        key, command = found
        await intake.take_notice(body, key, command)


async def on_other(_: Intake, body: Body) -> None:
    """Acknowledged so that Slack does not repeat it, and nothing else."""
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
SHORTCUTS = ("ask_about_message",)


def register(app: AsyncApp, intake: Intake, new_reference: Callable[[], str]) -> None:
    """Give Bolt every listener, then the catch-alls, so that each request is acknowledged."""
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
        await take(body)
        await ack()

    return listen


def _form_listener(intake: Intake) -> Callable[..., Awaitable[None]]:
    async def listen(body: dict[str, Any], ack: AsyncAck) -> None:
        answer = await intake.take_form(body, parse_form(body) or parse_settings_form(body))
        await ack(**answer)

    return listen


def _on_error(new_reference: Callable[[], str]) -> Callable[..., Awaitable[BoltResponse]]:
    """The catch-all of requests: 500 makes Slack deliver an event again; nothing of the error is said."""

    async def on_error(error: Exception) -> BoltResponse:
        log.error("request_failed", reference=new_reference(), exc_info=error)
        return BoltResponse(status=500, body="")

    return on_error
