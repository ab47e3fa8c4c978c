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
from bot.composition.background import HOLD_EVERY, DatabaseHold, read_openness, start_upkeep, take_up
from bot.composition.connections import build_room
from bot.composition.context import Context, Opened, build_parts, new_reference
from bot.composition.handlers import build_desk
from bot.composition.ingress import build_bolt, build_health, build_socket, build_webhooks
from bot.composition.turns import build_asking
from bot.domain.dispatcher import Dispatcher
from bot.domain.ports import Clock
from bot.domain.supervisor import Supervisor
from bot.env import Settings
from bot.listeners import register
from bot.listeners.intake import Install, Intake
from bot.slack.client import build_client
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
        opened, install = await _opened(settings, stack, catalog, clock, front)
        front.waits_for = "agents"

        parts = build_parts(settings, opened)
        room = build_room(parts, install.workspace_id)
        asking = build_asking(parts, room)
        desk = build_desk(parts, room, asking)
        stack.push_async_callback(parts.domain.supervisor.close)
        hold = DatabaseHold(parts.domain.database)
        if opened.database.may_lose_hold:
            parts.domain.supervisor.keep("hold", hold.look, HOLD_EVERY)

        client = build_client(token=None, session=opened.session, base_url=settings.slack_api_url)
        bolt = build_bolt(settings, client, install)
        register(bolt, _intake(parts, install, desk), new_reference)
        socket = build_socket(settings, bolt)
        if socket:
            stack.push_async_callback(socket.close_async)  # it holds a pool and a task before it is connected
        web = build_web(
            pages=[*routes(room.connections, proxies=settings.proxies), *build_webhooks(settings, opened.agents, desk)],
            bolt=bolt if settings.slack_signing_secret else None,
            health=build_health(opened.database, socket, parts.domain.supervisor),
            registry=parts.metrics.registry,
            new_reference=new_reference,
            on_bad_signature=parts.metrics.count_refused_signature,
        )

        await take_up(parts, room, asking, desk, install.workspace_id)
        start_upkeep(parts, room, asking, desk, install.workspace_id)
        yield App(settings, install, parts.domain.supervisor, bolt, web, opened.database, hold, socket, front, server)


async def _answering(settings: Settings, stack: AsyncExitStack) -> tuple[Front, WebServer]:
    """Take the port and answer there at once: a start may wait for long, and says so meanwhile."""
    door = stack.enter_context(listening(settings.host, settings.port))
    front = Front()
    server = build_server(Secured(front, is_https=settings.public_url.startswith("https://")))
    await stack.enter_async_context(Supervisor.beside(partial(server.run_at, door)))
    stack.push_async_callback(server.end)
    return front, server


def _intake(parts: Context, install: Install, desk: Dispatcher) -> Intake:
    return Intake(
        install=install,
        people=parts.people,
        desk=desk,
        openness=partial(read_openness, parts.configuration, install.workspace_id),
        on_shared=parts.doubt,
    )


async def _opened(
    settings: Settings, stack: AsyncExitStack, catalog: Catalog, clock: Clock, front: Front
) -> tuple[Opened, Install]:
    """Open everything that Deputy speaks to, Slack first, which says whose Deputy it is."""
    front.waits_for = "slack"
    session = await peers.open_slack_session(stack)
    api = peers.open_slack(settings, session, clock)
    install = await peers.find_install(api, settings)
    await peers.check_app_token(settings, session, clock)
    front.waits_for = "database"
    opened = Opened(
        catalog=catalog,
        database=await peers.open_database(settings, stack, clock),
        slack=api,
        session=session,
        agents=await peers.open_agents(settings, stack),
        sender=await peers.open_sender(stack, allow_loopback=settings.allow_loopback),
        clock=clock,
        home=install.home,
    )
    return opened, install
