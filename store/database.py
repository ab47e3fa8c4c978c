"""Owns the engine and the transaction, the only place that commits; what is written is the query files' business."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Executable, Table, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store.errors import DatabaseUrlInvalid, InvariantBroken, StoreUnavailable
from store.records import Secret
from store.sealing import Sealer

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_BUSY_MILLISECONDS = 10_000
_MIGRATION_LOCK = 0x6465_7075_7479
"""Key of PostgreSQL's advisory lock, so that of several starting processes one migrates."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction; every query takes it first. Void once its `transaction()` block is left."""

    connection: AsyncConnection
    sealer: Sealer

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert with the database's own `ON CONFLICT`, which both spell alike."""
        if self.connection.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)

    async def changed(self, statement: Executable) -> int:
        """Execute and return how many rows it changed: 1 means that a compare-and-set was won."""
        return (await self.connection.execute(statement)).rowcount


class Database:
    """The memory behind one address; open one per process and close it at the end."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._turnstile = asyncio.Lock()
        self._writer: asyncio.Task[Any] | None = None

    @classmethod
    def open(cls, url: str, keys: tuple[Secret, ...]) -> Database:
        """Return the database at `sqlite:///path` or `postgresql://…`; nothing is connected yet.

        Raises:
            DatabaseUrlInvalid: the address is of another kind, or of none.
            KeysInvalid: the keys cannot be used.
        """
        address = normalise(url)
        if address.get_backend_name() == "sqlite":
            return cls(_open_sqlite(address), Sealer(keys))
        return cls(create_async_engine(address, pool_pre_ping=True), Sealer(keys))

    async def migrate(self) -> None:
        """Bring the tables up to this version. Safe from several processes at once."""
        from store.migrating import upgrade  # noqa: PLC0415  # alembic is slow to import and only needed here

        async with self._translated(), self._exclusive(), self._engine.begin() as connection:
            if not self._is_sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.run_sync(upgrade)

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commit what is done inside, all or nothing. Never await the network inside, nor another transaction.

        Raises:
            InvariantBroken: a constraint said no.
            StoreUnavailable: the database did not answer.
        """
        async with self._translated(), self._exclusive(), self._engine.begin() as connection:
            yield Tx(connection, self._sealer)

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        # SQLite has one writer. Waiting here is fair and wakes at once; its own busy handler sleeps and polls.
        if not self._is_sqlite:
            yield
            return
        if self._writer is asyncio.current_task():
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        async with self._turnstile:
            self._writer = asyncio.current_task()
            try:
                yield
            finally:
                self._writer = None

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise InvariantBroken(str(error.orig)) from error
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            raise StoreUnavailable(type(error).__name__) from error


def normalise(url: str) -> URL:
    """Return the address with the driver we use. Raises `DatabaseUrlInvalid`."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUrlInvalid("not an address; use sqlite:///deputy.db or postgresql://user@host/name") from None
    driver = _DRIVERS.get(address.drivername)
    if driver is None:
        raise DatabaseUrlInvalid(f"{address.drivername} is not supported; use sqlite:///… or postgresql://…")
    return address.set(drivername=driver)


def _open_sqlite(address: URL) -> AsyncEngine:
    path = address.database
    if path and path != ":memory:" and not path.startswith("file:"):
        # Ours alone before the first byte; SQLite gives its -wal and -shm files the same mode.
        Path(path).touch(mode=0o600, exist_ok=True)
    # isolation_level None: the driver leaves BEGIN to us, see _begin.
    engine = create_async_engine(address, connect_args={"isolation_level": None, "cached_statements": 512})
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What was acknowledged to Slack must outlive a power cut, not only our process: NORMAL would not sync each commit.
    cursor.execute("PRAGMA synchronous = FULL")
    # Erased tasks and secrets are overwritten in the file, not only unlinked.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads and then writes would fail with “database is locked” when another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
