"""Transactions commit as a whole or not at all, and what goes wrong has a name."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import threading
from contextlib import closing, suppress
from datetime import timedelta, timezone

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError

from simulator.patience import patience
from store import audit, members
from store.database import Database, normalise
from store.errors import DatabaseUrlInvalid, InvariantBroken, KeysInvalid, StatementRefused, StoreUnavailable
from store.members import members as members_table
from store.outages import is_passing
from store.records import AuditEntry
from store.turns import turns as turns_table
from tests.builders import NOON, a_member, store_member

LONG = "UNION ALL SELECT i + 1 FROM n WHERE i < 1000000"
"""Counts for some tenths of a second."""


class Interrupted(Exception):
    """What a test raises inside a transaction."""


async def no_thread_left() -> None:
    """Wait for the driver's threads to end: they report to this test's event loop."""
    async with patience():
        while any("_connection_worker_thread" in one.name for one in threading.enumerate()):  # noqa: ASYNC110  # a thread sets no event
            await asyncio.sleep(0)


async def test_what_was_committed_is_there_after_opening_the_file_again(path, key, sqlite):
    async with sqlite.transaction() as tx:
        await store_member(tx)
    await sqlite.close()

    reopened = Database.open(f"sqlite+aiosqlite:///{path}", (key,))
    async with reopened.transaction() as tx:
        found = await members.find(tx, "T0ACME", "U0ANN")
    await reopened.close()

    assert found == a_member()


async def test_an_error_inside_takes_everything_back(database):
    with pytest.raises(Interrupted):
        async with database.transaction() as tx:
            await store_member(tx)
            raise Interrupted

    async with database.transaction() as tx:
        assert await members.list_active(tx) == ()


async def test_a_cancelled_transaction_is_taken_back_and_frees_the_way(database):
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as tx:
            await store_member(tx)
            inside.set()
            await asyncio.Event().wait()

    async with patience():
        task = asyncio.create_task(hang())
        await inside.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

        async with database.transaction() as tx:
            assert await members.list_active(tx) == ()
            await store_member(tx)


async def test_a_statement_cancelled_half_way_leaves_the_database_usable(database):
    async def write() -> None:
        async with database.transaction() as tx:
            for number in range(100):
                await store_member(tx, a_member(f"U{number}"))

    async with patience():
        for turns in range(12):
            task = asyncio.create_task(write())
            for _ in range(turns * 3):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        async with database.transaction() as tx:
            assert len(await members.list_active(tx)) in {0, 100}


async def test_a_cancelled_transaction_frees_the_way_though_somebody_still_holds_what_it_read(path, sqlite):
    """As an exception's traceback does: the garbage collector comes by late, and in a quiet process never."""
    held = []

    async def hang() -> None:
        async with sqlite.transaction() as tx:
            await store_member(tx)
            await store_member(tx, a_member("U1"))
            driver = (await tx.connection.get_raw_connection()).driver_connection
            cursor = await driver.execute("SELECT user_id FROM members")
            held.append((cursor, await cursor.fetchone()))
            await tx.connection.execute(text(f"WITH RECURSIVE n(i) AS (SELECT 1 {LONG}) SELECT count(*) FROM n"))

    task = asyncio.create_task(hang())
    while not held:  # noqa: ASYNC110  # a long statement is what it shall be cancelled in
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await sqlite.close()

    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        assert another.execute("SELECT count(*) FROM members").fetchone() == (0,)


async def test_a_transaction_inside_a_transaction_is_refused_rather_than_waited_for(sqlite):
    async with patience():
        async with sqlite.transaction():
            with pytest.raises(RuntimeError):
                async with sqlite.transaction():
                    pass
        async with sqlite.transaction() as tx:
            await store_member(tx)


async def test_two_processes_that_read_and_then_write_both_get_through(path, key, sqlite):
    other = Database.open(f"sqlite:///{path}", (key,))

    async def write(database: Database, name: str) -> None:
        for number in range(10):
            async with database.transaction() as tx:
                await members.list_active(tx)
                await store_member(tx, a_member(f"{name}{number}"))

    async with patience():
        await asyncio.gather(write(sqlite, "UA"), write(other, "UB"))
    async with other.transaction() as tx:
        stored = await members.list_active(tx)
    await other.close()

    assert len(stored) == 20


