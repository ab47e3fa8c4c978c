"""The composition root: builds everything in dependency order on one exit stack, knows everybody, decides nothing.

Nothing is set later and nobody imports this module but `__main__`, the doctor and tests.
"""

from __future__ import annotations

import asyncio
import secrets
import socket as sockets
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bot import actions
from bot import commands as c
from bot.agents.agents import ManagedAgents
from bot.agents.client import open_client
from bot.clock import WallClock
from bot.config.model import DEFAULT_PROFILE
from bot.domain.adding import Adding
from bot.domain.administering import Administering
from bot.domain.admission import Admission
from bot.domain.allowances import Allowances
from bot.domain.approvals import Approvals
from bot.domain.bringing import Bringing
from bot.domain.calls import Calls
from bot.domain.configuration import Configuration
from bot.domain.connecting import Connecting, Tellings
from bot.domain.deciding import Decisions
from bot.domain.desk import Desk, Handler
from bot.domain.enforcing import Enforcing
from bot.domain.homes import Homes
from bot.domain.housekeeping import Housekeeping
from bot.domain.lapses import Lapses
from bot.domain.offboarding import Offboarding
from bot.domain.permits import RuledPermits
from bot.domain.pinning import Pinning
from bot.domain.ports import Agents, Clock, Openness
from bot.domain.profiles import Profiles
from bot.domain.raising import MET_A_LIMIT, Raising
from bot.domain.refreshing import Refreshing
from bot.domain.running import Outside, Runner
from bot.domain.sessions import Sessions
from bot.domain.shelves import Shelves
from bot.domain.shortages import Shortages
from bot.domain.stopping import Stopping
from bot.domain.supervisor import Supervisor
from bot.domain.tokens import Tokens
from bot.domain.turns import Turns
from bot.domain.vaults import Vaults
from bot.errors import AgentsRejected, ConfigurationError, SettingsInvalid, SlackRejected
from bot.listeners import register
from bot.listeners.intake import Install, Intake
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.client import SlackApi, build_client
from bot.slack.files import SlackFiles
from bot.slack.pacer import Pacer
from bot.slack.people import SlackPeople
from bot.slack.reading import SlackReading
from bot.slack.screen import SlackScreen
from bot.web import webhooks
from bot.web.asgi import Health, build_web
from bot.web.serving import build_server, listening
from oauth.arrivals import OnHold, OnToken
from oauth.browser import SlackIdentity
from oauth.catalog import Catalog
from oauth.connections import Connections
from oauth.errors import CatalogInvalid
from oauth.inventory import Inventory
from oauth.listing import Listing
from oauth.personal import PersonalTokens
from oauth.probing import Probing
from oauth.registration import PreRegistered
from oauth.routes import routes
from oauth.service import Service
from oauth.services import Services
from oauth.urls import Policy
from store.database import Database
from store.errors import SealBroken, StoreError
from store.records import Connection, Secret, ServiceName, Turn, WorkspaceId

if TYPE_CHECKING:
    from oauth.http import Sender

log = structlog.get_logger(__name__)

THE_ONE = "default"
"""Names the one installation there is, for Slack's rate limits."""
ANTHROPIC = "https://api.anthropic.com"
LOOK_AFTER_SOCKET = 2.0
"""Seconds between looks at the socket: one that was cut is opened again after about so long."""
SLACK_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)


