"""Looks up people, cached for minutes, and channels, never cached (implements `People`).

`bot.domain.access.eligibility` decides who is served, and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from cachetools import TTLCache

from bot.domain.ports import ChannelInfo, Clock, PersonInfo
from bot.model.errors import SlackRejected
from bot.slack.client import SlackApi
from bot.slack.conversations import Conversations, seconds_of
from store.records import ChannelId, UserId

LIFETIME = timedelta(minutes=10)
"""How long an answer is used (docs/reference/slack.md#people); decisions and credentials always ask Slack again."""
KNOWN_AT_MOST = 5_000
UNKNOWN_PERSON = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
UNSEEN_CHANNEL = frozenset({"channel_not_found", "not_in_channel", "method_not_supported_for_channel_type"})
GUESTS = ("is_restricted", "is_ultra_restricted")
MACHINES = ("is_bot", "is_workflow_bot")


class SlackDirectory:
    """People and channels of one workspace."""

    def __init__(self, *, api: SlackApi, clock: Clock, conversations: Conversations | None = None) -> None:
        self._api = api
        self._people = TTLCache[UserId, PersonInfo | None](KNOWN_AT_MOST, LIFETIME.total_seconds(), seconds_of(clock))
        self._conversations = conversations or Conversations(api, clock)
        self._names = TTLCache[ChannelId, str | None](KNOWN_AT_MOST, LIFETIME.total_seconds(), seconds_of(clock))

    async def person(self, user_id: UserId, *, is_fresh: bool = False) -> PersonInfo | None:
        """Return the person as Slack knows them, None if Slack does not. `is_fresh` skips the cache."""
        if not is_fresh:
            with suppress(KeyError):
                return self._people[user_id]
        # None is cached too: an unknown id must not take a call each time.
        found = self._people[user_id] = await self._ask_person(user_id)
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
        with suppress(KeyError):
            return self._names[channel]
        info = await self._ask_channel(channel) or {}
        name = info.get("name")
        # Only if Slack says that it is public: the name ends up in text that others read.
        is_public = info.get("is_private") is False and isinstance(name, str) and bool(name)
        shown = self._names[channel] = str(name) if is_public else None
        return shown

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
