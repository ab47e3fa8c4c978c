"""Work of each hour: purges old rows, and does what other parts give it to do.

Each task has a loop of its own, so that one that fails delays no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.domain.ports import Clock
from bot.domain.supervisor import Supervisor, Work
from bot.domain.turns.ask_form import KEEP_QUOTES
from bot.domain.turns.message_events import KEEP, KEEP_WORDS
from store import deliveries, early_message_events, form_messages, registrations, tickets
from store.database import Database

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
KEEP_DELIVERIES = timedelta(days=2)
"""Longer than Slack repeats anything; delayed events come hours later, not days
(docs/reference/slack.md#repeated-events)."""
KEEP_TICKETS = timedelta(days=1)


class HourlyMaintenance:
    """The chores of one process; those of other parts are given by name."""

    def __init__(self, database: Database, clock: Clock, chores: Mapping[str, Work]) -> None:
        self._database = database
        self._clock = clock
        self._chores = chores

    def start(self, supervisor: Supervisor) -> None:
        """Do each chore now and every hour, for the life of the process."""
        for name, chore in {"purge": self.purge, **self._chores}.items():
            supervisor.keep(name, chore, EVERY)

    async def purge(self) -> None:
        """Forget deliveries and tickets that nothing can refer to any more."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            # What an attempt that never came back says of its client is heeded before the attempt is forgotten.
            await registrations.drop_unanswered(tx, now)
            gone = await deliveries.purge(tx, now - KEEP_DELIVERIES)
            gone += await deliveries.purge_unreadable(tx, now - KEEP_DELIVERIES)
            gone += await tickets.purge(tx, now - KEEP_TICKETS)
            gone += await early_message_events.purge(tx, now - KEEP, now - KEEP_WORDS)
            gone += await form_messages.purge(tx, now - KEEP_QUOTES)
        if gone:
            log.info("purged", rows=gone)
