"""`oauth` with everything real but the network's other end: simulated service and Slack, recorded vault."""

from __future__ import annotations

import asyncio
import base64
import copy
import secrets
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import uvicorn
from aiohttp import web
from starlette.applications import Starlette

from oauth.catalog.catalog import Catalog
from oauth.connect.browser import SlackIdentity
from oauth.connect.connect_context import ConnectContext
from oauth.connect.connections import Connections
from oauth.connect.routes import routes
from oauth.guarded_http import GuardedSender
from oauth.ports import Credential, Failure, Validity, VaultForbidden, VaultFull, VaultRefused
from oauth.protocol.url_policy import UrlPolicy
from simulator.clock import SimulatorClock
from simulator.service.server import LoopbackServer, ServiceSimulator
from simulator.slack.openid import Lies, OpenId
from simulator.slack.people import ALICE, BOB
from simulator.slack.workspace import Workspace
from store import connections as connection_rows
from store import members, vaults
from store.database import Database, Tx
from store.ids import new_id
from store.records import Connection, ConnectionId, ConnectionState, Member, Secret, ServiceName, Ticket

LOOPBACK = UrlPolicy(allow_loopback=True)
NOTES = ServiceName("notes")


class Clock:
    """The simulators' clock as ours."""

    def __init__(self, simulated: SimulatorClock) -> None:
        self.simulated = simulated

    def now(self):
        return self.simulated.utc()


@dataclass
class RecordingVaults:
    """A vault that keeps what it is given, and says what it is told to."""

    database: Database
    clock: Clock
    validity: Validity = Validity.VALID
    refuses: bool = False
    credentials: list[tuple[Member, str, Credential]] = field(default_factory=list)
    removed: list[Connection] = field(default_factory=list)
    repaired: list[tuple[Member, str]] = field(default_factory=list)
    is_full: bool = False
    is_reached: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event | None = None
    forbidden: Failure | None = None

    async def require_permitted(self, _owner: Member, _service: ServiceName) -> None:
        if self.forbidden:
            raise VaultForbidden(failure=self.forbidden)

    async def put(self, owner: Member, service: ServiceName, credential: Credential) -> Connection:
        self.is_reached.set()
        if self.may_go_on is not None:
            await self.may_go_on.wait()
        await self.require_permitted(owner, service)
        if self.is_full:
            raise VaultFull
        if self.refuses:
            raise VaultRefused("invalid_request_error", 400)
        self.credentials.append((owner, service, credential))
        async with self.database.transaction() as tx:
            vault = await vaults.intend(tx, owner, new_id("vlm"), self.clock.now())
            vault = await vaults.activate(tx, vault.marker, f"vlt_{owner.user_id}")
        connection = Connection(
            id=ConnectionId(new_id("con")),
            owner=owner,
            service=ServiceName(service),
            vault_id=vault.vault_id,
            credential_id=f"vcrd_{len(self.credentials)}",
            mcp_server_url=credential.mcp_server_url,
            account=credential.account,
            scope=credential.scope,
            state=ConnectionState.CONNECTED,
            expires_at=credential.ends_at,
            connected_at=self.clock.now(),
            asked_scope=credential.asked_scope,
        )
        async with self.database.transaction() as tx:
            await connection_rows.put(tx, connection)
        return connection

    async def validate(self, _connection: Connection) -> Validity:
        return self.validity

    async def repair(self, owner: Member, service: ServiceName) -> None:
        self.repaired.append((owner, service))

    async def remove(self, connection: Connection) -> None:
        self.removed.append(connection)
        async with self.database.transaction() as tx:
            await connection_rows.mark(tx, connection.id, ConnectionState.DISCONNECTED)


@dataclass
class RecordingOutcomes:
    """What the bot would have told."""

    connections: list[tuple[Ticket, Connection]] = field(default_factory=list)
    wanted: list[tuple[Ticket, datetime]] = field(default_factory=list)
    failures: list[tuple[Ticket, Failure, str]] = field(default_factory=list)

    async def connected(self, _: Tx, ticket: Ticket, connection: Connection) -> None:
        self.connections.append((ticket, connection))

    async def code_wanted(self, ticket: Ticket, until: datetime) -> None:
        self.wanted.append((ticket, until))

    async def failed(self, _: Tx, ticket: Ticket, failure: Failure, reference: str) -> None:
        self.failures.append((ticket, failure, reference))

    def send(self, ticket: Ticket) -> None:
        """What is noted above is told by nobody."""


