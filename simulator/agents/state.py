"""The state of the simulated API: agents, environments, vaults, sessions, files, knobs and recorded requests.

Public, for tests to read.
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
    """A credential; `auth` has the secrets, which no response ever shows."""

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
    """An open stream: the frames that are still to be sent, and the deltas that it asked for."""

    deltas: frozenset[str]
    cut: Callable[[], None] = field(repr=False)
    """Breaks the connection."""
    frames: asyncio.Queue[Json | None] = field(default_factory=asyncio.Queue)


@dataclass(eq=False)
class Session:
    """A session: its events in order, its queued inputs, held calls and open streams."""

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
    """Until then the stored status is still `running`, although idle was streamed (`World.idle_lag`)."""

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
    """The API's state, its knobs, and a way to wait for a change."""

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
        """Text → the bytes that are sent in its place, for JSON that no library writes."""
        self.webhooks = Webhooks()
        self.on_vault: Callable[[Vault], None] = lambda _: None
        """Called with each new vault before the request is answered, to let something else happen in between."""
        self.change = asyncio.Condition()
        self.pace = 0.0
        """Seconds between two deltas."""
        self.tool_delay = 0.0
        """Seconds before a tool call is really made."""
        self.ping_every = 15.0
        self.idle_lag = 0.0
        """Seconds for which the stored status is still `running` after idle was streamed."""
        self.window = 5
        """How many held calls one `requires_action` names."""
        self.mcp_auth_failure = "continue"
        """What a credential that does not work does: `continue` the turn, or end it (`exhausted`)."""
        self.allow_loopback = True
        """Whether MCP servers at plain http on this machine may be called."""
        self._serials = count(1)
        self._notices: set[asyncio.Task[None]] = set()
        self._is_noting = False

    def written(self, answer: object) -> bytes:
        """Return a response's JSON as bytes, with the replacements of `raw`."""
        body = json.dumps(answer).encode()
        for name, raw in self.raw.items():
            body = body.replace(json.dumps(name).encode(), raw)
        return body

    def put(self, filename: str, content: bytes, session_id: str) -> None:
        """Store a file as a session's output."""
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
        """Return the next serial number, which orders what was created at the same time."""
        return next(self._serials)

    def now(self) -> datetime:
        """Return the simulated time."""
        return self.clock.utc()

    def stamp(self, session: Session) -> datetime:
        """Return the present time, or one later than the session's last event where the clock did not move."""
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
        """Return the owner of each of the session's vaults, by its metadata."""
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