@dataclass(frozen=True, slots=True)
class App:
    """A running Deputy. `web` serves pages; Socket Mode, where used, is connected by `serve`."""

    settings: Settings
    install: Install
    supervisor: Supervisor
    bolt: AsyncApp
    web: Starlette
    database: Database
    socket: AsyncSocketModeHandler | None
    """Slack's deliveries by Socket Mode; None when they come over HTTP."""
    door: sockets.socket
    """Where browsers come in: bound from the beginning, answered once `serve` runs."""

    async def serve(self, stopping: asyncio.Event) -> None:
        """Serve the web app and Slack until `stopping` is set."""
        server = build_server(self.web)

        async def stop() -> None:
            await stopping.wait()
            server.should_exit = True  # before the line, which fails where nobody reads what we say any more
            log.info("stopping")

        async with AsyncExitStack() as stack:
            if self.socket:
                await self.socket.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
                stack.push_async_callback(self.socket.close_async)
            log.info("serving", url=self.settings.public_url)
            async with self.supervisor.beside(stop):
                await server.serve(sockets=[self.door])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What is built on the way, for what is built after it."""

    settings: Settings
    database: Database
    catalog: Catalog
    outside: Outside
    people: SlackPeople
    reading: SlackReading
    files: SlackFiles
    supervisor: Supervisor
    metrics: Metrics
    configuration: Configuration
    permits: RuledPermits
    pinning: Pinning
    homes: Homes
    refreshing: Refreshing
    sender: Sender

    def on_end(self, raising: Raising, turn: Turn, outcome: str) -> None:
        """A turn is over: count it, show it where its owner looks, and offer more where a budget ended it."""
        self.metrics.count_end(outcome)
        self.refreshing.changed(turn.owner.workspace_id, turn.owner.user_id)
        if outcome in MET_A_LIMIT:
            self.supervisor.start(lambda: raising.offer(turn.thread_id))


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None) -> AsyncIterator[App]:
    """Build Deputy, take up what an earlier process left, and put everything away at the end.

    Raises `ConfigurationError` where Slack or the catalogue says that the settings cannot work, or the
    port is taken: then nothing has been touched, for it may be another Deputy that runs here.
    """
    clock = clock or WallClock()
    catalog = load_catalog(settings)
    async with AsyncExitStack() as stack:
        door = stack.enter_context(listening(settings.host, settings.port))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=SLACK_TIMEOUT, trust_env=False))
        client = build_client(token=settings.slack_bot_token, session=session, base_url=settings.slack_api_url)
        api = SlackApi(client=client, clock=clock, pacer=Pacer(clock), workspace=THE_ONE)
        install = await find_install(api, settings)
        parts = await _open_parts(settings, catalog=catalog, api=api, session=session, clock=clock, stack=stack)
        room = _oauth_room(parts, install.workspace_id)
        domain = _domain(parts, room)
        stack.push_async_callback(parts.supervisor.close)
        bolt = _build_bolt(
            settings, build_client(token=None, session=session, base_url=settings.slack_api_url), install
        )
        openness = partial(_openness, parts.configuration, install.workspace_id)
        intake = Intake(install=install, people=parts.people, desk=domain.desk, openness=openness)
        register(bolt, intake, new_reference)
        # It takes Bolt's own client, so that its address and pool hold for the socket too.
        token = settings.slack_app_token
        handler = AsyncSocketModeHandler(bolt, token.reveal(), ping_interval=LOOK_AFTER_SOCKET) if token else None
        if handler:
            stack.push_async_callback(handler.close_async)  # it holds a pool and a task before it is connected
        web = build_web(
            pages=[
                *routes(room.connections, proxies=settings.proxies),
                *_webhooks(settings, parts.outside.agents, domain.desk),
            ],
            bolt=bolt if settings.slack_signing_secret else None,
            health=_health(parts.database, handler),
            registry=parts.metrics.registry,
            new_reference=new_reference,
        )
        await domain.take_up(room, install.workspace_id)
        housekeeping = Housekeeping(
            database=parts.database,
            people=parts.people,
            offboarding=domain.offboarding,
            lapses=room.lapses,
            clock=clock,
        )
        parts.supervisor.start(housekeeping.run)
        enforcing = Enforcing(
            configuration=parts.configuration,
            stopping=domain.stopping,
            shortages=domain.shortages,
            reload=room.services.reload,
            clock=clock,
            workspace_id=install.workspace_id,
        )
        parts.supervisor.start(enforcing.run)
        yield App(settings, install, parts.supervisor, bolt, web, parts.database, handler, door)


async def _open_parts(
    settings: Settings,
    *,
    catalog: Catalog,
    api: SlackApi,
    session: aiohttp.ClientSession,
    clock: Clock,
    stack: AsyncExitStack,
) -> _Parts:
    from oauth.http import Sender  # noqa: PLC0415  # httpx is slow to import

    database = await _open_database(settings, stack)
    agents = await open_agents(settings, stack)
    people = SlackPeople(api=api, clock=clock)
    screen = SlackScreen(api=api, database=database, clock=clock, titles=catalog.titles)
    metrics, supervisor = Metrics(), Supervisor(new_reference)
    metrics.watch_driven(lambda: supervisor.driven)
    configuration = Configuration(database=database, clock=clock, first_admins=settings.admins)
    permits = RuledPermits(configuration)
    homes = Homes(
        database=database, screen=screen, catalog=catalog, clock=clock, permits=permits, configuration=configuration
    )
    return _Parts(
        homes=homes,
        refreshing=Refreshing(supervisor=supervisor, clock=clock, refresh=homes.refresh),
        settings=settings,
        database=database,
        catalog=catalog,
        outside=Outside(agents, screen, clock),
        people=people,
        reading=SlackReading(api=api, people=people),
        files=SlackFiles(api=api, session=session, token=settings.slack_bot_token),
        supervisor=supervisor,
        metrics=metrics,
        configuration=configuration,
        permits=permits,
        pinning=Pinning(database=database, screen=screen, clock=clock, admins_of=configuration.admins_in),
        sender=await stack.enter_async_context(Sender(Policy(allow_loopback=settings.allow_loopback))),
    )


async def _openness(configuration: Configuration, workspace_id: WorkspaceId) -> Openness:
    """Return whom admins let in; where their settings cannot be read, nobody but full members."""
    try:
        audience = (await configuration.read(workspace_id)).audience
    except SettingsInvalid:
        return Openness()
    return Openness(audience.guests, audience.shared_channels)


def new_reference() -> str:
    """Return a short name for an incident, for a person to quote and an operator to find."""
    return secrets.token_hex(4).upper()


def load_catalog(settings: Settings) -> Catalog:
    """Return the services on offer. Raises `ConfigurationError`."""
    try:
        catalog = Catalog.load(settings.catalog_path, _clients(settings.clients_path))
    except CatalogInvalid as error:
        raise ConfigurationError(tuple(error.problems)) from error
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
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, OSError) as error:
        raise ConfigurationError((f"DEPUTY_CLIENTS: cannot be read ({type(error).__name__})",)) from error


async def _open_database(settings: Settings, stack: AsyncExitStack) -> Database:
    try:
        database = Database.open(settings.database_url, settings.secret_keys)
        stack.push_async_callback(database.close)
        await database.migrate()
    except StoreError as error:
        problem = f"DATABASE_URL: the database cannot be used ({type(error).__name__}: {error})"
        raise ConfigurationError((problem,)) from error
    return database


def _build_bolt(settings: Settings, client: AsyncWebClient, install: Install) -> AsyncApp:
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
        client=client,
        signing_secret=signing_secret.reveal() if signing_secret else None,
        authorize=authorize,
        process_before_response=True,
    )


async def find_install(api: SlackApi, settings: Settings) -> Install:
    """Ask Slack whose token this is. Raises `ConfigurationError` when Slack refuses it."""
    try:
        who = await api.call("auth.test")
    except SlackRejected as error:
        raise ConfigurationError(
            (f"SLACK_BOT_TOKEN: Slack refuses it ({error.code}); install the app again",)
        ) from error
    token = settings.slack_app_token.reveal().split("-") if settings.slack_app_token else []
    return Install(
        # An app-level token names its app: xapp-1-A012ABC-….
        app_id=token[2] if len(token) > 2 else None,
        team_id=str(who.get("team_id") or ""),
        enterprise_id=str(who.get("enterprise_id") or "") or None,
        bot_user_id=str(who.get("user_id") or ""),
        is_org_wide=bool(who.get("is_enterprise_install")),
    )


async def open_agents(settings: Settings, stack: AsyncExitStack) -> ManagedAgents:
    """Open the Managed Agents API until the stack ends."""
    client = open_client(api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url or ANTHROPIC)
    return ManagedAgents(client=await stack.enter_async_context(client), webhook_key=settings.webhook_key)


@dataclass(frozen=True, slots=True)
class _Room:
    """The OAuth room and what it is reached through."""

    connections: Connections
    vaults: Vaults
    services: Services
    inventory: Inventory
    personal: PersonalTokens
    lapses: Lapses


def _oauth_room(parts: _Parts, workspace_id: WorkspaceId) -> _Room:
    settings, clock = parts.settings, parts.outside.clock
    vaults = Vaults(database=parts.database, agents=parts.outside.agents, clock=clock)
    lapses = Lapses(
        database=parts.database, screen=parts.outside.screen, catalog=parts.catalog, vaults=vaults, clock=clock
    )
    listing = Listing(parts.sender)
    inventory = Inventory(database=parts.database, listing=listing, clock=clock, on_difference=parts.pinning.listed)
    connections = Connections(
        database=parts.database,
        catalog=parts.catalog,
        sender=parts.sender,
        vaults=vaults,
        outcomes=Tellings(
            screen=parts.outside.screen, catalog=parts.catalog, lapses=lapses, changed=parts.refreshing.changed
        ),
        identity=_identity(settings),
        base_url=settings.public_url,
        clock=clock,
        on_token=_listing_later(inventory, parts.supervisor),
        on_hold=_ending_later(parts.supervisor, clock) if settings.identity_check == "code" else None,
    )
    services = Services(
        database=parts.database,
        catalog=parts.catalog,
        probing=Probing(parts.sender, listing),
        workspace_id=workspace_id,
        clock=clock,
        on_dropped=vaults.let_go,
    )
    personal = PersonalTokens(
        database=parts.database,
        catalog=parts.catalog,
        listing=listing,
        inventory=inventory,
        vaults=vaults,
        clock=clock,
    )
    return _Room(connections, vaults, services, inventory, personal, lapses)


def _identity(settings: Settings) -> SlackIdentity | None:
    """Return Sign in with Slack; None where a code proves who is at the browser, which is said at each start."""
    if settings.identity_check == "code":
        log.warning("identity_check_is_weak", by="code", better="DEPUTY_IDENTITY_CHECK=slack_oidc")
        return None
    client_id, secret = settings.slack_client_id or "", settings.slack_client_secret
    return SlackIdentity.at(settings.slack_base_url, client_id=client_id, client_secret=secret)


def _ending_later(supervisor: Supervisor, clock: Clock) -> OnHold:
    """See that what waits for a code is given up when its time is over."""

    def end_later(until: datetime, give_up: Callable[[], Awaitable[None]]) -> None:
        async def end_code() -> None:
            await clock.sleep_until(until)
            await give_up()

        supervisor.start(end_code)

    return end_later


def _listing_later(inventory: Inventory, supervisor: Supervisor) -> OnToken:
    """Let a service's tools be listed beside everything else: nobody waits for it, and nothing hangs on it."""

    def list_later(service: Service, connection: Connection, token: Secret) -> None:
        async def list_tools() -> None:
            await inventory.take(service, connection, token)

        supervisor.start(list_tools)

    return list_later