async def test_a_broken_constraint_is_named_without_the_row(database):
    with pytest.raises(InvariantBroken) as refused:
        async with database.transaction() as tx:
            await tx.connection.execute(
                insert(turns_table).values(
                    id="trn_1",
                    thread_id="thr_1",
                    workspace_id="T",
                    owner_id="U",
                    number=1,
                    state="running",
                    send_state="unsent",
                    task=None,
                    created_at=NOON,
                    outcome="canary",
                )
            )

    assert "canary" not in str(refused.value)
    assert "canary" not in str(refused.value.__cause__) or "DETAIL" in str(refused.value.__cause__)
    assert "task_erased" in str(refused.value)


async def test_a_database_that_cannot_be_reached_is_unavailable(key, tmp_path):
    (tmp_path / "folder.db").mkdir()
    database = Database.open(f"sqlite:///{tmp_path}/folder.db", (key,))

    with pytest.raises(StoreUnavailable):
        async with database.transaction():
            pass
    await database.close()
    await no_thread_left()


async def test_a_file_that_is_no_database_is_unavailable(key, path):
    path.write_text("Dear diary, " * 1000)
    database = Database.open(f"sqlite:///{path}", (key,))

    with pytest.raises(StoreUnavailable):
        await database.migrate()
    await database.close()
    await no_thread_left()


async def test_a_new_file_that_another_process_holds_is_waited_for(path, key):
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    database = Database.open(f"sqlite:///{path}", (key,))

    async with patience():
        migration = asyncio.create_task(database.migrate())
        while not any("_connection_worker_thread" in one.name for one in threading.enumerate()):  # noqa: ASYNC110  # a thread sets no event
            await asyncio.sleep(0)
        for _ in range(200):
            await asyncio.sleep(0)
        assert not migration.done()
        holder.execute("COMMIT")
        holder.close()
        await migration
    await database.close()


@pytest.mark.fault("S8")
@pytest.mark.parametrize("statement", ["SELEKT 1", "SELECT * FROM nowhere", "SELECT user_id FROM turns"])
async def test_our_own_mistakes_are_no_outage_that_anybody_would_wait_for(database, statement):
    with pytest.raises(StatementRefused):
        async with database.transaction() as tx:
            await tx.connection.execute(text(statement))


@pytest.mark.fault("S8")
async def test_a_full_disk_is_an_outage_and_over_when_there_is_room(sqlite):
    async with sqlite.transaction() as tx:
        pages = (await tx.connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreUnavailable, match="full"):
        async with sqlite.transaction() as tx:
            for number in range(1000):
                await store_member(tx, a_member(f"U{number}", name="x" * 500))

    async with sqlite.transaction() as tx:
        await tx.connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        await store_member(tx)
        assert await members.list_active(tx) == (a_member(),)


@pytest.mark.fault("S8")
async def test_a_read_only_database_is_an_outage_and_over_when_it_can_be_written(sqlite):
    async with sqlite.transaction() as tx:
        await tx.connection.exec_driver_sql("PRAGMA query_only = ON")

    with pytest.raises(StoreUnavailable, match="readonly"):
        async with sqlite.transaction() as tx:
            await store_member(tx)

    async with sqlite.transaction() as tx:  # on another connection: it was the first one's
        await store_member(tx)


@pytest.mark.fault("S8")
async def test_a_file_that_was_moved_away_is_an_outage_and_not_begun_anew(sqlite, path):
    async with sqlite.transaction() as tx:
        await store_member(tx)
    await sqlite.close()
    path.rename(path.with_suffix(".away"))

    with pytest.raises(StoreUnavailable):
        async with sqlite.transaction() as tx:
            await members.list_active(tx)
    assert not path.exists()
    path.with_suffix(".away").rename(path)

    async with sqlite.transaction() as tx:
        assert await members.list_active(tx) == (a_member(),)


