"""Remembers the tools of each service, as listed after each connection.

A connection stands whether or not its tools can be listed: a failure is only logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog

from oauth.catalog.service import Service
from oauth.errors import ConnectError
from oauth.mcp.list_tools import ToolLister
from oauth.mcp.tool_definitions import ListedTool, ToolDifference, build_records, compare_tools
from oauth.ports import Clock
from store import service_tools
from store.database import Database
from store.records import Connection, Secret, ServiceName

log = structlog.get_logger(__name__)

OnListed = Callable[[Connection, ToolDifference], Awaitable[None]]


class ToolInventory:
    """The tools of a workspace's services; one per process."""

    def __init__(
        self, *, database: Database, listing: ToolLister, clock: Clock, on_listed: OnListed | None = None
    ) -> None:
        self._database = database
        self._listing = listing
        self._clock = clock
        self._on_listed = on_listed
        """Called after every listing is stored, with its differences, also where there are none."""
        self._expected: dict[ServiceName, set[asyncio.Event]] = {}

    @contextmanager
    def expecting(self, service: ServiceName) -> Iterator[None]:
        """Mark the tools of this service as being listed while the block runs; `settled` waits for its end."""
        # A set, since several members may connect one service at the same time.
        done = asyncio.Event()
        self._expected.setdefault(service, set()).add(done)
        try:
            yield
        finally:
            self._expected[service].discard(done)
            done.set()

    async def settled(self, services: Iterable[ServiceName]) -> None:
        """Wait until no listing of these services is going on. Each listing ends by its own time limit."""
        for service in services:
            for done in tuple(self._expected.get(service, ())):
                await done.wait()

    async def take(self, service: Service, connection: Connection, token: Secret) -> ToolDifference | None:
        """List the tools with a fresh token, remember them and return the differences; None if that failed.

        The token is not kept.
        """
        try:
            listed = await self._listing.list_tools(connection.mcp_server_url, token)
        except ConnectError as error:
            log.warning("tools.not_listed", service=service.name, rule=getattr(error, "rule", ""))
            return None
        return await self.keep(service.name, connection, listed)

    async def keep(
        self, service: ServiceName, connection: Connection, listed: tuple[ListedTool, ...]
    ) -> ToolDifference:
        """Remember the listed tools and return the differences from what was remembered."""
        workspace_id, now = connection.owner.workspace_id, self._clock.now()
        async with self._database.transaction() as tx:
            known = await service_tools.list_for(tx, workspace_id, service)
            await service_tools.put(tx, workspace_id, build_records(service, known, listed, now))
        difference = compare_tools(known, listed)
        log.info("tools.listed", service=service, tools=len(listed), new=len(difference.new))
        if self._on_listed is not None:
            await self._on_listed(connection, difference)
        return difference