@dataclass
class Room:
    """`oauth`, running: real routes on a real server, and what its neighbours saw."""

    base_url: str
    connections: Connections
    vaults: RecordingVaults
    outcomes: RecordingOutcomes
    clock: Clock
    database: Database
    notes: ServiceSimulator
    slack: OpenId
    app: Starlette | None = None
    shown: list[str] = field(default_factory=list)
    """Every page that a browser saw."""

    def browser(self) -> Browser:
        return Browser(self)

    async def issue(self, member: Member, service: str = NOTES) -> str:
        _, url = await self.connections.issue(member, ServiceName(service), self.clock.now())
        return url

    def restarted(self, sender: GuardedSender, catalog: Catalog | None = None) -> Connections:
        """Return what a new process has: the database, and nothing of the old one's memory."""
        return build_connections(
            self.base_url,
            database=self.database,
            catalog=self.connections.catalog if catalog is None else catalog,  # an empty one is false
            sender=sender,
            vaults=self.vaults,
            outcomes=self.outcomes,
            slack=self.slack,
            clock=self.clock,
        )


class Browser:
    """A browser without a screen: cookies, redirects one by one, forms with their origin."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.client = httpx.AsyncClient(trust_env=False, timeout=10, follow_redirects=False)
        self.cookies: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, url: str, method: str = "GET", **headers: str) -> httpx.Response:
        return await self._send(method, url, headers)

    async def press(self, link: str, **headers: str) -> httpx.Response:
        """Press the start page's button."""
        own = {"origin": self.room.base_url, "sec-fetch-site": "same-origin"}
        return await self._send("POST", f"{link}/start", {**own, **headers})

    async def to_slack(self, link: str) -> str:
        """Open the link, press the button; return Slack's authorize URL."""
        assert (await self.get(link)).status_code == 200
        return next_url(await self.press(link))

    def sign_in(self, authorize_url: str, user: str = ALICE) -> str:
        """Sign in at Slack; return where Slack sends the browser."""
        return self.room.slack.redirect(dict(parse_qsl(urlsplit(authorize_url).query)), user)

    async def to_service(self, link: str, user: str = ALICE) -> str:
        """Go as far as the service's authorize URL and return it."""
        back = self.sign_in(await self.to_slack(link), user)
        return next_url(await self.get(back))

    async def connect(self, link: str, user: str = ALICE, account: str = "alice@example.com") -> httpx.Response:
        """Go all the way; return the answer to the service's callback."""
        authorize_url = await self.to_service(link, user)
        return await self.get(await self.room.notes.consent(authorize_url, account))

    async def _send(self, method: str, url: str, headers: dict[str, str]) -> httpx.Response:
        if self.cookies:
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        answer = await self.client.request(method, url, headers=headers)
        self.client.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.room.shown.append(answer.text)
        return answer


def next_url(answer: httpx.Response) -> str:
    """Where a browser goes from here: a redirect, or our refresh after the form."""
    if answer.status_code == 303:
        return str(answer.headers["location"])
    assert answer.status_code == 200, answer.text
    return str(answer.headers["refresh"].removeprefix("0;url="))


