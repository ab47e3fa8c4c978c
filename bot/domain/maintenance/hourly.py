"""Hourly work: purges old rows, and runs the chores that other parts register.

Each chore has a loop of its own, so that one that fails delays no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.domain.context import DomainContext
from bot.domain.supervisor import Work
from bot.domain.turns.ask_form import KEEP_QUOTES
from bot.domain.turns.message_events import KEEP, KEEP_WORDS
from store import deliveries, early_message_events, form_messages, registrations, tickets

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
KEEP_DELIVERIES = timedelta(days=2)
"""Longer than Slack repeats any event: delayed ones come hours later, not days
(docs/reference/slack.md#repeated-events)."""
KEEP_TICKETS = timedelta(days=1)


class HourlyMaintenance:
    """The hourly chores of one process, by name."""

    def __init__(self, context: DomainContext, chores: Mapping[str, Work]) -> None:
        self._database, self._clock, self._supervisor = context.database, context.clock, context.supervisor
        self._chores = chores

    def start(self) -> None:
        """Run each chore now and every hour, for the life of the process."""
        for name, chore in {"purge": self.purge, **self._chores}.items():
            self._supervisor.keep(name, chore, EVERY)

    async def purge(self) -> None:
        """Delete deliveries, tickets and stored messages that nothing can refer to any more."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            # Before tickets are purged: an attempt that never came back is the only sign that a service has forgotten
            # our client (docs/decisions/0038-a-forgotten-client-is-registered-again.md).
            await registrations.drop_unanswered(tx, now)
            gone = await deliveries.purge(tx, now - KEEP_DELIVERIES)
            gone += await deliveries.purge_unreadable(tx, now - KEEP_DELIVERIES)
            gone += await tickets.purge(tx, now - KEEP_TICKETS)
            gone += await early_message_events.purge(tx, now - KEEP, now - KEEP_WORDS)
            gone += await form_messages.purge(tx, now - KEEP_QUOTES)
        if gone:
            log.info("purged", rows=gone)
