"""What the simulated API knows: agents, environments, vaults, sessions, files, knobs and what was recorded.

Public and plain, for tests to read. Who may change it and how is the endpoints' and the machine's.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from simulator.agents.faults import Faults
from simulator.agents.ids import new_id
from simulator.agents.webhooks import Webhooks
from simulator.clock import SimulatorClock
from simulator.patience import LONG, patience
from simulator.roughness import Roughness

Json = dict[str, Any]


@dataclass(eq=False)
class Agent:
    """An agent with all its versions, the oldest first."""

    id: str
    serial: int
    created_at: datetime
    versions: list[Json]
    archived_at: datetime | None = None

    @property
    def version(self) -> int:
        """The current version."""
        return len(self.versions)


@dataclass(eq=False)
class Environment:
    """An environment: its configuration as the API gives it back."""

    id: str
    serial: int
    created_at: datetime
    updated_at: datetime
    name: str
    description: str
    config: Json
    metadata: dict[str, str]
    scope: str
    archived_at: datetime | None = None


@dataclass(eq=False)
class Credential:
    """A credential; `auth` has the secrets, which no answer ever has."""

    id: str
    serial: int
    vault_id: str
    created_at: datetime
    updated_at: datetime
    auth: Json
    display_name: str | None
    metadata: dict[str, str]
    archived_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """One refresh at a time: refresh tokens rotate."""


@dataclass(eq=False)
class Vault:
    """A vault with its credentials by id."""

    id: str
    serial: int
    created_at: datetime
    updated_at: datetime
    display_name: str
    metadata: dict[str, str]
    credentials: dict[str, Credential] = field(default_factory=dict)
    archived_at: datetime | None = None


@dataclass(eq=False)
class Held:
    """A call that waits for `user.tool_confirmation`."""

    id: str
    verdict: str | None = None
    deny_message: str | None = None


@dataclass(eq=False)
class Subscriber:
    """One open stream: what is still to be written, which deltas it asked for."""

    deltas: frozenset[str]
    cut: Callable[[], None] = field(repr=False)
    """Breaks the connection."""
    frames: asyncio.Queue[Json | None] = field(default_factory=asyncio.Queue)


@dataclass(eq=False)
class Session:
    """A session: its events in order, what it waits for, who listens."""

    id: str
    serial: int
    created_at: datetime
    updated_at: datetime
    agent: Json
    environment_id: str
    thread_id: str
    title: str | None
    metadata: dict[str, str]
    vault_ids: list[str]
    resources: list[Json]
    budget_cents: int | None
    status: str = "idle"
    archived_at: datetime | None = None
    events: list[Json] = field(default_factory=list)
    queue: list[Json] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    stop_reason: str | None = None
    subscribers: list[Subscriber] = field(default_factory=list)
    interrupts: list[Json] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    input_tokens: int = 0
    output_tokens: int = 0
    searches: int = 0
    extra_cents: float = 0.0
    active_seconds: float = 0.0
    last_at: datetime | None = None
    settles_at: float = 0.0
    """Until then the stored status still says running, though idle was streamed."""

    @property
    def pending(self) -> list[str]:
        """The calls that nobody has decided yet, in order."""
        return [held.id for held in self.held.values() if held.verdict is None]


@dataclass(frozen=True)
class Call:
    """One recorded request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: Any


@dataclass(frozen=True)
class Acted:
    """One line of the authority log: what was done in a session, with whose vault.

    `kind` is `mcp_call`, `session`, `send` or `confirmation`. For `mcp_call` the vault is the one
    whose credential was used (None: no credential); for the others `vault_ids` say what the session has.
    `owners` are the vaults' `metadata.external_user_id`, where given.
    """

    kind: str
    session_id: str
    session_metadata: dict[str, str]
    vault_ids: tuple[str, ...]
    owners: tuple[str | None, ...]
    when: datetime
    vault_id: str | None = None
    vault_metadata: dict[str, str] = field(default_factory=dict)
    credential_id: str | None = None
    server_url: str | None = None
    tool: str | None = None
    tool_use_id: str | None = None
    arguments: Json = field(default_factory=dict)
    is_error: bool = False
    body: Any = None

    @property
    def owner(self) -> str | None:
        """Whose vault acted, as its metadata says."""
        return self.vault_metadata.get("external_user_id")


