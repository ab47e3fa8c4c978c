"""Finds out how many people, and of which organisations, read a channel when something is posted there.

This only informs people; `bot.domain.access.admission` decides whether Deputy works in a channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.notices import Readers
from bot.slack.client import SlackApi
from bot.slack.conversations import Conversations
from store.records import ChannelId

log = structlog.get_logger(__name__)

NAMED_MAX = 3
"""Organisations that are named; each name may take a call."""


class ChannelAudiences:
    """Answers of `conversations.info`, and of `team.info` for organisations' names, which are cached."""

    def __init__(self, api: SlackApi, conversations: Conversations) -> None:
        self._api = api
        self._conversations = conversations
        self._names: dict[str, str] = {}

    async def of(self, channel: ChannelId) -> Readers:
        """Return who reads a channel; fields that Slack does not tell keep their defaults. Never raises our errors."""
        try:
            return await self._ask(channel)
        except (SlackUnavailable, SlackRejected) as error:
            log.info("readers_not_known", error=type(error).__name__)
            return Readers()

    async def _ask(self, channel: ChannelId) -> Readers:
        info = await self._conversations.fetch_lately(channel)
        count = info.get("num_members")
        is_shared = bool(info.get("is_ext_shared"))
        own = info.get("context_team_id")
        # The list contains our own team.
        teams = [str(team) for team in info.get("connected_team_ids") or () if team != own] if is_shared else []
        names = [await self._name(team) for team in sorted(teams)[:NAMED_MAX]]
        return Readers(count if isinstance(count, int) else None, is_shared, tuple(name for name in names if name))

    async def _name(self, team: str) -> str:
        """Return an organisation's name, empty if Slack does not tell it (it needs `team:read`)."""
        if team not in self._names:
            try:
                answer = await self._api.call("team.info", team=team)
            except SlackRejected:
                return ""
            found: Mapping[str, Any] = answer.get("team") or {}
            self._names[team] = str(found.get("name") or "")
        return self._names[team]