@dataclass(frozen=True, slots=True)
class _Domain:
    desk: Desk
    runner: Runner
    stopping: Stopping
    profiles: Profiles
    offboarding: Offboarding
    configuration: Configuration
    shortages: Shortages

    async def take_up(self, room: _Room, workspace_id: WorkspaceId) -> None:
        """Go on where an earlier process stopped. Raises `ConfigurationError` for keys that do not fit."""
        try:
            await room.services.reload()
            await self._ensure_profile(workspace_id)
            await room.connections.recover()
            await self.desk.recover()
            await self.runner.resume()
        except SealBroken as error:
            problem = f"DEPUTY_SECRET_KEYS: {error.place} was sealed with a key that is not among them; add it again"
            raise ConfigurationError((problem,)) from error

    async def _ensure_profile(self, workspace_id: WorkspaceId) -> None:
        try:
            await self.profiles.ensure(await self.configuration.read(workspace_id), DEFAULT_PROFILE)
        except SettingsInvalid as error:
            problems = tuple(f"a stored setting cannot be read: {problem}" for problem in error.problems)
            raise ConfigurationError(problems) from error
        except AgentsRejected as error:
            problem = f"ANTHROPIC_API_KEY: the API refuses it or the profile ({error.code}); run the doctor"
            raise ConfigurationError((problem,)) from error


