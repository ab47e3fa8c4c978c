"""Messages to be sent to people: stored in the transaction that they are about, sent afterwards by the dispatcher.

If they were sent first, a crash before the commit would repeat them; if they were sent after the commit without being
stored, a crash in between would lose them. So each stays among the stored requests until it is sent.
"""

from __future__ import annotations

import asyncio

from bot.domain.ports import Clock
from bot.model.command_codec import dump
from bot.model.commands import TellAttempt, TellOutcome
from store import deliveries
from store.database import Tx


class Outbox:
    """Stores messages in the transaction that they are about; `dispatcher` sends them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._has_more = asyncio.Event()

    async def put(self, tx: Tx, key: str, words: TellOutcome | TellAttempt) -> None:
        """Store a message to be sent, once per key."""
        await deliveries.claim(tx, key, *dump(words), self._clock.now())

    def send(self) -> None:
        """Have the messages sent now; call it after the commit. Without it the sweep finds them seconds later."""
        self._has_more.set()

    async def wait(self) -> None:
        """Return once there may be a message to send."""
        await self._has_more.wait()
        self._has_more.clear()
