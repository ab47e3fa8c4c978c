"""What others wrote where the bot can read it (implements `Reading`): names and threads.

Whether it may be brought before an agent is the domain's decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.commands import Said
from bot.domain.ports import People
from bot.errors import SlackRejected
from bot.renderers.markdown import one_line
from bot.slack.client import SlackApi
from bot.text import plain
from store.records import MessageRef, MessageTs, UserId

_MOST = 200
"""Messages of a thread that are read."""


class SlackReading:
    """Reads for one workspace's token."""

    def __init__(self, *, api: SlackApi, people: People) -> None:
        self._api = api
        self._people = people

    async def name(self, user_id: UserId) -> str:
        """Return somebody's name, their id where Slack has none."""
        try:
            person = await self._people.person(user_id)
        except SlackRejected:
            person = None
        return person.name if person else str(user_id)

    async def thread(self, root: MessageRef, before: MessageTs | None) -> tuple[Said, ...]:
        """Return what was written in a thread before a message; nothing where the bot cannot read it."""
        try:
            page = await self._api.call(
                "conversations.replies", channel=root.channel, ts=root.ts, limit=_MOST, latest=before, inclusive=False
            )
        except SlackRejected:
            return ()
        found = [message for message in page.get("messages", []) if before is None or str(message.get("ts")) < before]
        return tuple([await self._said(message) for message in found if str(message.get("text") or "").strip()])

    async def _said(self, message: Mapping[str, Any]) -> Said:
        text = plain(str(message.get("text") or ""))
        if message.get("bot_id") or not message.get("user"):
            profile: Mapping[str, Any] = message.get("bot_profile") or {}
            return Said(one_line(f"{profile.get('name') or 'An app'} (an app)", 80), text)
        return Said(await self.name(UserId(str(message["user"]))), text)