def _domain(parts: _Parts, room: _Room) -> _Domain:
    database, supervisor = parts.database, parts.supervisor
    agents, screen, clock = parts.outside.agents, parts.outside.screen, parts.outside.clock
    model, minutes = parts.settings.model, parts.settings.approval_minutes
    configuration = parts.configuration
    profiles = Profiles(
        database=database, agents=agents, catalog=parts.catalog, configuration=configuration, model=model
    )
    admission = Admission(database=database, configuration=configuration, clock=clock)
    sessions = Sessions(
        database=database,
        agents=agents,
        vaults=room.vaults,
        profiles=profiles,
        configuration=configuration,
        clock=clock,
    )
    approvals = Approvals(
        database=database,
        agents=agents,
        screen=screen,
        sessions=sessions,
        clock=clock,
        permits=parts.permits,
        minutes=minutes,
        changed=parts.refreshing.changed,
        on_call=parts.pinning.called,
    )
    connecting = Connecting(
        database=database,
        screen=screen,
        catalog=parts.catalog,
        connections=room.connections,
        admission=admission,
        clock=clock,
    )
    shortages = Shortages(database=database, configuration=configuration, screen=screen, clock=clock)
    raising = Raising(
        database=database,
        configuration=configuration,
        shortages=shortages,
        screen=screen,
        supervisor=supervisor,
        clock=clock,
    )
    runner = Runner(
        database=database,
        outside=parts.outside,
        sessions=sessions,
        admission=admission,
        approvals=approvals,
        supervisor=supervisor,
        bringing=Bringing(database=database, agents=agents, slack=parts.files, screen=screen, clock=clock),
        on_reconnect=room.lapses.met_refusal,
        on_end=partial(parts.on_end, raising),
    )
    stopping = Stopping(database=database, screen=screen, runner=runner, configuration=configuration, clock=clock)
    turns = Turns(
        database=database,
        screen=screen,
        reading=parts.reading,
        runner=runner,
        stopping=stopping,
        admission=admission,
        configuration=configuration,
        clock=clock,
    )
    offboarding = Offboarding(
        database=database, stopping=stopping, connections=room.connections, vaults=room.vaults, clock=clock
    )
    handlers: dict[type, Handler] = {
        **_turn_handlers(turns, stopping),
        **_approval_handlers(parts, runner),
        **_personal_handlers(connecting, parts.homes),
        **_token_handlers(
            Tokens(
                screen=screen,
                personal=room.personal,
                admission=admission,
                lapses=room.lapses,
                new_reference=new_reference,
            )
        ),
        c.OpenAskForm: lambda command, _: screen.ask_task(command),
        c.DeactivateMember: lambda command, _: offboarding.deactivate(command),
        c.LeaveWorkspace: lambda command, _: room.connections.void_workspace(WorkspaceId(command.workspace_id)),
        c.LookAtCredential: lambda command, _: room.lapses.look_at_credential(command),
        c.LookAtVault: lambda command, _: room.lapses.look_at_vault(command),
    }
    administering = _administering(parts, room, stopping, profiles)
    administering.add(actions.RAISE_FORM, raising.submit)
    handlers |= _raise_handlers(raising)
    handlers[c.UseSettings] = lambda command, _: administering.use(command)
    desk = Desk(
        database=database,
        screen=screen,
        supervisor=supervisor,
        clock=clock,
        handlers=handlers,
        answers={c.SubmitSettings: administering.submit},
        on_done=parts.refreshing.after,
    )
    return _Domain(desk, runner, stopping, profiles, offboarding, configuration, shortages)


