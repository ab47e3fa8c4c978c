"""Opens the database and its transactions; the only module that commits. SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite
from sqlalchemy import URL, Connection, Executable, Table, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store.advisory_lock import AdvisoryLock
from store.errors import DatabaseUrlInvalid, InvariantBroken, StatementRefused, StoreUnavailable
from store.outages import is_of_connection, is_outage, is_passing, name_cause
from store.process_lock import held
from store.records import Secret
from store.sealing import Sealer

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_PRAGMAS = {
    # Milliseconds; only another process can hold the lock, since our own tasks wait in `_exclusive`.
    "busy_timeout": "10000",
    # Off by default for each connection (sqlite.org/foreignkeys.html §2).
    "foreign_keys": "ON",
    # What was acknowledged to Slack must outlive a power cut, not only our process: NORMAL would not sync each commit.
    "synchronous": "FULL",
    # Erased tasks and secrets are overwritten in the file, not only unlinked.
    "secure_delete": "ON",
}
# Five seconds in all: a start waits for another one's migration of a new file, and no longer.
_WAL_ATTEMPTS = 100
_WAL_PAUSE_SECONDS = 0.05
# "deputy" in ASCII, to be told from other applications' locks in the same database.
_MIGRATION_LOCK = 0x6465_7075_7479
"""Key of PostgreSQL's advisory lock, so that only one of several starting processes migrates."""


# An execution option of ours, which `_begin` reads.
_REBUILDING = {"deputy_rebuilding": True}


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction, which every query takes first. Not to be used after its `transaction()` block."""

    connection: AsyncConnection
    sealer: Sealer

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert that has `ON CONFLICT`, which SQLite and PostgreSQL spell alike."""
        if self.connection.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)

    async def changed(self, statement: Executable) -> int:
        """Execute the statement and return how many rows it changed; of a compare-and-set 1 means that it was won."""
        # Without the option the count of PostgreSQL's inserts is gone by now (SQLAlchemy: preserve_rowcount).
        result = await self.connection.execute(statement, execution_options={"preserve_rowcount": True})
        return result.rowcount


