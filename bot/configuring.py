"""`python -m bot config`: the settings of the running installation as a file; a second, small composition root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bot.app import SLACK_TIMEOUT, find_install, load_catalog
from bot.clock import WallClock
from bot.config.document import list_strange_services
from bot.config.items import Change, diff
from bot.config.model import Config
from bot.domain.configuration import Configuration
from bot.errors import ConfigurationError, SettingsInvalid
from bot.settings import Settings
from bot.slack.client import SlackApi, build_client
from bot.slack.pacer import Pacer
from store import services
from store.database import Database
from store.errors import StoreError
from store.records import WorkspaceId

ACTOR = "config file"
"""Who the audit trail says has changed the settings: whoever may run the command on this machine."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The settings of one installation, opened for the command line."""

    configuration: Configuration
    workspace_id: WorkspaceId
    known_services: set[str]

    async def read(self) -> Config:
        """Return the settings as they are now. Raises `SettingsInvalid`."""
        return await self.configuration.read(self.workspace_id)

    async def plan(self, after: Config) -> tuple[Config, tuple[Change, ...]]:
        """Return the settings of now, and what has to change. Raises `SettingsInvalid` for unknown services."""
        if strange := list_strange_services(after, self.known_services):
            raise SettingsInvalid(strange)
        before = await self.read()
        return before, diff(before, after)

    async def apply(self, before: Config, after: Config) -> None:
        """Bring them to `after`, all or nothing. Raises `NotPermitted` if they are not `before` any more."""
        await self.configuration.apply(self.workspace_id, ACTOR, before, after)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Desk]:
    """Open the database of an installation that has been started before.

    Raises `ConfigurationError`: it cannot be used, or Slack does not say whose installation this is.
    """
    clock = WallClock()
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database_url, settings.secret_keys)
        stack.push_async_callback(database.close)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=SLACK_TIMEOUT, trust_env=False))
        client = build_client(token=settings.slack_bot_token, session=session, base_url=settings.slack_api_url)
        install = await find_install(
            SlackApi(client=client, clock=clock, pacer=Pacer(clock), workspace="config"), settings
        )
        catalog = load_catalog(settings)
        try:
            async with database.transaction() as tx:
                saved = await services.list_for(tx, install.workspace_id)
        except StoreError as error:
            problem = f"DATABASE_URL: start Deputy once, it makes the tables ({type(error).__name__})"
            raise ConfigurationError((problem,)) from error
        known = {str(one.name) for one in catalog.services} | {str(one.name) for one in saved}
        configuration = Configuration(database=database, clock=clock, first_admins=settings.admins)
        yield Desk(configuration, install.workspace_id, known)