def _raise_handlers(raising: Raising) -> dict[type, Handler]:
    return {
        c.AskRaise: lambda command, _: raising.ask(command),
        c.OpenRaise: lambda command, _: raising.open_form(command),
        c.DeclineRaise: lambda command, _: raising.decline(command),
    }


def _token_handlers(tokens: Tokens) -> dict[type, Handler]:
    return {
        c.OpenTokenForm: lambda command, _: tokens.open_form(command),
        c.GiveToken: lambda command, _: tokens.give(command),
        c.RefuseToken: lambda command, _: tokens.refuse(command),
    }


def _administering(parts: _Parts, room: _Room, stopping: Stopping, profiles: Profiles) -> Administering:
    screen, supervisor = parts.outside.screen, parts.supervisor
    shelves = Shelves(
        database=parts.database,
        catalog=parts.catalog,
        configuration=parts.configuration,
        connections=room.connections,
        services=room.services,
    )
    administering = Administering(
        configuration=parts.configuration,
        profiles=profiles,
        stopping=stopping,
        shelves=shelves,
        screen=screen,
        supervisor=supervisor,
    )
    adding = Adding(
        services=room.services,
        administering=administering,
        screen=screen,
        supervisor=supervisor,
        clock=parts.outside.clock,
    )
    administering.add(actions.SETTINGS_URL, adding.look)
    administering.add(actions.SETTINGS_PROBED, adding.save)
    return administering


