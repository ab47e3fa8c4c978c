"""Finds stored requests and turns that no task works on, and starts them again.

A crash leaves such rows, and so does an outage, a bug or a lost answer to a commit. Deputy looks for them at its start
and every few seconds.
"""

from __future__ import annotations

from datetime import timedelta

from bot.domain.context import DomainContext
from bot.domain.dispatcher import Dispatcher
from bot.domain.turns.driver import TurnDriver
from oauth.connect.connections import Connections

INTERVAL = timedelta(seconds=6)
"""How long a request or turn may lie before somebody takes it up."""


def start_sweeping(
    context: DomainContext, dispatcher: Dispatcher, driver: TurnDriver, connections: Connections
) -> None:
    """Start the periodic tasks, independent of each other, for the life of the process."""
    supervisor = context.supervisor

    async def tell() -> None:
        await context.outbox.wait()
        await dispatcher.recover()

    supervisor.keep("words", tell, timedelta())
    supervisor.keep("requests", dispatcher.recover, INTERVAL)
    supervisor.keep("turns", driver.resume, INTERVAL)
    supervisor.keep("attempts", connections.recover_overdue, INTERVAL)
