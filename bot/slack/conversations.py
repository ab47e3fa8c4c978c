"""What Slack says of a channel at this moment: never remembered, for what may be posted there rests on it.

Many who ask at once share an answer: whoever comes while a call is on its way waits for the next one, so each is
answered by a call that began after they asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.slack.client import SlackApi
from store.records import ChannelId, UserId

_PAGE, _PAGES = 1_000, 20
"""Members of a channel: how many a call lists, and how many calls are made."""


@dataclass(slots=True)
class _Line:
    """Those who ask about one channel."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    answered: int = 0
    """How many of those who asked the newest answer is for."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    waiting: int = 0


class Conversations:
    """Answers of `conversations.info` and `conversations.members`. All raise what `SlackApi` raises."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._lines: dict[ChannelId, _Line] = {}

    async def fetch(self, channel: ChannelId) -> Mapping[str, Any]:
        """Return the channel as Slack has it now, with how many people are in it."""
        line = self._lines.setdefault(channel, _Line())
        line.asked += 1
        mine = line.asked
        line.waiting += 1
        try:
            async with line.lock:
                if line.answered < mine:
                    asked = line.asked
                    line.answer = await self._fetch(channel)
                    line.answered = asked
                return line.answer
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[channel]

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
        return False  # more than we look through: not known to be in it

    async def _fetch(self, channel: ChannelId) -> Mapping[str, Any]:
        answer = await self._api.call("conversations.info", channel=channel, include_num_members=True)
        found = answer.get("channel")
        return found if isinstance(found, Mapping) else {}
