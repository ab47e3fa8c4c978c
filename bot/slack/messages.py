"""Deputy's own messages, modals and App Homes: post once, find again, update, send as ephemeral.

Every message carries an id in its metadata, by which it is found after a crash or a lost answer. The id is opaque,
since every member of a channel can read metadata (docs/reference/slack.md#messages).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.model.errors import WINDOWS_FULL, FormTooLate, SlackRejected
from bot.model.retry_policy import SLACK_POST
from bot.renderers.block_kit import Message, View
from bot.slack.client import SlackApi, SlackUnsure
from store.records import ChannelId, MessageRef, MessageTs, UserId

EVENT_TYPE = "deputy"
# Seconds that a search begins before `since`, which is by our clock, while `ts` is by Slack's. It only bounds the
# search: a message is recognised by its id.
_MARGIN = 86_400.0
# Messages that one call of a search lists, and most calls.
_PAGE, _PAGES = 200, 5
GONE = frozenset({"message_not_found", "thread_not_found"})
"""Slack's codes for a message that somebody has deleted."""


# The three seconds are over, the press was answered before, or its modal was closed
# (docs/reference/slack.md#modals).
_TOO_LATE = frozenset(
    {
        "exchanged_trigger_id",
        "expired_trigger_id",
        "invalid_trigger",
        "invalid_trigger_id",
        "not_found",
        "trigger_exchanged",
        "trigger_expired",
        "view_not_found",
    }
)


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message of ours as Slack stores it."""

    ts: MessageTs
    marker: str | None
    """The id in its metadata; None if it has no metadata of ours, like a stream that was never finished."""
    payload: dict[str, Any]


class Messages:
    """Writes and finds the messages of one workspace."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        # What `auth.test` says does not change while a token is valid.
        self._known: dict[str, Any] | None = None

    async def post(
        self,
        channel: ChannelId,
        message: Message,
        *,
        marker: str,
        since: datetime,
        thread_ts: MessageTs | None = None,
        is_paid: bool = False,
        **payload: Any,
    ) -> MessageRef:
        """Post a message with the id `marker`; after a lost answer look for it (from `since`) before posting again."""
        for attempt in SLACK_POST.attempts():
            is_free = is_paid and attempt == 1
            try:
                return await self._post(channel, message, thread_ts, metadata(marker, **payload), is_paid=is_free)
            except SlackUnsure:
                if SLACK_POST.is_over(attempt):
                    raise
                if found := await self.find(channel, thread_ts, marker, since):
                    return MessageRef(channel, found)
        raise AssertionError("the last try returns or raises")

    async def update(self, ref: MessageRef, message: Message, *, marker: str, **payload: Any) -> None:
        """Replace a message as a whole; `payload` is added to its metadata."""
        await self._api.call("chat.update", **_update(ref, message, metadata(marker, **payload)))

    async def update_now(self, ref: MessageRef, message: Message, *, marker: str) -> None:
        """Replace a message in one attempt, without waiting: the caller has taken a call from the budget."""
        await self._api.call_now("chat.update", **_update(ref, message, metadata(marker)))

    async def delete(self, ref: MessageRef) -> None:
        """Delete a message; one that is gone already is fine."""
        try:
            await self._api.call("chat.delete", channel=ref.channel, ts=ref.ts)
        except SlackRejected as error:
            if error.code not in GONE:
                raise

    async def find(
        self, channel: ChannelId, thread_ts: MessageTs | None, marker: str, since: datetime
    ) -> MessageTs | None:
        """Return the `ts` of our message with the id `marker`, None if it was not found."""
        return next(
            (found.ts for found in await self.list_own(channel, thread_ts, since) if found.marker == marker), None
        )

    async def list_own(self, channel: ChannelId, thread_ts: MessageTs | None, since: datetime) -> list[FoundMessage]:
        """Return our messages since a time, oldest first: in a thread, or in the channel if `thread_ts` is None."""
        bot_id = await self._own_bot_id()
        method = "conversations.replies" if thread_ts else "conversations.history"
        arguments: dict[str, Any] = {"channel": channel, "ts": thread_ts, "limit": _PAGE, "include_all_metadata": True}
        oldest = f"{since.timestamp() - _MARGIN:.6f}"
        found: dict[str, FoundMessage] = {}
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self._api.call(method, **arguments, oldest=oldest, cursor=cursor)
            # Anybody's app can write metadata like ours, so only our own bot's messages count.
            mine = [message for message in page.get("messages", []) if message.get("bot_id") == bot_id]
            found |= {message["ts"]: _found(message) for message in mine if message["ts"] >= oldest}
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return [found[ts] for ts in sorted(found)]

    async def whisper(self, user: UserId, channel: ChannelId, thread_ts: MessageTs | None, message: Message) -> None:
        """Show a message to one person only; it may be shown twice."""
        # Ephemeral messages cannot be searched for, so after a lost answer we rather repeat than lose it.
        arguments = {"channel": channel, "user": user, "thread_ts": thread_ts, **_content(message)}
        try:
            await self._api.call("chat.postEphemeral", **arguments)
        except SlackUnsure:
            await self._api.call("chat.postEphemeral", **arguments)

    async def respond(self, url: str, message: Message, *, is_replacing: bool = False) -> None:
        """Answer a slash command or click privately through its `response_url`, or replace what was clicked."""
        how = {"response_type": "ephemeral", "replace_original": is_replacing}
        await self._api.respond(url, {**how, **_content(message)})

    async def open_direct(self, user: UserId) -> ChannelId:
        """Return the channel of the direct messages between Deputy and a person."""
        answer = await self._api.call("conversations.open", users=user)
        return ChannelId(answer["channel"]["id"])

    async def permalink(self, ref: MessageRef) -> str:
        """Return the URL of a message, for people."""
        answer = await self._api.call("chat.getPermalink", channel=ref.channel, message_ts=ref.ts)
        return str(answer["permalink"])

    async def open_modal(self, trigger_id: str, view: View) -> None:
        """Open a modal, in one attempt: a `trigger_id` holds for three seconds. Raises `FormTooLate`."""
        await self._open("views.open", trigger_id, view)

    async def push_modal(self, trigger_id: str, view: View) -> None:
        """Put a modal on top of the open one, in one attempt. Raises `FormTooLate`."""
        await self._open("views.push", trigger_id, view)

    async def _open(self, method: str, trigger_id: str, view: View) -> None:
        try:
            await self._api.call_now(method, trigger_id=trigger_id, view=view)
        except SlackRejected as error:
            if error.code in _TOO_LATE or error.code == WINDOWS_FULL:
                raise FormTooLate(error.code) from error
            raise

    async def update_modal(self, view_id: str, view: View) -> None:
        """Replace what an open modal shows; nothing happens if it was closed meanwhile."""
        try:
            await self._api.call_now("views.update", view_id=view_id, view=view)
        except SlackRejected as error:
            if error.code != "not_found":
                raise

    async def publish(self, user: UserId, view: View) -> None:
        """Publish a person's App Home."""
        await self._api.call("views.publish", user_id=user, view=view)

    async def _post(
        self,
        channel: ChannelId,
        message: Message,
        thread_ts: MessageTs | None,
        own: dict[str, Any],
        *,
        is_paid: bool = False,
    ) -> MessageRef:
        answer = await self._api.call(
            "chat.postMessage",
            is_paid=is_paid,
            channel=channel,
            thread_ts=thread_ts,
            metadata=own,
            # Slack would fetch links and with them whatever an agent put into one.
            unfurl_links=False,
            unfurl_media=False,
            **_content(message),
        )
        return MessageRef(ChannelId(answer["channel"]), MessageTs(answer["ts"]))

    async def team_url(self) -> str:
        """Return the start of every message's URL in this workspace: `https://acme.slack.com/`."""
        return str((await self._own()).get("url") or "")

    async def _own_bot_id(self) -> str:
        return str((await self._own())["bot_id"])

    async def _own(self) -> dict[str, Any]:
        if self._known is None:
            self._known = await self._api.call("auth.test")
        return self._known


def metadata(marker: str, **payload: Any) -> dict[str, Any]:
    """Return a message's metadata: an opaque id, and nothing else but counts, since every member can read it."""
    return {"event_type": EVENT_TYPE, "event_payload": {"id": marker, **payload}}


def _update(ref: MessageRef, message: Message, own: dict[str, Any]) -> dict[str, Any]:
    return {"channel": ref.channel, "ts": ref.ts, "parse": "none", "metadata": own, **_content(message)}


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _found(message: dict[str, Any]) -> FoundMessage:
    own = message.get("metadata") or {}
    payload = own.get("event_payload") or {} if own.get("event_type") == EVENT_TYPE else {}
    return FoundMessage(MessageTs(message["ts"]), payload.get("id"), payload)