class Database:
    """The database at one address; open one per process and close it at the end."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer, file: Path | None = None) -> None:
        self._engine = engine
        self._file = file
        self._sealer = sealer
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._turnstile = asyncio.Lock()
        self._writer: asyncio.Task[Any] | None = None
        self._lock: AdvisoryLock | None = None

    @classmethod
    def open(cls, url: str, keys: tuple[Secret, ...], *, makes_file: bool = True) -> Database:
        """Return the database at `sqlite:///path` or `postgresql://…`; nothing is connected yet.

        Without `makes_file` a missing SQLite file is not created; connecting then fails.

        Raises:
            DatabaseUrlInvalid: the address is of another kind, or no address.
            KeysInvalid: the keys cannot be used.
        """
        address = normalise(url)
        if address.get_backend_name() == "sqlite":
            file = _file_of(address)
            if file and makes_file:
                # Readable by us alone from its first byte; SQLite gives its -wal and -shm files the same mode.
                # Where it cannot be made, connecting says so.
                with suppress(OSError):
                    file.touch(mode=0o600, exist_ok=True)
            return cls(_open_sqlite(address), Sealer(keys), file)
        # `pool_pre_ping`: the server may have closed an idle connection. `hide_parameters`: SQLAlchemy's errors would
        # quote the values of a statement, and end up in a log.
        return cls(create_async_engine(address, pool_pre_ping=True, hide_parameters=True), Sealer(keys))

    async def require_free(self) -> None:
        """Raise `StoreUnavailable` at once if nothing can be written now."""
        # Without waiting: a wait for SQLite's lock is in a thread, where a stop of the process is not heard.
        async with self._translated(), self._exclusive(), self._engine.connect() as connection:
            if not self._is_sqlite:
                await connection.execute(text("SELECT 1"))
                return
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                await driver.execute("PRAGMA busy_timeout = 0")
                await driver.execute("BEGIN IMMEDIATE")
                await driver.execute("ROLLBACK")
            finally:
                await driver.execute(f"PRAGMA busy_timeout = {_PRAGMAS['busy_timeout']}")

    async def migrate(self) -> None:
        """Bring the tables to this version, or leave everything as it was. Several processes may call it at once.

        Raises:
            SchemaUnknown: a later version of Deputy has migrated this database.
        """
        from store.migrate import upgrade  # noqa: PLC0415  # alembic is slow to import and only needed here

        async with self._translated(), self._exclusive(), self._engine.connect() as connection:
            await connection.execution_options(**_REBUILDING)
            async with connection.begin():
                if not self._is_sqlite:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                await connection.run_sync(upgrade)
                if self._is_sqlite:
                    # In the transaction: foreign keys were off, so a migration that broke one is rolled back.
                    await _check_references(connection)
            # Foreign keys are off in this connection: it must not go back into the pool.
            await connection.invalidate()

    async def is_current(self) -> bool:
        """Say whether the tables are of this version; changes nothing.

        Raises:
            SchemaUnknown: a later version of Deputy has migrated this database.
            StoreUnavailable: the database did not answer.
        """
        from store.migrate import is_current  # noqa: PLC0415  # alembic is slow to import and only needed here

        async with self._translated(), self._exclusive(), self._engine.connect() as connection:
            return bool(await connection.run_sync(is_current))

    async def is_new(self) -> bool:
        """Say whether no Deputy was ever started with it: it has no file yet, or no table. Changes nothing.

        Raises:
            StoreUnavailable: the database did not answer, or its file cannot be made there.
        """
        from store.migrate import is_empty  # noqa: PLC0415  # as above

        if self._file and _can_be_made(self._file):
            return True
        async with self._translated(), self._exclusive(), self._engine.connect() as connection:
            return bool(await connection.run_sync(is_empty))

    async def find_damage(self) -> tuple[str, ...]:
        """Return what SQLite finds wrong with its file; empty for PostgreSQL, which has no such check."""
        if not self._is_sqlite:
            return ()
        async with self._translated(), self._exclusive(), self._engine.connect() as connection:
            rows = (await connection.execute(text("PRAGMA quick_check"))).scalars().all()
        return tuple(str(row) for row in rows if row != "ok")

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Be the only process that drives this database until the block or this process ends.

        A process that only reads, or changes settings, need not hold it (docs/decisions/0014).

        Raises:
            StoreTaken: another process drives it.
            StoreUnavailable: the lock cannot be taken.
        """
        if self._file:
            with held(self._file):
                yield
        elif self._is_sqlite:
            yield  # in memory: nobody else can reach it
        else:
            async with AsyncExitStack() as stack:
                lock = AdvisoryLock(self._engine)
                stack.push_async_callback(lock.let_go)
                async with self._translated():
                    await lock.take()
                self._lock = lock
                yield

    @property
    def may_lose_hold(self) -> bool:
        """Whether the lock can be lost while this process lives; PostgreSQL's can, a file's cannot."""
        return self._lock is not None

    async def keep_hold(self) -> bool:
        """Check that this process still holds the lock, or take it again; say whether it had to be taken again.

        Call it every second while the lock is held. From the moment of doubt until the lock is held again
        every transaction is refused.

        Raises:
            StoreTaken: another process drives it.
            StoreUnavailable: it cannot be checked now.
        """
        if self._lock is None:
            return False
        async with self._translated():
            return await self._lock.keep()

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commit what is done in the block, all or nothing. Never await the network in it, nor another transaction.

        Raises:
            InvariantBroken: a constraint was violated.
            StatementRefused: the database rejects the statement, and always will.
            StoreUnavailable: the database cannot do it now. If its answer was lost, it may have been committed.
        """
        # PostgreSQL frees an advisory lock with its connection, so another process may drive by now.
        if self._lock and not self._lock.is_sure:
            raise StoreUnavailable("another process may hold the database by now", is_passing=True)
        async with self._translated(), self._exclusive(), self._engine.begin() as connection:
            yield Tx(connection, self._sealer)

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        # SQLite has one writer. Waiting here is first come, first served and wakes at once; SQLite's own handler polls.
        if not self._is_sqlite:
            yield
            return
        if self._writer is asyncio.current_task():
            # Said instead of hanging for ever: the lock is not reentrant.
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
            raise InvariantBroken(_constraint_of(error)) from error
        except (DatabaseError, InterfaceError, PoolTimeoutError, sqlite3.DatabaseError) as error:
            if not is_outage(error):
                raise StatementRefused(name_cause(error)) from error
            if is_of_connection(error):
                await self._let_go()
            raise StoreUnavailable(name_cause(error), is_passing=is_passing(error)) from error

    async def _let_go(self) -> None:
        # No connection survives an outage: one to a file that was moved away would fail for ever.
        # Closing them may fail for the same reason, which is reported already.
        with suppress(DatabaseError, InterfaceError, sqlite3.Error):
            await self._engine.dispose()


def normalise(url: str) -> URL:
    """Return the address with the driver that we use. Raises `DatabaseUrlInvalid`."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # `from None`: SQLAlchemy quotes the address, and there may be a password in it.
        raise DatabaseUrlInvalid("not an address; use sqlite:///deputy.db or postgresql://user@host/name") from None
    driver = _DRIVERS.get(address.drivername)
    if driver is None:
        raise DatabaseUrlInvalid(f"{address.drivername} is not supported; use sqlite:///… or postgresql://…")
    return address.set(drivername=driver)