@asynccontextmanager
async def serving(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    server = LoopbackServer(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await server.listening.wait()
    try:
        yield
    finally:
        server.stopping.set()
        await task
        listener.close()


@pytest.fixture
def clock(no_task_left: None) -> Clock:
    """First of all, so that the guard against leftover tasks looks after the others have closed."""
    return Clock(SimulatorClock())


@pytest.fixture(scope="session")
def key() -> Secret:
    return Secret(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, key: Secret) -> Path:
    """A database with its tables, made once: migrating is slow and has its own tests."""
    path = tmp_path_factory.mktemp("migrated") / "deputy.db"

    async def migrate() -> None:
        database = Database.open(f"sqlite:///{path}", (key,))
        await database.migrate()
        await database.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
async def database(tmp_path: Path, migrated: Path, key: Secret, clock: Clock) -> AsyncIterator[Database]:
    shutil.copy(migrated, tmp_path / "deputy.db")
    database = Database.open(f"sqlite:///{tmp_path}/deputy.db", (key,))
    yield database
    await database.close()


@pytest.fixture(scope="session")
def slack_with_keys() -> OpenId:
    """Slack's sign-in with its keys, made once: they are slow to make."""
    return OpenId(Workspace(SimulatorClock()), "1.2", "canary-slack-secret")


@pytest.fixture
async def notes(clock: Clock) -> AsyncIterator[ServiceSimulator]:
    async with ServiceSimulator(clock=clock.simulated).running() as service:
        yield service


@pytest.fixture
async def slack(clock: Clock, slack_with_keys: OpenId) -> AsyncIterator[OpenId]:
    """Slack's sign-in alone, on a real server."""
    workspace = Workspace(clock.simulated)
    openid = copy.copy(slack_with_keys)
    openid._workspace = workspace
    openid.redirect_uris, openid.codes, openid.lies = set(), {}, Lies()
    app = web.Application()
    app.router.add_get("/openid/connect/authorize", openid.authorize)
    app.router.add_post("/openid/connect/authorize", openid.approve)
    app.router.add_post("/api/openid.connect.token", openid.token)
    app.router.add_get("/openid/connect/keys", openid.keys)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    workspace.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield openid
    await runner.cleanup()


@pytest.fixture
async def alice(slack: OpenId, database: Database, clock: Clock) -> Member:
    return await remembered(slack, database, clock, ALICE)


@pytest.fixture
async def bob(slack: OpenId, database: Database, clock: Clock) -> Member:
    return await remembered(slack, database, clock, BOB)


async def remembered(slack: OpenId, database: Database, clock: Clock, user: str) -> Member:
    person = slack._workspace.people[user]
    member = Member(person.team_id, person.id, person.team_id, person.real_name)
    async with database.transaction() as tx:
        await members.remember(tx, member, clock.now())
    return member


@pytest.fixture
async def sender(clock: Clock) -> AsyncIterator[GuardedSender]:
    async with GuardedSender(LOOPBACK) as sender:
        yield sender


def catalog_file(path: Path, notes: ServiceSimulator, more: str = "") -> Path:
    path.write_text(
        f'[services.notes]\ntitle = "Notes"\nmcp_url = "{notes.mcp_url}"\nmanage_url = "{notes.manage_url}"\n{more}\n'
        '[services.notes.tools]\nallowed_tools = ["list_notes"]\ndefault = "user_approved"\n'
    )
    return path


def build_connections(base_url: str, *, database, catalog, sender, vaults, outcomes, slack, clock) -> Connections:
    identity = SlackIdentity.at(
        slack._workspace.url, client_id=slack.client_id, client_secret=Secret(slack.client_secret)
    )
    context = ConnectContext(
        database=database, catalog=catalog, vaults=vaults, sender=sender, clock=clock, base_url=base_url
    )
    return Connections(context, outcomes=outcomes, proof=identity)


@pytest.fixture
async def room(
    tmp_path: Path, *, database: Database, notes: ServiceSimulator, slack: OpenId, sender: GuardedSender, clock: Clock
) -> AsyncIterator[Room]:
    listener = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    slack.redirect_uris.add(f"{base_url}/connect/slack/callback")
    vault, outcomes = RecordingVaults(database, clock), RecordingOutcomes()
    catalog = Catalog.load(catalog_file(tmp_path / "services.toml", notes), {})
    connections = build_connections(
        base_url,
        database=database,
        catalog=catalog,
        sender=sender,
        vaults=vault,
        outcomes=outcomes,
        slack=slack,
        clock=clock,
    )
    room = Room(base_url, connections, vault, outcomes, clock, database, notes, slack)
    room.app = Starlette(routes=routes(connections))
    async with serving(room.app, listener):
        yield room
