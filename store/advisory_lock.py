"""Lets one process at a time drive a PostgreSQL database, by an advisory lock on a connection of its own.

The server releases the lock with that connection: when the process dies, but also when the connection drops or the
server restarts. So its holder checks it every second and takes it again (docs/decisions/0014).
"""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store.errors import StoreTaken

PATIENCE_SECONDS = 3.0
"""How long the server may take to respond before the lock is in doubt."""
KEY = 0x6465_7075_747A  # not the migrations' key: a command that only migrates does not hold this lock


class AdvisoryLock:
    """The lock of one database; `is_sure` says whether it is held, as far as this process knows."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self.is_sure = False

    async def take(self) -> None:
        """Take the lock on a new connection. Raises `StoreTaken`, and the driver's own errors."""
        connection = await self._engine.connect()
        self._connection = connection
        # For hours this connection is idle: an open transaction would keep the server from vacuuming.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": KEY})
        if not taken.scalar_one():
            await self.let_go()
            raise StoreTaken("elsewhere")
        self.is_sure = True

    async def keep(self) -> bool:
        """Check the connection, and take the lock on another if it is dead; say whether it was. Raises as `take`."""
        if await self._is_alive():
            return False
        await self.let_go()
        await self.take()
        return True

    async def let_go(self) -> None:
        """Release the lock by closing its connection."""
        self._doubt()
        connection, self._connection = self._connection, None
        if connection:
            # Invalidated, or it went back to the pool with the lock still held.
            await connection.invalidate()
            await connection.close()

    async def _is_alive(self) -> bool:
        if self._connection is None:
            return False
        # A timer instead of a timeout: the driver may wait long for a server that does not respond, even if cancelled.
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
