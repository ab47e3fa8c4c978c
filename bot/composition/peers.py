"""Opens catalogue, database, Slack, the Managed Agents API and the HTTP client for services.

What cannot be opened raises a `ConfigurationError` that names the setting to change.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from bot.agents.api import ManagedAgents
from bot.agents.client import open_client
from bot.domain.ports import Clock
from bot.env import Settings
from bot.listeners.intake import Install
from bot.model.errors import ConfigurationError, SlackRejected, SlackUnavailable
from bot.model.retry_policy import DATABASE_AT_START
from bot.retry import retry
from bot.slack.client import SlackApi, build_client
from bot.slack.rate_limiter import RateLimiter
from oauth.catalog.catalog import Catalog
from oauth.errors import CatalogInvalid
from oauth.protocol.registration import PreRegistered
from oauth.protocol.url_policy import UrlPolicy
from store.database import Database
from store.errors import StoreError, StoreTaken, StoreUnavailable
from store.records import Secret, ServiceName

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPeers:
    """What Deputy speaks to, opened, and where it is installed."""

    install: Install
    slack: SlackApi
    session: aiohttp.ClientSession
    database: Database
    agents: ManagedAgents
    sender: GuardedSender
    catalog: Catalog
    clock: Clock


THE_ONE = "default"
"""Names the one installation there is, for Slack's rate limits."""
ANTHROPIC = "https://api.anthropic.com"
SLACK_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
"""Seconds for a whole call, and to connect."""


def load_catalog(settings: Settings) -> Catalog:
    """Return the services on offer. Raises `ConfigurationError`."""
    try:
        catalog = Catalog.load(settings.catalog_path, _clients(settings.clients_path))
    except CatalogInvalid as error:
        named = {"DEPUTY_CATALOG": settings.catalog_path, "DEPUTY_CLIENTS": settings.clients_path}
        where = ", ".join(name for name, path in named.items() if path) or "catalogue"
        raise ConfigurationError(tuple(f"{where}: {problem}" for problem in error.problems)) from error
    known = {str(service.name) for service in catalog.services}
    if unknown := [name for name in settings.services if name not in known]:
        raise ConfigurationError(tuple(f"DEPUTY_SERVICES: there is no service `{name}`" for name in unknown))
    if not settings.services:
        return catalog
    return Catalog({service.name: service for service in catalog.services if service.name in settings.services})


