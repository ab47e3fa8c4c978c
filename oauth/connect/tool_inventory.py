"""Remembers the tools of each service, listed once after each connection.

It runs after the connection is made and told: if a service does not list its tools, that is only logged.
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
from store.records import Connection, Secret, ServiceName, ServiceTool, WorkspaceId

log = structlog.get_logger(__name__)

OnListed = Callable[[Connection, ToolDifference], Awaitable[None]]


class ToolInventory:
    """The workspace's tools by service; one per process."""

    def __init__(
        self, *, database: Database, listing: ToolLister, clock: Clock, on_listed: OnListed | None = None
    ) -> None:
        self._database = database
        self._listing = listing
        self._clock = clock
        self.on_listed = on_listed
        """Told of every listing after it is stored, with what is another; of one that says nothing new, too."""
        self._expected: dict[ServiceName, set[asyncio.Event]] = {}

    @contextmanager
    def expecting(self, service: ServiceName) -> Iterator[None]:
        """Let whoever asks for this service wait until the block ends: it lists the tools."""
        done = asyncio.Event()
        self._expected.setdefault(service, set()).add(done)
        try:
            yield
        finally:
            self._expected[service].discard(done)
            done.set()

    async def settled(self, services: Iterable[ServiceName]) -> None:
        """Return once no listing of these services is going on; each ends by its own limits of time."""
        for service in services:
            for done in tuple(self._expected.get(service, ())):
                await done.wait()

    async def list_known(self, workspace_id: WorkspaceId, service: ServiceName) -> tuple[ServiceTool, ...]:
        """Return every tool the service was seen with, by name."""
        async with self._database.transaction() as tx:
            return await service_tools.list_for(tx, workspace_id, service)

    async def take(self, service: Service, connection: Connection, token: Secret) -> ToolDifference | None:
        """List the tools with the fresh token, remember them, and return what is another; None if it cannot.

        The token is used here and let go.
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
        """Remember what was listed and return what is another."""
        workspace_id, now = connection.owner.workspace_id, self._clock.now()
        async with self._database.transaction() as tx:
            known = await service_tools.list_for(tx, workspace_id, service)
            await service_tools.put(tx, workspace_id, build_records(service, known, listed, now))
        difference = compare_tools(known, listed)
        log.info("tools.listed", service=service, tools=len(listed), new=len(difference.new))
        if self.on_listed is not None:
            await self.on_listed(connection, difference)
        return difference