def _turn_handlers(turns: Turns, stopping: Stopping) -> dict[type, Handler]:
    return {
        c.AskAgent: turns.ask,
        c.Reply: turns.reply,
        c.AskAgain: turns.again,
        c.PassAside: turns.pass_aside,
        c.WithdrawRequest: lambda command, _: turns.withdraw(command),
        c.RewordRequest: lambda command, _: turns.reword(command),
        c.StopTurn: lambda command, _: stopping.stop(command),
        c.RateAnswer: lambda command, _: turns.rate(command),
    }


def _approval_handlers(parts: _Parts, runner: Runner) -> dict[type, Handler]:
    database, screen, clock = parts.database, parts.outside.screen, parts.outside.clock
    decisions = Decisions(
        database=database,
        screen=screen,
        clock=clock,
        calls=Calls(parts.outside.agents),
        permits=parts.permits,
        minutes=parts.settings.approval_minutes,
    )
    allowances = Allowances(database=database, screen=screen, clock=clock)
    return {
        c.DecideApproval: lambda command, _: decisions.decide(command, runner.wake),
        c.AllowAll: lambda command, _: decisions.allow_all(command, runner.wake),
        c.ShowApproval: lambda command, _: decisions.show(command),
        c.ExplainDenial: lambda command, _: decisions.explain(command),
        c.AcceptTools: lambda command, _: parts.pinning.accept(command),
        c.RevokeAllowance: lambda command, _: allowances.revoke(command),
    }


def _personal_handlers(connecting: Connecting, homes: Homes) -> dict[type, Handler]:
    return {
        c.ConnectService: lambda command, _: connecting.connect(command),
        c.OpenCodeForm: lambda command, _: connecting.open_code_form(command),
        c.ConfirmCode: lambda command, _: connecting.confirm(command),
        c.DisconnectService: lambda command, _: connecting.disconnect(command),
        c.ShowStatus: lambda command, _: homes.status(command),
        c.ShowHelp: lambda command, _: homes.help(command),
        c.ShowHome: lambda command, _: homes.publish(command),
    }


def _webhooks(settings: Settings, agents: Agents, desk: Desk) -> list[BaseRoute]:
    """Return the door of the Managed Agents API, where a key for it is set."""

    async def take(body: bytes, headers: Mapping[str, str]) -> None:
        key, command = agents.read_webhook(body, headers)
        if command:
            await desk.accept(f"webhook:{key}", command)

    return [webhooks.build_route(take)] if settings.webhook_key else []


def _health(database: Database, socket: AsyncSocketModeHandler | None) -> Health:
    async def health() -> dict[str, bool]:
        is_listening = await socket.client.is_connected() if socket else True
        async with database.transaction():
            return {"database": True, "slack": is_listening}

    return health
