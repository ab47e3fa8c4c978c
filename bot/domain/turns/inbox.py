"""Collects what a turn's loop has to look at next: agent events in order, wake-ups, the end of the stream.

While Slack is slow it goes on collecting, so the next step takes more events at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from bot.domain.ports import Clock, EventFeed
from bot.model.errors import AgentsUnavailable, DeputyError
from bot.model.events import AgentEvent


class Inbox:
    """One turn's inbox; filled by `feed`, emptied by `take`."""

    def __init__(self, signal: asyncio.Event, clock: Clock, source: EventFeed | None = None) -> None:
        self._signal = signal
        self._clock = clock
        self._source = source
        self._events: list[AgentEvent] = []
        self._error: DeputyError | None = None

    async def feed(self, events: AsyncIterator[AgentEvent]) -> None:
        """Collect events until their source ends; its error is raised by `take`, after the events before it.

        Whatever ends it is heard of by `take`, also a bug, which is raised by this task itself.
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
        """Whether nothing is on its way that the API has listed already: else silence says nothing."""
        return self._source is None or self._source.is_caught_up

    def doubt(self) -> None:
        """See that what the stream may have missed is listed."""
        if self._source is not None:
            self._source.doubt()

    async def take(self, until: datetime | None) -> list[AgentEvent]:
        """Return what came in, waiting at most `until` then (None: for ever) for something or a wake-up."""
        if not self._events and not self._error:
            await self._clock.wait_for(self._signal, until)
        self._signal.clear()
        events, self._events = self._events, []
        if not events and self._error:
            raise self._error
        return events
