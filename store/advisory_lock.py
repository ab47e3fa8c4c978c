"""Sees that one process at a time drives a PostgreSQL database: an advisory lock, held by one connection of its own.

The server frees it with the connection: when the process dies, but also when the connection drops or the server is
started again. So whoever holds it looks after it, and takes it again before anybody else's work is done twice.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store.errors import StoreTaken

PATIENCE_SECONDS = 3.0
"""How long the server may take to answer before the lock is in doubt."""
KEY = 0x6465_7075_747A


class AdvisoryLock:
    """The lock of one database; `is_sure` tells whether it is held, as far as anybody here knows."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self.is_sure = False

    async def take(self) -> None:
        """Take it on a new connection. Raises `StoreTaken`, and whatever the driver does."""
        connection = await self._engine.connect()
        self._connection = connection
        await connection.execution_options(isolation_level="AUTOCOMMIT")  # no transaction stays open in it
        taken = await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": KEY})
        if not taken.scalar_one():
            await self.let_go()
            raise StoreTaken("elsewhere")
        self.is_sure = True

    async def keep(self) -> bool:
        """See that its connection lives, else take it on another; tell whether that was done. Raises as `take`."""
        if await self._is_alive():
            return False
        await self.let_go()
        await self.take()
        return True

    async def let_go(self) -> None:
        """Close its connection, never give it back to the pool: the lock is the connection's."""
        self._doubt()
        connection, self._connection = self._connection, None
        if connection:
            await connection.invalidate()
            await connection.close()

    async def _is_alive(self) -> bool:
        if self._connection is None:
            return False
        # By a timer of its own: the driver may wait long for a server that does not answer, also when it is cancelled.
        doubt = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._doubt)
        try:
            await self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        finally:
            doubt.cancel()
        self.is_sure = True
        return True

    def _doubt(self) -> None:
        self.is_sure = False
