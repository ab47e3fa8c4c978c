"""Messages that people are owed: stored in the transaction they tell of, sent afterwards by the dispatcher.

Sent first, a message would be repeated after a crash; sent after the commit without being stored, a crash would lose
it. So it stays among the stored requests until it is sent.
"""

from __future__ import annotations

import asyncio

from bot.domain.ports import Clock
from bot.model.command_codec import dump
from bot.model.commands import TellAttempt, TellOutcome
from store import deliveries
from store.database import Tx


class Outbox:
    """Stores messages in the transaction of what they tell of; `dispatcher` sends them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._has_more = asyncio.Event()

    async def put(self, tx: Tx, key: str, words: TellOutcome | TellAttempt) -> None:
        """Store words that are owed, once per key."""
        await deliveries.claim(tx, key, *dump(words), self._clock.now())

    def send(self) -> None:
        """Have what was put in told now, once it is stored; else the sweep finds it some seconds later."""
        self._has_more.set()

    async def wait(self) -> None:
        """Return once there may be something to tell."""
        await self._has_more.wait()
        self._has_more.clear()
