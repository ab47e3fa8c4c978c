"""Opens what the doctor checks (the database, Slack, the API) for reading, and closes it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from anthropic import AsyncAnthropic
from slack_sdk.web.async_client import AsyncWebClient

from bot.agents.client import open_client
from bot.composition.peers import ANTHROPIC, open_slack_session
from bot.env import Settings
from bot.slack.app_facts import fetch_identity
from bot.slack.client import build_client
from oauth.guarded_http import GuardedSender
from oauth.protocol.url_policy import UrlPolicy
from store.database import Database
from store.records import WorkspaceId


@dataclass(frozen=True, slots=True)
class DoctorTargets:
    """One installation's settings and the clients for its peers."""

    settings: Settings
    slack: AsyncWebClient
    agents: AsyncAnthropic
    sender: GuardedSender
    database: Database

    async def workspace_id(self) -> WorkspaceId:
        """Return the workspace that the bot token belongs to. Raises `SlackUnavailable` or `SlackRejected`."""
        return WorkspaceId((await fetch_identity(self.slack)).workspace_id)


@asynccontextmanager
async def admitted(settings: Settings) -> AsyncIterator[DoctorTargets]:
    """Open the clients for all peers, without making a request yet."""
    async with AsyncExitStack() as stack:
        session = await open_slack_session(stack)
        slack = build_client(token=settings.slack_bot_token, session=session, base_url=settings.slack_api_url)
        client = open_client(api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url or ANTHROPIC)
        agents = await stack.enter_async_context(client)
        sender = await stack.enter_async_context(GuardedSender(UrlPolicy(allow_loopback=settings.allow_loopback)))
        # The doctor must not leave an empty database behind that a start would take for its own.
        database = Database.open(settings.database_url, settings.secret_keys, makes_file=False)
        stack.push_async_callback(database.close)
        yield DoctorTargets(settings, slack, agents, sender, database)