@pytest.mark.fault("S8")
async def test_a_locked_database_is_an_outage_and_over_when_it_is_free(sqlite, path):
    async with sqlite.transaction() as tx:
        await tx.connection.exec_driver_sql("PRAGMA busy_timeout = 10")

    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="locked"):
            async with sqlite.transaction():
                pass

    async with sqlite.transaction() as tx:
        await store_member(tx)


@pytest.mark.fault("S8")
async def test_a_server_that_ends_our_connection_is_an_outage_and_over_when_it_is_back(url, database):
    if not url.startswith("postgresql"):
        pytest.skip("has no server")

    with pytest.raises(StoreUnavailable):
        async with database.transaction() as tx:
            await store_member(tx)
            await tx.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async with database.transaction() as tx:
        assert await members.list_active(tx) == ()


@pytest.mark.fault("S8")
async def test_a_server_that_takes_no_writes_is_an_outage(url, database):
    if not url.startswith("postgresql"):
        pytest.skip("has no server")

    with pytest.raises(StoreUnavailable):
        async with database.transaction() as tx:
            await tx.connection.execute(text("SET TRANSACTION READ ONLY"))
            await store_member(tx)


async def test_a_naive_time_is_refused_before_it_is_stored(database):
    entry = AuditEntry(at=NOON.replace(tzinfo=None), workspace_id="T", actor="U", action="a", subject="s", details={})

    with pytest.raises(Exception, match="without a zone"):
        async with database.transaction() as tx:
            await audit.record(tx, entry)


async def test_times_come_back_in_utc_to_the_microsecond(database):
    there = NOON.replace(microsecond=123457).astimezone(timezone(timedelta(hours=5, minutes=30)))
    async with database.transaction() as tx:
        await members.remember(tx, a_member(), there)
        seen = (await tx.connection.execute(select(members_table.c.seen_at))).scalar_one()

    assert seen == there
    assert seen.utcoffset() == timedelta(0)


async def test_the_file_is_its_owners_alone(path, sqlite):
    async with sqlite.transaction() as tx:
        await store_member(tx)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("deputy.db*")}

    assert modes == dict.fromkeys(modes, 0o600)
    assert "deputy.db-wal" in modes


async def test_sqlite_is_set_up_to_keep_what_it_acknowledged_and_to_refuse_what_dangles(sqlite):
    async with sqlite.transaction() as tx:
        settings = {
            name: (await tx.connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }

    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 10_000,
    }


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///deputy.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///deputy.db", "sqlite+aiosqlite"),
        ("postgres://ann@db/deputy", "postgresql+psycopg"),
        ("postgresql://ann@db/deputy", "postgresql+psycopg"),
        ("postgresql+psycopg://ann@db/deputy", "postgresql+psycopg"),
    ],
)
def test_an_address_gets_the_driver_we_use(given, driver):
    assert normalise(given).drivername == driver


@pytest.mark.parametrize(
    "given", ["", "deputy.db", "mysql://ann:hunter2@db/deputy", "postgresql://ann:hunter2@db:port/x"]
)
def test_another_address_is_refused_without_repeating_its_password(given, key):
    with pytest.raises(DatabaseUrlInvalid) as refused:
        Database.open(given, (key,))

    assert "hunter2" not in repr(refused.value)


def test_a_database_without_keys_cannot_be_opened(path):
    with pytest.raises(KeysInvalid):
        Database.open(f"sqlite:///{path}", ())


@pytest.mark.fault("S23")
async def test_whether_it_can_be_written_is_told_at_once(path, sqlite):
    """What waits for a lock in a thread cannot be ended by a stop."""
    await sqlite.require_free()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as locked:
            await sqlite.require_free()
    async with sqlite.transaction():
        pass

    assert locked.value.is_passing


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    ("words", "passes"),
    [
        ("connection failed: Connection refused", True),
        ("connection failed: FATAL:  the database system is starting up", True),
        ("connection failed: FATAL:  password authentication failed for user", False),
        ('connection failed: FATAL:  database "deputi" does not exist', False),
    ],
)
def test_what_postgresql_means_is_not_waited_for(words, passes):
    assert is_passing(OperationalError("", {}, RuntimeError(words))) is passes
