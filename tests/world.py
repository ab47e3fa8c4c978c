"""A whole Deputy in this process against the simulators, and what a person does with it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
from sqlalchemy import select

from bot.app import App, running
from bot.config.model import Config
from bot.domain.config.service import ConfigService
from bot.domain.supervisor import ENDLESS
from bot.env import Settings
from simulator.clock import SimulatorClock
from simulator.patience import patience
from simulator.peers import Peers
from simulator.ports import free_port
from simulator.service.server import ServiceSimulator
from simulator.slack import people
from store.audit import audit_entries as audit_entries_table
from store.database import Database
from store.sealing import new_key, parse_keys
from tests.stored import put_config

ALICE, BOB, CAROL = people.ALICE, people.BOB, people.CAROL
GENERAL = people.GENERAL

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak to this machine only: it trusts nobody, so there is nothing to read."""
BROWSER_SECONDS = 60.0
"""How long a browser waits for a page: a machine that is busy takes its time."""
PAUSE = 5.0
"""Seconds up to which a sleep is hurried."""
HASTE = 20


class TurnableClock:
    """The simulators' clock as Deputy's own: `World.turn` moves it, which ends sleeps that are over.

    Short sleeps, those of pacing and of tries, pass in a hurry, for Deputy and its peers alike.
    """

    def __init__(self, source: SimulatorClock) -> None:
        self._source = source
        self._turned = asyncio.Event()
        self._wrong = timedelta()
        self.sleeping: list[datetime] = []
        """Until when those sleep who do."""

    def now(self) -> datetime:
        return self._source.utc() + self._wrong

    def steady(self) -> datetime:
        return self._source.utc()

    def set_wrong(self, **by: float) -> None:
        """Set this machine's clock, and nobody else's: time goes on as before."""
        self._wrong = timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.steady() + timedelta(seconds=seconds))

    async def sleep_until(self, when: datetime) -> None:
        self.sleeping.append(when)
        try:
            await self._sleep_until(when)
        finally:
            self.sleeping.remove(when)

    async def _sleep_until(self, when: datetime) -> None:
        while (left := (when - self.steady()).total_seconds()) > 0:
            is_pause = left <= PAUSE
            try:
                async with asyncio.timeout(left / HASTE if is_pause else left):
                    await self._turned.wait()
            except TimeoutError:
                if is_pause and (rest := (when - self.steady()).total_seconds()) > 0:
                    self._skip(rest)

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        while until is None or (left := (until - self.steady()).total_seconds()) > 0:
            is_pause = until is not None and left <= PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(None if until is None else left / HASTE if is_pause else left):
                    await signal.wait()
                return
            if until is not None and is_pause and (rest := (until - self.steady()).total_seconds()) > 0:
                self._skip(rest)

    def turn(self, seconds: float) -> None:
        self._source.advance(seconds)
        self._wake()

    def _skip(self, seconds: float) -> None:
        """End a pause; Slack's three seconds for an answer, and those of a form, do not run out by it."""
        self._source.skip(seconds)
        self._wake()

    def _wake(self) -> None:
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()


