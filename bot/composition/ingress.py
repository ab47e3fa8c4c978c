"""The ways in: Bolt over HTTP or Socket Mode, the API's webhooks, and the health check."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.routing import BaseRoute

from bot.domain.dispatcher import Dispatcher
from bot.domain.ports import Agents
from bot.domain.supervisor import Supervisor
from bot.env import Settings
from bot.listeners.intake import Install
from bot.slack.client import build_client
from bot.web import webhooks
from bot.web.asgi import Health
from store.database import Database
from store.errors import StoreError

DATABASE_SECONDS = 2.0
"""How long the database may take to answer while it counts as well."""
LOOK_AFTER_SOCKET = 2.0
"""Seconds between looks at the socket: one that was cut is opened again after about so long."""


def build_bolt(settings: Settings, session: aiohttp.ClientSession, install: Install) -> AsyncApp:
    """Return Bolt for the one installation; nothing listens yet."""

    async def authorize() -> AuthorizeResult:
        # One token, checked at the start: Bolt would otherwise call auth.test for every request.
        return AuthorizeResult(
            enterprise_id=install.enterprise_id,
            team_id=install.team_id,
            bot_user_id=install.bot_user_id,
            bot_token=settings.slack_bot_token.reveal(),
        )

    signing_secret = settings.slack_signing_secret
    return AsyncApp(
        client=build_client(token=None, session=session, base_url=settings.slack_api_url),
        signing_secret=signing_secret.reveal() if signing_secret else None,
        authorize=authorize,
        process_before_response=True,
    )


def build_socket(settings: Settings, bolt: AsyncApp) -> AsyncSocketModeHandler | None:
    """Return Socket Mode, not yet connected; None where Slack comes over HTTP."""
    token = settings.slack_app_token
    if not token:
        return None
    # It takes Bolt's own client, so that its address and pool hold for the socket too.
    logger = logging.getLogger("slack_sdk.socket_mode")
    return AsyncSocketModeHandler(bolt, token.reveal(), logger=logger, ping_interval=LOOK_AFTER_SOCKET)


def build_webhooks(settings: Settings, agents: Agents, dispatcher: Dispatcher) -> list[BaseRoute]:
    """Return the endpoint for the Managed Agents API's webhooks, where a key for it is set."""

    async def take(body: bytes, headers: Mapping[str, str]) -> None:
        key, command = agents.read_webhook(body, headers)
        if command:
            await dispatcher.accept(f"webhook:{key}", command)

    return [webhooks.build_route(take)] if settings.webhook_key else []


def build_health(database: Database, socket: AsyncSocketModeHandler | None, supervisor: Supervisor) -> Health:
    """Return what `/healthz` asks; it says within seconds what does not answer, instead of waiting for it."""

    async def health() -> dict[str, bool]:
        return {
            "database": await _answers(database),
            "slack": await socket.client.is_connected() if socket else True,
            "upkeep": not supervisor.failing,
        }

    return health


async def _answers(database: Database) -> bool:
    try:
        async with asyncio.timeout(DATABASE_SECONDS), database.transaction():
            return True
    except (StoreError, TimeoutError):
        return False
