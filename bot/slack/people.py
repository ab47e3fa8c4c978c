"""Looks up people, cached for minutes, and channels, never cached (implements `People`).

`bot.domain.access.eligibility` decides who is served, and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from bot.domain.ports import ChannelInfo, Clock, PersonInfo
from bot.model.errors import SlackRejected
from bot.slack.client import SlackApi
from bot.slack.conversations import Conversations
from store.records import ChannelId, UserId

LIFETIME = timedelta(minutes=10)
"""How long an answer is used (docs/reference/slack.md#people); decisions and credentials always ask Slack again."""
KNOWN_AT_MOST = 5_000
UNKNOWN_PERSON = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
UNSEEN_CHANNEL = frozenset({"channel_not_found", "not_in_channel", "method_not_supported_for_channel_type"})
GUESTS = ("is_restricted", "is_ultra_restricted")
MACHINES = ("is_bot", "is_workflow_bot")

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    until: datetime


class SlackDirectory:
    """People and channels of one workspace."""

    def __init__(self, *, api: SlackApi, clock: Clock, conversations: Conversations | None = None) -> None:
        self._api = api
        self._clock = clock
        self._people: dict[UserId, _Kept[PersonInfo | None]] = {}
        self._conversations = conversations or Conversations(api, clock)
        self._names: dict[ChannelId, _Kept[str | None]] = {}

    async def person(self, user_id: UserId, *, is_fresh: bool = False) -> PersonInfo | None:
        """Return the person as Slack knows them, None if Slack does not. `is_fresh` skips the cache."""
        kept = self._people.get(user_id)
        if kept and not is_fresh and self._clock.steady() < kept.until:
            return kept.value
        found = await self._ask_person(user_id)
        # None is cached too: an unknown id must not take a call each time.
        self._keep(self._people, user_id, found)
        return found

    async def conversation(self, channel: ChannelId) -> ChannelInfo | None:
        """Return what the channel is at this moment, None if the bot cannot see it."""
        info = await self._ask_channel(channel)
        return None if info is None else _conversation(info)

    async def is_in(self, channel: ChannelId, user_id: UserId) -> bool:
        """Tell whether somebody is in a channel; False if the bot cannot see the channel."""
        try:
            return await self._conversations.has_member(channel, user_id)
        except SlackRejected as error:
            if error.code in UNSEEN_CHANNEL:
                return False
            raise

    async def channel_name(self, channel: ChannelId) -> str | None:
        """Return the name of a public channel; None for private ones, whose name only members may know."""
        kept = self._names.get(channel)
        if kept and self._clock.steady() < kept.until:
            return kept.value
        info = await self._ask_channel(channel) or {}
        name = info.get("name")
        # Only if Slack says that it is public: the name ends up in text that others read.
        is_public = info.get("is_private") is False and isinstance(name, str) and bool(name)
        self._keep(self._names, channel, name if is_public else None)
        return name if is_public else None

    def forget(self, user_id: UserId) -> None:
        """Drop what is cached about this person, since something changed."""
        self._people.pop(user_id, None)

    async def _ask_person(self, user_id: UserId) -> PersonInfo | None:
        try:
            answer = await self._api.call("users.info", user=user_id)
        except SlackRejected as error:
            if error.code in UNKNOWN_PERSON:
                return None
            raise
        user = answer.get("user")
        return _person(user) if isinstance(user, Mapping) else None

    async def _ask_channel(self, channel: ChannelId) -> Mapping[str, Any] | None:
        try:
            return await self._conversations.fetch(channel)
        except SlackRejected as error:
            if error.code in UNSEEN_CHANNEL:
                return None
            raise

    def _keep(self, memory: dict[K, _Kept[V]], key: K, value: V) -> None:
        if len(memory) >= KNOWN_AT_MOST:
            memory.pop(next(iter(memory)))
        memory[key] = _Kept(value, self._clock.steady() + LIFETIME)


def _conversation(info: Mapping[str, Any]) -> ChannelInfo | None:
    if info.get("is_member") is False:
        return None
    # A pending invitation counts as shared: it may be accepted right after something was posted.
    about_to_be = ("is_pending_ext_shared", "pending_shared", "pending_connected_team_ids")
    return ChannelInfo(
        is_shared=bool(info.get("is_ext_shared") or any(info.get(mark) for mark in about_to_be)),
        is_archived=bool(info.get("is_archived")),
    )


def _person(user: Mapping[str, Any]) -> PersonInfo:
    enterprise: Mapping[str, Any] = user.get("enterprise_user") or {}
    profile: Mapping[str, Any] = user.get("profile") or {}
    name = profile.get("display_name") or user.get("real_name") or user.get("name") or user.get("id")
    return PersonInfo(
        user_id=UserId(str(user.get("id") or "")),
        team_id=str(user.get("team_id") or ""),
        enterprise_id=str(enterprise.get("enterprise_id") or "") or None,
        name=str(name),
        # `is_bot` is false for Slackbot itself.
        is_bot=any(user.get(mark) for mark in MACHINES) or user.get("id") == "USLACKBOT",
        is_guest=any(user.get(mark) for mark in GUESTS),
        is_stranger=bool(user.get("is_stranger")),
        is_deleted=bool(user.get("deleted")),
        owns=frozenset(_owned(user, enterprise)),
        teams=frozenset(str(team) for team in enterprise.get("teams") or ()),
    )


def _owned(user: Mapping[str, Any], enterprise: Mapping[str, Any]) -> Iterator[str]:
    if user.get("is_owner") is True or user.get("is_primary_owner") is True:
        yield str(user.get("team_id") or "")
    if enterprise.get("is_owner") is True or enterprise.get("is_primary_owner") is True:
        yield str(enterprise.get("enterprise_id") or "")