@dataclass
class World:
    """The peers, and Deputy while it runs."""

    peers: Peers
    settings: Settings
    folder: Path
    clock: TurnableClock
    app: App | None = None
    environment: dict[str, str] = field(default_factory=dict)
    """What an operator would have set for it."""
    pages: list[str] = field(default_factory=list)
    """What browsers were shown."""

    @property
    def slack(self):
        return self.peers.slack

    @property
    def agents(self):
        return self.peers.agents

    @property
    def notes(self):
        return self.peers.notes

    @asynccontextmanager
    async def deputy(self) -> AsyncIterator[App]:
        """Run Deputy until the block ends; again and again if need be: a restart."""
        stopping = asyncio.Event()
        async with running(self.settings, clock=self.clock) as app:
            self.app = app
            serving = asyncio.create_task(app.serve(stopping))
            await self._ready()
            try:
                yield app
                self.pages.append(await self.metrics())
            finally:
                stopping.set()
                await serving

    async def metrics(self) -> str:
        """Return what operators are told."""
        async with httpx2.AsyncClient(verify=PLAIN) as http:
            answer = await http.get(f"{self.settings.public_url}/metrics")
        assert answer.status_code == 200
        return answer.text

    async def _ready(self) -> None:
        async with httpx2.AsyncClient(verify=PLAIN) as http, patience():
            while True:
                with suppress(httpx2.TransportError):
                    if (await http.get(f"{self.settings.public_url}/healthz")).status_code == 200:
                        break
                await asyncio.sleep(0.01)

    async def configure(self, document: dict) -> None:
        """Set everything that admins set, as the command line does."""
        configuration = ConfigService(database=self.app.database, clock=self.clock, first_admins=frozenset())
        workspace_id = self.app.install.workspace_id
        async with self.app.database.transaction() as tx:
            await put_config(tx, configuration, workspace_id, Config.model_validate(document))

    def turn(self, seconds: float) -> None:
        """Let time pass for everybody at once."""
        self.clock.turn(seconds)
        if self.app:
            self.app.supervisor.wake_all()

    def sent(self, kind: str = "user.message") -> list[dict]:
        """Return what sessions were sent, each event once."""
        events = [event for session in self.agents.sessions.values() for event in session.events]
        return list({event["id"]: event for event in events if event["type"] == kind}.values())

    def sent_calls(self) -> list[dict]:
        """Return the calls of built-in tools that sessions made, each once."""
        return self.sent("agent.tool_use")

    def requests(self) -> list[str]:
        """Return the words of every request that sessions were sent."""
        return [event["content"][-1]["text"] for event in self.sent()]

    def whispers(self, user: str) -> str:
        """Return everything that only this person was shown in channels."""
        return "\n".join(self.slack.text_of(message) for message in self.slack.ephemerals(user))

    async def whispered(self, user: str, words: str):
        """Return the message with these words that only this person sees, once it is there."""

        def found(_):
            mine = reversed(self.slack.ephemerals(user))
            return next((message for message in mine if words in self.slack.text_of(message)), None)

        try:
            return await self.slack.until(found)
        except TimeoutError:
            raise AssertionError(f"not shown: {words!r}; shown: {self.whispers(user)!r}") from None

    def answers(self, root) -> list:
        """Return the finished answers of a thread: those with a footer."""
        return [m for m in self.slack.thread(root.channel, root.ts) if "AI-generated" in self.slack.text_of(m)]

    async def answered(self, root, count: int = 1) -> list:
        """Return the thread's finished answers once there are so many."""
        return await self.slack.until(lambda _: (found := self.answers(root))[count - 1 :] and found)

    async def settled(self) -> None:
        """Return once Deputy has nothing to do: no errand, no turn."""
        async with patience():
            while busy := [task for task in self.app.supervisor._tasks if not task.get_name().startswith(ENDLESS)]:
                await asyncio.wait(busy)

    async def audited(self, action: str) -> list:
        """Return the audit trail's entries of one kind."""
        async with self.app.database.transaction() as tx:
            rows = (await tx.connection.execute(select(audit_entries_table))).all()
        return [row for row in rows if row.action == action]

    def leaks(self, mark: str) -> list[str]:
        """Return the places where a token's mark shows: Slack, pages, the database's files."""
        places = {f"Slack: {call.method}": repr(call.args) for call in self.slack.calls}
        places |= {f"page {number}": page for number, page in enumerate(self.pages)}
        found = [place for place, text in places.items() if mark in text]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return found + [path.name for path in files if mark.encode() in path.read_bytes()]

    async def answer_in(self, root, text: str = "AI-generated"):
        """Return the thread's messages once one of them holds `text`."""

        def found(_):
            thread = self.slack.thread(root.channel, root.ts)
            return thread if any(text in self.slack.text_of(message) for message in thread) else None

        return await self.slack.until(found)

    async def ask(self, user: str, task: str, channel: str = GENERAL):
        """Type `/agent ask …` and return the root message of its thread."""
        before = {message.ts for message in self.slack.messages(channel)}
        await self.slack.type_command(user, channel, f"/agent ask {task}")
        return await self.slack.until(
            lambda _: next(
                (m for m in self.slack.messages(channel) if m.ts not in before and "asked" in self.slack.text_of(m)),
                None,
            )
        )

    async def button(self, user: str, root, action_id: str):
        """Return the newest message in the thread that shows this person this button, once it is there."""

        def found(_):
            thread = reversed(self.slack.thread(root.channel, root.ts))
            return next((message for message in thread if action_id in self.slack.buttons_of(message, user)), None)

        return await self.slack.until(found)

    async def connect_notes(self, user: str, account: str | None = None) -> None:
        """Connect Notes as this member, as a browser would."""
        await self.slack.type_command(user, GENERAL, "/agent connect notes")
        url = await self.slack.until(lambda _: self.link_for(user))
        page = await self.walk(url, user, account)
        assert page.status_code == 200, page.text
        await self.slack.until(lambda _: self.link_for(user) != url)  # what became of it is told in its place

    def link_for(self, user: str) -> str | None:
        """Return the newest unused connect link in the member's direct messages."""
        for message in reversed(self.slack.dms(user)):
            for button in self.slack.buttons_of(message, user).values():
                if "/connect/" in str(button.get("url", "")):
                    return str(button["url"])
        return None

    async def walk(
        self,
        url: str,
        user: str,
        account: str | None = None,
        *,
        ends_well: bool = True,
        service: ServiceSimulator | None = None,
    ) -> httpx2.Response:
        """Go the way of a browser from the link to the last page, or to the one that goes no further."""
        async with httpx2.AsyncClient(verify=PLAIN, follow_redirects=False, timeout=BROWSER_SECONDS) as http:
            cookies: dict[str, str] = {}

            async def go(method: str, where: str) -> httpx2.Response:
                headers = {"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
                if method == "POST":
                    headers |= {"origin": self.settings.public_url, "sec-fetch-site": "same-origin"}
                answer = await http.request(method, where, headers=headers)
                if str(where).startswith(self.settings.public_url):
                    self.pages.append(f"{answer.headers!r} {answer.text}")
                for line in answer.headers.get_list("set-cookie"):
                    name, _, rest = line.partition("=")
                    cookies[name] = rest.split(";")[0]
                return answer

            assert (page := await go("GET", url)).status_code == 200, page.text
            started = await go("POST", f"{url}/start")
            assert started.status_code == 200, started.text
            to_slack = started.headers["refresh"].partition("url=")[2]
            back = await self.slack.authorize_openid(to_slack, user)
            identified = await go("GET", back)
            if identified.status_code != 303:
                return identified
            to_service = identified.headers["location"]
            at = service or self.notes
            callback = await at.consent(to_service, account=account or self.account_of(user), allow=True)
            last = await go("GET", callback)
            if not ends_well:
                return last
            assert last.status_code == 303, last.text
            return await go("GET", httpx2.URL(callback).join(last.headers["location"]))

    @staticmethod
    def account_of(user: str) -> str:
        return {ALICE: "alice@example.com", BOB: "bob@example.com"}.get(user, "carol@example.com")


_migrated: list[bytes] = []
"""An empty database of this version; to make one anew for each test takes a tenth of a second."""


async def _put_database(path: Path) -> None:
    if not _migrated:
        database = Database.open(f"sqlite+aiosqlite:///{path}", parse_keys(new_key()))
        await database.migrate()
        await database.close()
        _migrated.append(await asyncio.to_thread(path.read_bytes))
    await asyncio.to_thread(path.write_bytes, _migrated[0])


@asynccontextmanager
async def world(folder: Path, **changes: str) -> AsyncIterator[World]:
    """Start the peers and settle Deputy's settings; Deputy itself is started by `deputy()`."""
    port = free_port()
    await _put_database(folder / "deputy.db")
    async with Peers().running() as peers:
        url = f"http://127.0.0.1:{port}"
        environment = peers.environment(url, port, f"sqlite+aiosqlite:///{folder}/deputy.db") | changes
        settings, clock = Settings.from_environ(environment), TurnableClock(peers.clock)
        yield World(peers, settings, folder, clock, environment=dict(environment))
