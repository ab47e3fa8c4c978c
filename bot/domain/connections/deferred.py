"""What goes on beside the browser's way and keeps nobody waiting: listing tools, giving up what waits for a code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import datetime

from bot.domain.context import DomainContext
from bot.domain.supervisor import Supervisor
from oauth.catalog.service import Service
from oauth.connect.callback import OnToken
from oauth.connect.connect_context import OnHold
from oauth.connect.tool_inventory import ToolInventory
from store.records import Connection, Secret


def list_later(inventory: ToolInventory, supervisor: Supervisor) -> OnToken:
    """Let a service's tools be listed beside everything else: nobody waits for it, and nothing hangs on it."""

    def start(service: Service, connection: Connection, token: Secret) -> None:
        expecting = ExitStack()
        expecting.enter_context(inventory.expecting(service.name))

        async def list_tools() -> None:
            with expecting:
                await inventory.take(service, connection, token)

        supervisor.start(list_tools)

    return start


def give_up_later(context: DomainContext) -> OnHold:
    """See that what waits for a code is given up when its time is over."""
    clock = context.clock

    def start(until: datetime, give_up: Callable[[], Awaitable[None]]) -> None:
        async def end_code() -> None:
            await clock.sleep((until - clock.now()).total_seconds())
            await give_up()

        context.supervisor.start(end_code)

    return start
