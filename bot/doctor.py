"""`python -m bot doctor`: looks at every token, scope, address and id, and says what to do.

It changes nothing: no migration, no agent, no message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from anthropic import AsyncAnthropic
from slack_sdk.web.async_client import AsyncWebClient

from bot.agents.checks import check_key, is_saved
from bot.agents.client import open_client
from bot.app import ANTHROPIC, SLACK_TIMEOUT, load_catalog
from bot.config.model import DEFAULT_PROFILE
from bot.errors import AgentsRejected, ConfigurationError, DeputyError, SlackRejected, Unavailable
from bot.settings import Settings
from bot.slack.checks import check_app_token, check_sign_in, fetch_scopes
from bot.slack.client import build_client
from oauth.errors import ConnectError
from oauth.http import Sender
from oauth.messages import Request
from oauth.urls import Policy
from store import profiles
from store.database import Database
from store.errors import SchemaUnknown, StoreError, StoreUnavailable

SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "im:history",
        "im:write",
        "users:read",
    }
)
"""The bot scopes of manifest.yml; a test holds the two together."""
DATABASE_TROUBLES: dict[type[StoreError], str] = {
    StoreUnavailable: "cannot be reached, or has no tables yet",
    SchemaUnknown: "was made by a later version of Deputy",
}
INSTALL = "install the app again from manifest.yml"
CLIENT_PROBLEMS = frozenset({"invalid_client_id", "bad_client_secret", "invalid_client"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` says what to do where it is not well."""

    name: str
    is_well: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class _Patient:
    settings: Settings
    slack: AsyncWebClient
    agents: AsyncAnthropic
    sender: Sender
    database: Database


Check = Callable[[_Patient], Awaitable[Finding]]


async def examine(settings: Settings) -> tuple[Finding, ...]:
    """Return a finding for each check; an outage is a finding too."""
    async with _admitted(settings) as patient:
        return tuple([await _looked(name, check, patient) for name, check in CHECKS.items()])


def render(findings: tuple[Finding, ...]) -> str:
    """Return the findings as lines for a terminal."""
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.name}: {finding.detail}")
        if not finding.is_well:
            lines.append(f"      → {finding.fix}")
    sick = sum(not finding.is_well for finding in findings)
    lines.append("All is well." if not sick else f"{sick} of {len(findings)} need attention.")
    return "\n".join(lines)


@asynccontextmanager
async def _admitted(settings: Settings) -> AsyncIterator[_Patient]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=SLACK_TIMEOUT, trust_env=False))
        slack = build_client(token=settings.slack_bot_token, session=session, base_url=settings.slack_api_url)
        client = open_client(api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url or ANTHROPIC)
        agents = await stack.enter_async_context(client)
        sender = await stack.enter_async_context(Sender(Policy(allow_loopback=settings.allow_loopback)))
        database = Database.open(settings.database_url, settings.secret_keys)
        stack.push_async_callback(database.close)
        yield _Patient(settings, slack, agents, sender, database)


async def _looked(name: str, check: Check, patient: _Patient) -> Finding:
    try:
        return await check(patient)
    except Unavailable:
        return Finding(name, False, "no answer", "check the network and the address, then try again")
    except (SlackRejected, AgentsRejected) as error:
        return Finding(name, False, f"refused ({error.code})", FIXES.get(name, "check this setting"))
    except DeputyError as error:
        return Finding(name, False, type(error).__name__, FIXES.get(name, "check this setting"))


async def _bot_token(patient: _Patient) -> Finding:
    team, granted = await fetch_scopes(patient.slack)
    missing = sorted(SCOPES - granted)
    if missing:
        return Finding("Slack bot token", False, f"scopes missing: {', '.join(missing)}", INSTALL)
    return Finding("Slack bot token", True, f"works in {team}, all scopes granted")


async def _delivery(patient: _Patient) -> Finding:
    if patient.settings.slack_app_token is None:
        detail = f"HTTP: Slack must deliver to {patient.settings.public_url}/slack/events"
        return Finding("Slack delivery", True, detail)
    await check_app_token(patient.slack, patient.settings.slack_app_token)
    return Finding("Slack delivery", True, "Socket Mode: the app-level token works")


async def _sign_in(patient: _Patient) -> Finding:
    settings = patient.settings
    code = await check_sign_in(patient.slack, settings.slack_client_id or "", settings.slack_client_secret)
    redirect = f"{settings.public_url}/connect/slack/callback"
    if code in CLIENT_PROBLEMS:
        return Finding("Sign in with Slack", False, f"refused ({code})", FIXES["Sign in with Slack"])
    return Finding("Sign in with Slack", True, f"client id and secret are known; redirect URL must be {redirect}")


async def _public_url(patient: _Patient) -> Finding:
    url = f"{patient.settings.public_url}/healthz"
    fix = "start Deputy, and see that this address leads to it from outside"
    try:
        answer = await patient.sender.send(Request("GET", url))
    except ConnectError:
        return Finding("Public address", False, f"{patient.settings.public_url} does not answer", fix)
    return Finding("Public address", answer.status == 200, f"{patient.settings.public_url} answers", fix)


async def _key(patient: _Patient) -> Finding:
    await check_key(patient.agents)
    return Finding("Anthropic key", True, "has access to Managed Agents")


async def _database(patient: _Patient) -> Finding:
    try:
        async with patient.database.transaction() as tx:
            await profiles.find(tx, DEFAULT_PROFILE)
    except StoreError as error:
        detail = DATABASE_TROUBLES.get(type(error), "cannot be used")
        return Finding(
            "Database", False, detail, "start Deputy once: it makes the tables itself, or says what is wrong"
        )
    return Finding("Database", True, "opens, tables are there")


async def _profile(patient: _Patient) -> Finding:
    name, fix = "Agent and environment", "start Deputy: it saves the profile again"
    try:
        async with patient.database.transaction() as tx:
            saved = await profiles.find(tx, DEFAULT_PROFILE)
    except StoreError:
        saved = None
    if saved is None:
        return Finding(name, False, "not made yet", fix)
    is_there = await is_saved(patient.agents, saved)
    return Finding(name, is_there, f"{saved.agent_id} v{saved.agent_version}, {saved.environment_id}", fix)


async def _services(patient: _Patient) -> Finding:
    try:
        catalog = load_catalog(patient.settings)
    except ConfigurationError as error:
        return Finding("Services", False, "; ".join(error.problems), "correct the catalogue file")
    offered = [service.title for service in catalog.services if service.is_available]
    return Finding("Services", bool(offered), ", ".join(offered) or "none", "add a service or a client for one")


CHECKS: dict[str, Check] = {
    "Slack bot token": _bot_token,
    "Slack delivery": _delivery,
    "Sign in with Slack": _sign_in,
    "Public address": _public_url,
    "Anthropic key": _key,
    "Database": _database,
    "Agent and environment": _profile,
    "Services": _services,
}
FIXES = {
    "Slack bot token": f"copy it again from OAuth & Permissions, or {INSTALL}",
    "Slack delivery": "make an app-level token with connections:write under Basic Information",
    "Sign in with Slack": "copy SLACK_CLIENT_ID and SLACK_CLIENT_SECRET again from Basic Information",
    "Anthropic key": "make a key in the workspace that is Deputy's own, with access to Managed Agents",
    "Agent and environment": "start Deputy: it saves the profile again",
}
