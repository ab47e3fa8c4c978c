"""Reads a channel's current state, never from a cache, since it decides what may be posted there.

Concurrent callers share calls: a caller who comes while a call is running waits for the next one, so that everybody
gets the result of a call that began after they asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cachetools import TTLCache

from bot.domain.ports import Clock
from bot.slack.client import SlackApi
from store.records import ChannelId, UserId

_INFO = "conversations.info"
# Seconds that a call waits for others to join it: the fewer calls are left in the budget, the longer.
_GATHERING, _GATHERING_MAX = 0.5, 2.0
_LATELY = timedelta(minutes=1)
_KNOWN_MAX = 1_000
# Members of a channel: how many a call lists, and how many calls are made at most.
_PAGE, _PAGES = 1_000, 20


@dataclass(slots=True)
class _Line:
    """The callers who ask about one channel."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    answered: int = 0
    """The newest answer is for the first so many callers."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    waiting: int = 0


def seconds_of(clock: Clock) -> Callable[[], float]:
    """Return the steady clock in seconds, for a cache that forgets."""
    return lambda: clock.steady().timestamp()


class Conversations:
    """Answers of `conversations.info` and `conversations.members`. Raises what `SlackApi` raises."""

    def __init__(self, api: SlackApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._lines: dict[ChannelId, _Line] = {}
        self._last = TTLCache[ChannelId, Mapping[str, Any]](_KNOWN_MAX, _LATELY.total_seconds(), seconds_of(clock))

    async def fetch(self, channel: ChannelId) -> Mapping[str, Any]:
        """Return Slack's description of a channel as it is now, with `num_members`."""
        line = self._lines.setdefault(channel, _Line())
        line.asked += 1
        mine = line.asked
        line.waiting += 1
        try:
            async with line.lock:
                # Somebody who waited may have got an answer to a call that began after they asked.
                if line.answered < mine:
                    await self._gather()
                    await self._api.turn(_INFO, channel=channel)
                    # Read now, as late as possible: whoever has joined by this moment asked before the call begins.
                    asked = line.asked
                    line.answer = await self._fetch(channel)
                    line.answered = asked
                return line.answer
        finally:
            line.waiting -= 1
            if not line.waiting:
                # Otherwise there would be a lock for every channel that was ever asked about.
                del self._lines[channel]

    async def fetch_lately(self, channel: ChannelId) -> Mapping[str, Any]:
        """Return the channel as it was within the last minute; for words about it, never to decide what is posted."""
        known = self._last.get(channel)
        return await self.fetch(channel) if known is None else known

    async def has_member(self, channel: ChannelId, user_id: UserId) -> bool:
        """Tell whether somebody is in a channel."""
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self._api.call("conversations.members", channel=channel, limit=_PAGE, cursor=cursor)
            if user_id in page.get("members", []):
                return True
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return False
        return False  # a channel too large to read through: not known to be in it, so the caller denies

    async def _gather(self) -> None:
        """If half of the budget is used up, wait a little for others who ask about the same channel."""
        seconds = self._api.pacer.spacing(self._api.workspace, _INFO, least=_GATHERING)
        if seconds >= 2 * _GATHERING:
            until = self._clock.steady() + timedelta(seconds=min(seconds, _GATHERING_MAX))
            await self._clock.sleep_until(until)

    async def _fetch(self, channel: ChannelId) -> Mapping[str, Any]:
        answer = await self._api.call(_INFO, is_paid=True, channel=channel, include_num_members=True)
        found = answer.get("channel")
        found = found if isinstance(found, Mapping) else {}
        # The oldest goes: dictionaries keep the order of insertion.
        self._last[channel] = found
        return found
