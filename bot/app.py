"""The composition root: opens and builds everything in dependency order on one exit stack. It decides nothing.

Only `__main__` and tests import it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from starlette.types import ASGIApp

from bot.clock import WallClock
from bot.composition import peers
from bot.composition.background import DatabaseHold, start_upkeep, take_up
from bot.composition.context import build_context, new_reference
from bot.composition.handlers import build_dispatcher
from bot.composition.ingress import build_bolt, build_health, build_socket, build_webhooks
from bot.composition.nouns import Nouns, build_nouns
from bot.composition.peers import OpenedPeers
from bot.domain.context import DomainContext
from bot.domain.dispatcher import Dispatcher
from bot.domain.ports import Clock
from bot.domain.supervisor import Supervisor
from bot.env import Settings
from bot.listeners import register
from bot.listeners.intake import Install, Intake
from bot.metrics import Metrics
from bot.slack.answer.unposted import UnpostedMessages
from bot.web.asgi import build_web
from bot.web.front import Front
from bot.web.security_headers import Secured
from bot.web.server import WebServer, build_server, listening
from oauth.catalog.catalog import Catalog
from oauth.connect.routes import routes
from store.database import Database
from store.errors import StoreTaken

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """A running Deputy. `serve` opens the front to `web`, and connects Socket Mode where it is used."""

    settings: Settings
    install: Install
    supervisor: Supervisor
    bolt: AsyncApp
    web: ASGIApp
    database: Database
    hold: DatabaseHold
    socket: AsyncSocketModeHandler | None
    """Slack's deliveries by Socket Mode; None when they come over HTTP."""
    front: Front
    server: WebServer
    """It runs from the beginning: until `serve` opens the front, it says that Deputy starts."""

    async def serve(self, stopping: asyncio.Event) -> None:
        """Serve the web app and Slack until `stopping` is set.

        Raises `StoreTaken` where another process drives the database in our place: two would do everything twice.
        """

        async def give_way() -> None:
            await self.hold.lost.wait()
            stopping.set()

        async def stop() -> None:
            await stopping.wait()
            self.server.should_exit = True  # before the line, which fails where nobody reads what we say any more
            log.info("stopping")

        async with AsyncExitStack() as stack:
            if self.socket:
                stack.push_async_callback(self.socket.close_async)
            stack.push_async_callback(self.server.end)
            # Beside each other: browsers and `/healthz` are answered, and a stop is heard, while Slack is not there.
            beside = self.supervisor.beside
            async with beside(stop), beside(give_way), beside(self._connect_socket):
                self.front.open(self.web)
                await self.server.ended.wait()
        if self.hold.lost.is_set():
            raise StoreTaken("elsewhere")

    async def _connect_socket(self) -> None:
        """Open Socket Mode where it is used; the SDK tries until it succeeds."""
        if self.socket:
            await self.socket.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
        log.info("serving", url=self.settings.public_url)


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None) -> AsyncIterator[App]:
    """Build Deputy, take up what an earlier process left, and put everything away at the end.

    Raises `ConfigurationError` where Slack or the catalogue says that the settings cannot work, or the
    port is taken: then nothing has been touched, for it may be another Deputy that runs here.
    """
    clock = clock or WallClock()
    catalog = peers.load_catalog(settings)
    async with AsyncExitStack() as stack:
        front, server = await _answering(settings, stack)
        opened = await _open_peers(settings, stack, catalog, clock, front)
        metrics, unposted = Metrics(), UnpostedMessages()
        context = build_context(settings, opened, metrics, unposted)
        nouns = build_nouns(context, settings, opened.sender, metrics)
        dispatcher = build_dispatcher(context, nouns, unposted)
        stack.push_async_callback(context.supervisor.close)
        hold = DatabaseHold(context)
        hold.start()

        bolt = build_bolt(settings, opened.session, opened.install)
        register(bolt, _build_intake(context, nouns, dispatcher, opened.install), new_reference)
        socket = build_socket(settings, bolt)
        if socket:
            stack.push_async_callback(socket.close_async)  # it holds a pool and a task before it is connected
        pages = routes(nouns.connections.browser, proxies=settings.proxies)
        web = build_web(
            pages=[*pages, *build_webhooks(settings, context.agents, dispatcher)],
            bolt=bolt if settings.slack_signing_secret else None,
            health=build_health(context.database, socket, context.supervisor),
            registry=metrics.registry,
            new_reference=new_reference,
            on_bad_signature=metrics.count_refused_signature,
        )

        await take_up(context, nouns, dispatcher, is_key_lost=settings.is_key_lost)
        start_upkeep(context, nouns, dispatcher)
        yield App(
            settings, opened.install, context.supervisor, bolt, web, context.database, hold, socket, front, server
        )


async def _answering(settings: Settings, stack: AsyncExitStack) -> tuple[Front, WebServer]:
    """Take the port and answer there at once: a start may wait for long, and says so meanwhile."""
    door = stack.enter_context(listening(settings.host, settings.port))
    front = Front()
    server = build_server(Secured(front, is_https=settings.public_url.startswith("https://")))
    await stack.enter_async_context(Supervisor.beside(partial(server.run_at, door)))
    stack.push_async_callback(server.end)
    return front, server


def _build_intake(context: DomainContext, nouns: Nouns, dispatcher: Dispatcher, install: Install) -> Intake:
    return Intake(
        install=install,
        people=context.people,
        dispatcher=dispatcher,
        openness=nouns.access.read_openness,
        on_shared=nouns.access.doubt,
    )


async def _open_peers(
    settings: Settings, stack: AsyncExitStack, catalog: Catalog, clock: Clock, front: Front
) -> OpenedPeers:
    """Open everything that Deputy speaks to, Slack first, which says whose Deputy it is."""
    front.waits_for = "slack"
    session = await peers.open_slack_session(stack)
    slack = peers.open_slack(settings, session, clock)
    install = await peers.find_install(slack, settings)
    await peers.check_app_token(settings, session, clock)
    front.waits_for = "database"
    database = await peers.open_database(settings, stack, clock)
    front.waits_for = "agents"
    return OpenedPeers(
        install=install,
        slack=slack,
        session=session,
        database=database,
        agents=await peers.open_agents(settings, stack),
        sender=await peers.open_sender(stack, allow_loopback=settings.allow_loopback),
        catalog=catalog,
        clock=clock,
    )
