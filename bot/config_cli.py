"""`python -m bot config`: exports, compares and applies the settings' file. A second, small composition root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.clock import WallClock
from bot.composition.peers import find_install, load_catalog, open_agents, open_sender, open_slack, open_slack_session
from bot.config.file_services import Document
from bot.config.validation_messages import describe_unusable_service
from bot.config.yaml_file import write_offer
from bot.domain.admin.add_service import describe
from bot.domain.admin.config_file import ConfigFile, FilePlan, OpenedWorkspace
from bot.domain.admin.services_from_file import SecretOf, offer_of
from bot.domain.config.service import ConfigService
from bot.domain.connections.vaults import MemberVaults, forbid
from bot.env import Settings
from bot.model.errors import ConfigurationError, Problem, SettingsInvalid
from bot.model.visible_text import one_line
from bot.renderers.probe_words import list_facts, list_warnings
from oauth.catalog.probe import Prober
from oauth.catalog.saved_services import SavedServices, WorkspaceCatalog
from oauth.errors import ConnectError
from oauth.mcp.list_tools import ToolLister
from store import services
from store.database import Database
from store.errors import StoreError


@dataclass(frozen=True, slots=True)
class ConfigCommands:
    """The settings of one installation, opened for the command line."""

    file: ConfigFile
    secret_of: SecretOf

    async def read(self) -> Document:
        """Return everything as it is now. Raises `SettingsInvalid`."""
        return (await self.file.read()).document

    async def plan(self, after: Document) -> FilePlan:
        """Return what has to change. Raises `SettingsInvalid` for what cannot be so."""
        return await self.file.plan(after, self.secret_of)


async def look(url: str, *, allow_loopback: bool) -> str:
    """Return what to write into the file of a server; it needs the network only.

    Raises `SettingsInvalid` where it cannot be used.
    """
    async with AsyncExitStack() as stack:
        sender = await open_sender(stack, allow_loopback=allow_loopback)
        try:
            probe = await Prober(sender, ToolLister(sender)).probe(url)
        except ConnectError as error:
            raise SettingsInvalid((Problem(url, describe_unusable_service(error)),)) from error
    seen = describe(probe)
    notes = [f"{what}: {how}" for what, how in list_facts(seen)]
    notes += [f"NOTE: {words}" for words in list_warnings(seen)]
    title = one_line(seen.title) or seen.name
    return write_offer(seen.name, offer_of(probe, seen.name, title), notes)


@asynccontextmanager
async def opened(settings: Settings, secret_of: SecretOf = lambda _: None) -> AsyncIterator[ConfigCommands]:
    """Open the database of an installation that has been started before; `secret_of` reads secrets that files name.

    Raises `ConfigurationError`: it cannot be used, or Slack does not say whose installation this is.
    """
    clock = WallClock()
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database_url, settings.secret_keys)
        stack.push_async_callback(database.close)
        api = open_slack(settings, await open_slack_session(stack), clock, workspace="config")
        workspace_id = (await find_install(api, settings)).workspace_id
        catalog = load_catalog(settings)
        try:
            async with database.transaction() as tx:
                await services.list_for(tx, workspace_id)
        except StoreError as error:
            problem = f"DATABASE_URL: start Deputy once, it makes the tables ({type(error).__name__})"
            raise ConfigurationError((problem,)) from error
        sender = await open_sender(stack, allow_loopback=settings.allow_loopback)
        vaults = MemberVaults(database=database, agents=await open_agents(settings, stack), clock=clock, require=forbid)
        probing = Prober(sender, ToolLister(sender))
        saved = SavedServices(
            WorkspaceCatalog(workspace_id=workspace_id, database=database, catalog=catalog, clock=clock),
            prober=probing,
            on_dropped=vaults.let_go,
        )
        file = ConfigFile(
            OpenedWorkspace(workspace_id, database, clock),
            configuration=ConfigService(database=database, clock=clock, first_admins=settings.admins),
            catalog=catalog,
            services=saved,
            probing=probing,
        )
        yield ConfigCommands(file, secret_of)