def _clients(path: Path | None) -> dict[ServiceName, PreRegistered]:
    """Read `[clients.NAME] client_id, client_secret`."""
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text("utf-8")).get("clients", {})
        return {
            ServiceName(name): PreRegistered(
                client_id=str(table["client_id"]),
                client_secret=Secret(str(table["client_secret"])) if table.get("client_secret") else None,
            )
            for name, table in tables.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        # ValueError: no TOML, no UTF-8, or a number of more digits than Python reads.
        problem = "DEPUTY_CLIENTS: cannot be read: it needs tables `[clients.NAME]` with client_id and client_secret"
        raise ConfigurationError((problem,)) from error


async def open_slack_session(stack: AsyncExitStack) -> aiohttp.ClientSession:
    """Return the pool of connections to Slack; what the environment says about proxies does not count."""
    return await stack.enter_async_context(aiohttp.ClientSession(timeout=SLACK_TIMEOUT, trust_env=False))


def open_slack(
    settings: Settings,
    session: aiohttp.ClientSession,
    clock: Clock,
    *,
    workspace: str = THE_ONE,
    token: Secret | None = None,
) -> SlackApi:
    """Return Slack's Web API with the bot's token, or another one; nothing is asked yet."""
    client = build_client(token=token or settings.slack_bot_token, session=session, base_url=settings.slack_api_url)
    return SlackApi(client=client, clock=clock, pacer=RateLimiter(clock), workspace=workspace)


async def find_install(api: SlackApi, settings: Settings) -> Install:
    """Ask Slack whose token this is. Raises `ConfigurationError` when Slack refuses it."""
    try:
        who = await api.call("auth.test")
    except SlackRejected as error:
        raise ConfigurationError(
            (f"SLACK_BOT_TOKEN: Slack refuses it ({error.code}); install the app again",)
        ) from error
    return Install(
        app_id=read_app_id(settings.slack_app_token.reveal()) if settings.slack_app_token else None,
        team_id=str(who.get("team_id") or ""),
        enterprise_id=str(who.get("enterprise_id") or "") or None,
        bot_user_id=str(who.get("user_id") or ""),
        is_org_wide=_is_org_wide(who),
    )


def read_app_id(app_token: str) -> str | None:
    """Return the app that an app-level token names (`xapp-1-A012ABC-…`), None where it names none.

    No document promises it: taken for one wrongly, every request would be another app's.
    """
    named = re.match(r"xapp-\d+-(A[A-Z0-9]{6,})-", app_token)
    return named[1] if named else None


def _is_org_wide(who: Mapping[str, Any]) -> bool:
    """Tell whether `auth.test` answered for a whole organisation: it says so, or names it in place of a workspace."""
    organisation = who.get("enterprise_id")
    return bool(organisation) and bool(who.get("is_enterprise_install") or who.get("team_id") == organisation)


async def check_app_token(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
    """Ask Slack for a socket's address, where Socket Mode is used. Raises `ConfigurationError` when Slack refuses.

    Slack's SDK would ask again for ever and tell nobody. An outage is no refusal: the socket keeps trying by itself.
    """
    if settings.slack_app_token is None:
        return
    try:
        await open_slack(settings, session, clock, token=settings.slack_app_token).call_now("apps.connections.open")
    except SlackUnavailable:
        return
    except SlackRejected as error:
        problem = f"SLACK_APP_TOKEN: Slack refuses it ({error.code}); make an app-level token with connections:write"
        raise ConfigurationError((f"{problem} under Basic Information",)) from error


async def open_database(settings: Settings, stack: AsyncExitStack, clock: Clock) -> Database:
    """Open the database and bring its tables up to date; a lock, or a server that is not up yet, is waited for.

    Raises `ConfigurationError` for what does not pass by itself.
    """
    try:
        database = Database.open(settings.database_url, settings.secret_keys)
        stack.push_async_callback(database.close)
        await _wait_until_free(database, clock)
        await stack.enter_async_context(database.held())
        await database.migrate()
    except StoreTaken as error:
        who = f"process {error.holder}" if error.holder.isdecimal() else "another process"
        problem = f"DATABASE_URL: another Deputy runs on this database ({who}); stop that one first"
        raise ConfigurationError((problem,)) from error
    except StoreError as error:
        problem = f"DATABASE_URL: the database cannot be used ({type(error).__name__}: {error})"
        raise ConfigurationError((problem,)) from error
    return database


async def _wait_until_free(database: Database, clock: Clock) -> None:
    async def say(error: StoreUnavailable, pause: float) -> None:
        if not error.is_passing:
            raise error
        log.warning("database_not_ready", variable="DATABASE_URL", cause=str(error), retry_in=pause)

    await retry(database.require_free, DATABASE_AT_START, clock, on=StoreUnavailable, before_rest=say)


async def open_agents(settings: Settings, stack: AsyncExitStack) -> ManagedAgents:
    """Return the Managed Agents API; nothing is asked yet."""
    client = open_client(api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url or ANTHROPIC)
    return ManagedAgents(client=await stack.enter_async_context(client), webhook_key=settings.webhook_key)


async def open_sender(stack: AsyncExitStack, *, allow_loopback: bool) -> GuardedSender:
    """Return the one way to members' services."""
    from oauth.guarded_http import GuardedSender  # noqa: PLC0415  # httpx is slow to import

    return await stack.enter_async_context(GuardedSender(UrlPolicy(allow_loopback=allow_loopback)))
