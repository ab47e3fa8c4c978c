"""Reads threads and people's names where the bot is a member (implements `ThreadHistory`)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import structlog

from bot.domain.ports import People
from bot.model.commands import Conversation, Said
from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.slack_message import MessageText, read_message
from bot.model.visible_text import one_line
from bot.slack.client import SlackApi
from store.records import ChannelId, MessageRef, MessageTs, UserId

log = structlog.get_logger(__name__)

# Newest messages of a thread that are read; the agent gets as many of them as fit into a request.
_NEWEST = 200
# The most that Slack gives at once. It always lists a thread's oldest messages first and we want the newest, so the
# whole thread is read.
_PAGE = 999
_PAGES = 50
# Ids that are replaced by names in one text: each may take a call, and anybody can write many.
_NAMES = 30
_NAME_MAX = 40
_APP_NAME_MAX = 80
_ID = re.compile(r"(?<![\w@#/.])(?:@(?P<user>[UW][A-Z0-9]{6,20})|#(?P<channel>C[A-Z0-9]{6,20}))\b")


class SlackThreadHistory:
    """Threads and names, read with one workspace's token."""

    def __init__(self, *, api: SlackApi, people: People) -> None:
        self._api = api
        self._people = people

    async def name(self, user_id: UserId) -> str:
        """Return somebody's name, or their id if Slack has no name."""
        try:
            return await self._user_name(user_id) or str(user_id)
        except SlackRejected:
            return str(user_id)

    async def named(self, text: str) -> str:
        """Return a text with a name beside each id of a person or channel, if it has one.

        A name is cut to one line and the id stays, since anybody can choose any name.
        """
        return (await self._named((text,)))[0]

    async def _named(self, texts: Sequence[str]) -> list[str]:
        """Return texts with names; if there are too many ids, those of the last texts, the newest, get theirs."""
        names: dict[str, str] = {}
        # `fromkeys` keeps the order and drops repetitions.
        mentions = dict.fromkeys(found[0] for text in reversed(texts) for found in _ID.finditer(text))
        for mention in list(mentions)[:_NAMES]:
            names[mention] = await self._name_of(mention)
        return [_ID.sub(lambda found: names.get(found[0], found[0]), text) for text in texts]

    async def _name_of(self, mention: str) -> str:
        sign, identity = mention[0], mention[1:]
        try:
            if sign == "@":
                name = await self._user_name(UserId(identity))
            else:
                name = await self._people.channel_name(ChannelId(identity))
        except (SlackRejected, SlackUnavailable) as error:
            log.info("name_not_looked_up", error=type(error).__name__)
            name = None
        line = one_line(name or "", _NAME_MAX)
        return f"{sign}{line} ({identity})" if line else mention

    async def _user_name(self, user_id: UserId) -> str | None:
        person = await self._people.person(user_id)
        return person.name if person else None

    async def message(self, ref: MessageRef) -> MessageText | None:
        """Return a message as it is now; None if it is gone or the bot cannot read it."""
        try:
            page = await self._api.call(
                "conversations.replies",
                channel=ref.channel,
                ts=ref.ts,
                oldest=ref.ts,
                latest=ref.ts,
                inclusive=True,
                limit=2,  # Slack lists the root before any reply
            )
        except SlackRejected as error:
            log.info("message_not_read", code=error.code)
            return None
        return next((read_message(one) for one in page.get("messages", []) if one.get("ts") == ref.ts), None)

    async def thread(self, root: MessageRef, before: MessageTs | None) -> Conversation:
        """Return a thread's newest messages before a given one; none if the bot cannot read the thread."""
        newest: deque[Mapping[str, Any]] = deque(maxlen=_NEWEST)
        known: set[str] = set()
        try:
            async for message in self._messages(root, before):
                ts = str(message.get("ts") or "")
                # Slack repeats the root on every page.
                # Compared as strings: Slack's `ts` all have the same length.
                if ts not in known and (before is None or ts < before):
                    known.add(ts)
                    newest.append(message)
        except SlackRejected as error:
            log.info("thread_not_read", code=error.code)
            return Conversation()
        texts = await self._named([read_message(message).seen for message in newest])
        said = [Said(await self._author(message), text) for message, text in zip(newest, texts, strict=True) if text]
        return Conversation(tuple(said), len(known) - len(newest))

    async def _messages(self, root: MessageRef, before: MessageTs | None) -> AsyncIterator[Mapping[str, Any]]:
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self._api.call(
                "conversations.replies",
                channel=root.channel,
                ts=root.ts,
                limit=_PAGE,
                latest=before,
                inclusive=False,
                cursor=cursor,
            )
            for message in page.get("messages", []):
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
        log.warning("thread_too_long", pages=_PAGES)

    async def _author(self, message: Mapping[str, Any]) -> str:
        if message.get("bot_id") or not message.get("user"):
            profile: Mapping[str, Any] = message.get("bot_profile") or {}
            name = profile.get("name") or message.get("username") or "An app"
            return one_line(f"{name} (an app)", _APP_NAME_MAX)
        return await self.name(UserId(str(message["user"])))