class World:
    """Everything the API remembers, the knobs, and a way to wait for a change."""

    def __init__(self, *, clock: SimulatorClock) -> None:
        self.clock = clock
        self.rough = Roughness()
        self.agents: dict[str, Agent] = {}
        self.environments: dict[str, Environment] = {}
        self.sessions: dict[str, Session] = {}
        self.vaults: dict[str, Vault] = {}
        self.files: dict[str, Json] = {}
        self.calls: list[Call] = []
        self.authority_log: list[Acted] = []
        self.troubles: list[str] = []
        """Our own bugs, as tracebacks: tests that see odd failures look here."""
        self.faults = Faults()
        self.raw: dict[str, bytes] = {}
        """What is written in place of a text that says this and nothing else: what no JSON library writes."""
        self.webhooks = Webhooks()
        self.on_vault: Callable[[Vault], None] = lambda _: None
        """Called with each vault that is made, before its maker hears of it: who else is at work?"""
        self.change = asyncio.Condition()
        self.pace = 0.0
        """Seconds between two deltas."""
        self.tool_delay = 0.0
        """Seconds a tool call takes before it is really made."""
        self.ping_every = 15.0
        self.idle_lag = 0.0
        """Seconds for which the stored status is still `running` after idle was streamed."""
        self.window = 5
        """How many held calls one `requires_action` names."""
        self.mcp_auth_failure = "continue"
        """Or `exhausted`: a credential that does not work ends the turn."""
        self.allow_loopback = True
        """Whether plain http to this machine counts as a service one may call."""
        self._serials = count(1)
        self._notices: set[asyncio.Task[None]] = set()
        self._is_noting = False

    def written(self, answer: object) -> bytes:
        """Return JSON as it goes out."""
        body = json.dumps(answer).encode()
        for name, raw in self.raw.items():
            body = body.replace(json.dumps(name).encode(), raw)
        return body

    def put(self, filename: str, content: bytes, session_id: str) -> None:
        """Keep a file that a session left."""
        file_id = new_id("file")
        kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        self.files[file_id] = {
            "id": file_id,
            "type": "file",
            "filename": filename,
            "mime_type": kind,
            "size_bytes": len(content),
            "created_at": self.now(),
            "downloadable": True,
            "scope": {"type": "session", "id": session_id},
            "content": content,
        }

    def serial(self) -> int:
        """Return the next number of creation, which orders what was made in the same instant."""
        return next(self._serials)

    def now(self) -> datetime:
        """Return the simulated time."""
        return self.clock.utc()

    def stamp(self, session: Session) -> datetime:
        """Return a time later than that of every event of the session."""
        now = self.now()
        if session.last_at is not None and now <= session.last_at:
            now = session.last_at + timedelta(microseconds=1)
        session.last_at = now
        return now

    def note(self) -> None:
        """Wake everybody who waits in `until`."""
        if self._is_noting:
            return
        self._is_noting = True
        task = asyncio.get_running_loop().create_task(self._notify())
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    async def _notify(self) -> None:
        async with self.change:
            self._is_noting = False
            self.change.notify_all()

    async def until(self, holds: Callable[[Any], Any], seconds: float = LONG) -> None:
        """Return once `holds(self)` is true. Raises TimeoutError."""
        async with patience(seconds), self.change:
            await self.change.wait_for(lambda: bool(holds(self)))

    def owners(self, session: Session) -> tuple[str | None, ...]:
        """Return whose the session's vaults are, as their metadata says."""
        vaults = [self.vaults.get(vault_id) for vault_id in session.vault_ids]
        return tuple(vault.metadata.get("external_user_id") if vault else None for vault in vaults)

    def log(self, kind: str, session: Session, **more: Any) -> None:
        """Write a line of the authority log."""
        self.authority_log.append(
            Acted(
                kind=kind,
                session_id=session.id,
                session_metadata=dict(session.metadata),
                vault_ids=tuple(session.vault_ids),
                owners=self.owners(session),
                when=self.now(),
                **more,
            )
        )
        self.note()
