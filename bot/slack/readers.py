"""Who can read a channel, in numbers and names of organisations; asked of Slack, remembered for minutes.

It informs people; whether Deputy works in a channel at all is judged by the intake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.domain.ports import Clock
from bot.errors import SlackRejected, SlackUnavailable
from bot.notices import Readers
from bot.slack.client import SlackApi
from store.records import ChannelId

log = structlog.get_logger(__name__)

LIFETIME = timedelta(minutes=10)
NAMED_MAX = 3
"""Organisations that are named; naming one may take a call."""


@dataclass(frozen=True, slots=True)
class _Kept:
    readers: Readers
    until: datetime


class ChannelReaders:
    """Answers of `conversations.info` and `team.info`; one per workspace."""

    def __init__(self, *, api: SlackApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._known: dict[ChannelId, _Kept] = {}
        self._names: dict[str, str] = {}

    async def of(self, channel: ChannelId) -> Readers:
        """Return who reads a channel; nothing is said of what Slack does not tell."""
        kept = self._known.get(channel)
        if kept and self._clock.now() < kept.until:
            return kept.readers
        try:
            readers = await self._ask(channel)
        except (SlackUnavailable, SlackRejected) as error:
            log.info("readers_not_known", error=type(error).__name__)
            return Readers()
        self._known[channel] = _Kept(readers, self._clock.now() + LIFETIME)
        return readers

    async def _ask(self, channel: ChannelId) -> Readers:
        answer = await self._api.call("conversations.info", channel=channel, include_num_members=True)
        info: Mapping[str, Any] = answer.get("channel") or {}
        count = info.get("num_members")
        is_shared = bool(info.get("is_ext_shared"))
        own = info.get("context_team_id")
        teams = [str(team) for team in info.get("connected_team_ids") or () if team != own] if is_shared else []
        names = [await self._name(team) for team in sorted(teams)[:NAMED_MAX]]
        return Readers(count if isinstance(count, int) else None, is_shared, tuple(name for name in names if name))

    async def _name(self, team: str) -> str:
        """Return an organisation's name, empty where Slack does not tell it (`team:read`)."""
        if team not in self._names:
            try:
                answer = await self._api.call("team.info", team=team)
            except SlackRejected:
                return ""
            found: Mapping[str, Any] = answer.get("team") or {}
            self._names[team] = str(found.get("name") or "")
        return self._names[team]
