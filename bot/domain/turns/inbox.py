"""Collects what a turn's loop handles next: agent events in order, wake-ups, the end of the stream.

While Slack is slow it keeps collecting, so the next step of the loop takes more events at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from bot.domain.ports import Clock, EventFeed
from bot.model.errors import AgentsUnavailable, DeputyError
from bot.model.events import AgentEvent


class Inbox:
    """The inbox of one turn; `feed` fills it, `take` empties it."""

    def __init__(self, signal: asyncio.Event, clock: Clock, source: EventFeed | None = None) -> None:
        self._signal = signal
        self._clock = clock
        self._source = source
        self._events: list[AgentEvent] = []
        self._error: DeputyError | None = None

    async def feed(self, events: AsyncIterator[AgentEvent]) -> None:
        """Collect events until their source ends; `take` raises its error after the events before it.

        After a bug, which this task itself raises, `take` raises `AgentsUnavailable`: it never waits for ever.
        """
        self._error = None
        try:
            async for event in events:
                self._events.append(event)
                self._signal.set()
        except DeputyError as error:
            self._error = error
        finally:
            self._error = self._error or AgentsUnavailable()
            self._signal.set()

    @property
    def is_caught_up(self) -> bool:
        """Return whether all events that the API has listed were taken in; before that, silence means nothing."""
        return self._source is None or self._source.is_caught_up

    def doubt(self) -> None:
        """Have events listed that the stream may have missed."""
        if self._source is not None:
            self._source.doubt()

    async def take(self, until: datetime | None) -> list[AgentEvent]:
        """Return the events that came in, waiting for one or a wake-up until the steady time `until` (None: for ever).

        Raises the source's error once its events are taken.
        """
        if not self._events and not self._error:
            await self._clock.wait_for(self._signal, until)
        # Cleared before the events are taken: one that comes in between sets it again.
        self._signal.clear()
        events, self._events = self._events, []
        if not events and self._error:
            raise self._error
        return events