class _Closing(sqlite3.Connection):
    """Rolls back when it is closed."""

    def close(self) -> None:
        # SQLite defers closing, and with it the end of the transaction, while there is a cursor that was not read to
        # its end: after a cancelled task nobody could write until the garbage collector had found that cursor.
        if self.in_transaction:
            self.rollback()
        super().close()


def _file_of(address: URL) -> Path | None:
    path = address.database
    return None if not path or path == ":memory:" or path.startswith("file:") else Path(path)


def _existing(address: URL) -> URL:
    # `mode=rw` never creates the file: one that was moved away is an outage, not a new and empty database.
    file = _file_of(address)
    if file is None:
        return address
    return address.set(database=f"file:{quote(str(file))}", query={"mode": "rw", "uri": "true"})


def _open_sqlite(address: URL) -> AsyncEngine:
    # isolation_level None: the driver leaves BEGIN to us (`_begin`). timeout 0: `_switch_to_wal` waits by itself, and
    # `_prepare` sets the busy timeout after it. cached_statements: we have more than the 128 that Python keeps.
    connect_args = {"isolation_level": None, "cached_statements": 512, "timeout": 0, "factory": _Closing}
    engine = create_async_engine(_existing(address), connect_args=connect_args, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    with ExitStack() as on_failure:
        # If the file is no database, or locked: aiosqlite's thread would otherwise live on.
        on_failure.callback(connection.close)
        connection.run_async(_switch_to_wal)
        cursor = connection.cursor()
        for name, value in _PRAGMAS.items():
            cursor.execute(f"PRAGMA {name} = {value}")
        cursor.close()
        on_failure.pop_all()


async def _switch_to_wal(driver: aiosqlite.Connection) -> None:
    # Several processes may start on a new file at once. SQLite refuses all but one, without its busy timeout.
    for _ in range(_WAL_ATTEMPTS - 1):
        try:
            await driver.execute_fetchall("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            await asyncio.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
    await driver.execute_fetchall("PRAGMA journal_mode = WAL")


def _can_be_made(path: Path) -> bool:
    return path.parent.is_dir() and not path.exists()


def _begin(connection: Connection) -> None:
    if _REBUILDING.items() <= connection.get_execution_options().items():
        # A migration may drop and rebuild a table that others refer to. After BEGIN the pragma has no effect.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    # IMMEDIATE: a transaction that reads and then writes would fail with “database is locked” if another process
    # wrote in between. By the driver itself: a cursor would be three messages to its thread in each transaction.
    driver: Any = connection.connection.dbapi_connection
    driver.run_async(lambda raw: raw.execute("BEGIN IMMEDIATE"))


async def _check_references(connection: AsyncConnection) -> None:
    broken = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
    if broken:
        raise InvariantBroken(", ".join(sorted({row[0] for row in broken})))


def _constraint_of(error: IntegrityError) -> str:
    # PostgreSQL's message also quotes the row's values, which belong in no log; SQLite's names columns only.
    named = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return str(named or error.orig)
