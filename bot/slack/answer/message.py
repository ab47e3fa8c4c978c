"""One message of an answer, streamed or edited: start, extend, end, rewrite.

`writer` decides what it shows and when it ends. Each call is stored before and after, so that a later process knows
which messages may be open and where their text begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.model.errors import MessageTooLong, SlackRejected, SlackUnavailable, StreamEnded
from bot.renderers.answer_page import AnswerPage, chunks_between, merged, render_page
from bot.renderers.block_kit import Block
from bot.slack.client import SlackUnsure
from bot.slack.context import SlackContext
from bot.slack.messages import GONE, FoundMessage, Messages, metadata
from store import segments
from store.records import MessageRef, MessageTs, Segment, Thread, Turn

STOPPED_BY_USER = "stopped_by_user"
_LIFETIME = 310.0
"""Seconds after which Slack has ended every stream (docs/reference/slack.md#streams)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """The turn that is answered, and what its messages are sent and recorded with."""

    slack: SlackContext
    messages: Messages
    thread: Thread
    turn: Turn


@dataclass(frozen=True, slots=True)
class MessageEnding:
    """How a message ends: the id it carries, its footer, and what the session is then."""

    marker: str
    session_status: str
    tasks_to: int
    """How many of the turn's tasks are told, counted from the first."""
    footer: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What a message is to show: a page, and the part of the turn's text it was made of."""

    page: AnswerPage
    raw: str
    to: int
    """Where that part ends in the turn's text."""
    tells: frozenset[str] = frozenset()
    """The ids of the tasks it shows, one by one or folded."""


@dataclass(slots=True)
class AnswerMessage:
    """One message and what we know of it."""

    segment: Segment
    ts: MessageTs | None
    tasks_from: int
    tasks_to: int = 0
    """How many of the turn's tasks are told once it has ended, counted from the first."""
    sent: AnswerPage = field(default_factory=AnswerPage)
    raw: str | None = ""
    """The turn's text that the message shows, as the agent wrote it; None if an earlier process wrote it."""
    sent_to: int = 0
    tells: frozenset[str] = frozenset()
    written_at: datetime | None = None
    is_stopped: bool = False
    """True once nothing can be streamed into it."""
    is_stale: bool = False
    """True when it must be rewritten as a whole: what it shows is unknown or wrong."""
    is_doubtful: bool = False
    """True while it may be at Slack without our knowing."""
    is_paid: bool = False
    """True when its next call, a post or a stop, was taken from the budget already."""
    is_told: bool = False
    """True once it shows all that it ever will, unless the agent's words change."""
    is_final: bool = False
    """True once it tells words of the agent that do not change any more."""
    text_to: int | None = None
    ending: MessageEnding | None = None

    @property
    def is_stream(self) -> bool:
        """Return whether it is streamed rather than edited."""
        return self.segment.is_stream

    def take_paid(self) -> bool:
        """Return `is_paid`, once."""
        is_paid, self.is_paid = self.is_paid, False
        return is_paid

    def shows(self, content: Content, now: datetime) -> None:
        """Remember what was sent."""
        self.sent, self.raw, self.sent_to, self.written_at = content.page, content.raw, content.to, now
        self.tells |= content.tells


class AnswerMessages:
    """Writes the messages of one turn. Streams that fail in doubt, or ended by themselves, become stale."""

    def __init__(self, context: AnswerContext) -> None:
        self._api, self._messages = context.slack.api, context.messages
        self._database, self._clock = context.slack.database, context.slack.clock
        self._thread, self._turn = context.thread, context.turn

    async def recover(self) -> list[AnswerMessage]:
        """Return what an earlier process left of this turn; its streams are stopped and its lost messages found."""
        async with self._database.transaction() as tx:
            known = await segments.list_for(tx, self._turn.id)
        own = await self._own(known[0].started_at) if known else []
        told = {found.ts: int(found.payload.get("tasks", 0)) for found in own}
        parts: list[AnswerMessage] = []
        tasks_from = 0
        for segment in known:
            part = _remembered(segment, tasks_from, own)
            if segment.is_open:
                await self._take_up(part, own, {one.ts for one in known if one.ts})
            part.tasks_to = told.get(part.ts, 0) if part.ts else 0
            tasks_from = max(tasks_from, part.tasks_to)
            parts.append(part)
        return parts

    async def begin(self, *, is_stream: bool, text_from: int, tasks_from: int) -> AnswerMessage:
        """Record the intent of a message; nothing is at Slack yet."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            segment = await segments.begin(tx, self._turn.id, is_stream=is_stream, text_from=text_from, now=now)
        return AnswerMessage(segment, None, tasks_from, sent_to=text_from)

    async def start_stream(self, part: AnswerMessage, content: Content, chunks: list[Block]) -> None:
        """Open the stream. Raises `SlackUnsure` when it may be there or not: then `adopt`."""
        owner = self._turn.owner
        answer = await self._api.call_now(
            "chat.startStream",
            channel=self._thread.channel,
            thread_ts=self._thread.thread_ts,
            recipient_user_id=owner.user_id,
            recipient_team_id=owner.team_id,
            task_display_mode="plan",
            chunks=chunks,
        )
        await self._know(part, MessageTs(answer["ts"]))
        part.shows(content, self._clock.steady())

    async def adopt(self, part: AnswerMessage, known: set[MessageTs]) -> bool:
        """Look for the message of a start in doubt; return whether it is there, to be rewritten."""
        found = _lost(part.segment, await self._own(part.segment.started_at), known)
        if found is not None:
            await self._know(part, found)
            part.is_stale = True
        return found is not None

    async def post(self, part: AnswerMessage, content: Content) -> None:
        """Post the message with its first content; found again rather than posted twice."""
        await self._post(part, content, MessageEnding(part.segment.id, "processing", part.tasks_from))

    async def post_whole(self, part: AnswerMessage, content: Content, ending: MessageEnding) -> None:
        """Post a message that is complete at once."""
        await self._post(part, content, ending)
        part.ending, part.text_to = ending, content.to
        await self.seal(part)

    async def append(self, part: AnswerMessage, content: Content, chunks: list[Block]) -> None:
        """Stream more. Raises `MessageTooLong`, and then the message has to be rewritten as all that fails."""
        try:
            await self._api.call_now("chat.appendStream", channel=self._thread.channel, ts=part.ts, chunks=chunks)
        except SlackUnsure:
            part.is_stale = True
        except SlackRejected as error:
            _raise_if_stopped_by_user(error)
            part.is_stale = True
            if isinstance(error, MessageTooLong):
                raise
        else:
            part.shows(_merged(part, content), self._clock.steady())

    async def edit(self, part: AnswerMessage, content: Content) -> None:
        """Show more in a message that is not streamed; the budget for it is the caller's."""
        await self._messages.update_now(self._ref(part), render_page(content.page), marker=part.segment.id)
        part.shows(content, self._clock.steady())

    async def end(self, part: AnswerMessage, content: Content, ending: MessageEnding) -> None:
        """Show the rest and close the message for good. One that fails is stale: `rewrite` it."""
        part.ending, part.text_to = ending, content.to
        chunks = (
            chunks_between(part.sent, content.page)
            if part.is_stream and not part.is_stopped and not part.is_stale
            else None
        )
        if chunks is None:
            return await self.rewrite(part, content)
        part.is_stale = True
        try:
            await self._stop(part, chunks=chunks or None, blocks=list(ending.footer) or None)
        except SlackRejected as error:
            _raise_if_stopped_by_user(error)
            part.is_stopped = isinstance(error, StreamEnded)
            return await self.rewrite(part, content)
        part.is_stale = False
        part.shows(_merged(part, content), self._clock.steady())
        return await self.seal(part)

    async def rewrite(self, part: AnswerMessage, content: Content) -> None:
        """Replace what a message shows; a stream is stopped first, so that no doubt is left about what comes after."""
        if part.ending is None:
            raise AssertionError("only a message that has an end is rewritten")
        part.is_stale, part.text_to = True, content.to
        if part.is_stream and not part.is_stopped:
            await self.stop(part)
        await self._rewrite(part, content, part.ending)
        part.is_stale = False
        await self.seal(part)

    async def stop(self, part: AnswerMessage) -> None:
        """Stop a stream, whatever it shows; one that has ended by itself, or is gone, is fine.

        Raises `SlackUnavailable` for one that has to end by itself.
        """
        try:
            await self._stop(part)
        except MessageTooLong as error:
            # It can be neither stopped nor rewritten nor deleted until Slack gives it up
            # (docs/reference/slack.md#streams).
            age = (self._clock.now() - part.segment.started_at).total_seconds()
            raise SlackUnavailable(min(_LIFETIME, max(1.0, _LIFETIME - age))) from error
        except SlackRejected as error:
            _raise_if_stopped_by_user(error)
        part.is_stopped = True

    async def seal(self, part: AnswerMessage) -> None:
        """Record that a message is complete, or was never made."""
        to = part.sent_to if part.text_to is None else part.text_to
        part.text_to = max(to, part.segment.text_from)
        async with self._database.transaction() as tx:
            await segments.seal(tx, part.segment.id, part.text_to)

    async def _post(self, part: AnswerMessage, content: Content, ending: MessageEnding) -> None:
        part.is_doubtful = True
        ref = await self._messages.post(
            self._thread.channel,
            render_page(content.page, ending.footer),
            marker=ending.marker,
            since=part.segment.started_at,
            thread_ts=self._thread.thread_ts,
            is_paid=part.take_paid(),
            tasks=ending.tasks_to,
        )
        await self._know(part, ref.ts)
        part.shows(content, self._clock.steady())

    async def _rewrite(self, part: AnswerMessage, content: Content, ending: MessageEnding) -> None:
        message = render_page(content.page, ending.footer)
        try:
            await self._messages.update(self._ref(part), message, marker=ending.marker, tasks=ending.tasks_to)
        except SlackRejected as error:
            if error.code not in GONE:
                raise
        part.shows(content, self._clock.steady())

    async def _stop(self, part: AnswerMessage, **content: Any) -> None:
        ending = part.ending or MessageEnding(part.segment.id, "processing", part.tasks_from)
        await self._api.call(
            "chat.stopStream",
            is_paid=part.take_paid(),
            channel=self._thread.channel,
            ts=part.ts,
            session_status=ending.session_status,
            metadata=metadata(ending.marker, tasks=ending.tasks_to),
            **content,
        )
        part.is_stopped = True

    async def _take_up(self, part: AnswerMessage, own: list[FoundMessage], known: set[MessageTs]) -> None:
        if part.ts is None and (found := _lost(part.segment, own, known)):
            await self._know(part, found)
        if part.is_stream and part.ts is not None:
            part.is_stale = True
            await self._stop_left(part)

    async def _stop_left(self, part: AnswerMessage) -> None:
        try:
            await self.stop(part)
        except StreamEnded:
            await self.seal(part)
            raise

    async def _know(self, part: AnswerMessage, ts: MessageTs) -> None:
        part.ts, part.is_doubtful = ts, False
        async with self._database.transaction() as tx:
            await segments.set_ts(tx, part.segment.id, ts)

    async def _own(self, since: datetime) -> list[FoundMessage]:
        """Return our messages since then that are after what began the turn, by Slack's time: a stream has no id."""
        listed = await self._messages.list_own(self._thread.channel, self._thread.thread_ts, since)
        source = self._turn.source
        began = source.ts if source and source.channel == self._thread.channel else ""
        after = max(began, self._thread.thread_ts or "")
        return [found for found in listed if found.ts > after]

    def _ref(self, part: AnswerMessage) -> MessageRef:
        if part.ts is None:
            raise SlackUnavailable
        return MessageRef(self._thread.channel, part.ts)


def _remembered(segment: Segment, tasks_from: int, own: list[FoundMessage]) -> AnswerMessage:
    part = AnswerMessage(segment, segment.ts, tasks_from, raw=None, sent_to=segment.text_from, text_to=segment.text_to)
    if not segment.is_open:
        marker = next((found.marker for found in own if found.ts == segment.ts and found.marker), segment.id)
        part.is_stopped, part.ending = True, MessageEnding(marker, "processing", tasks_from)
    return part


def _lost(segment: Segment, own: list[FoundMessage], known: set[MessageTs]) -> MessageTs | None:
    """Return the message whose ts was never learned: an edited one by its id, a stream as the one without any."""
    if not segment.is_stream:
        return next((found.ts for found in own if found.marker in {segment.id, segment.turn_id}), None)
    return next((found.ts for found in own if found.marker is None and found.ts not in known), None)


def _merged(part: AnswerMessage, content: Content) -> Content:
    return replace(content, page=merged(part.sent, content.page))


def _raise_if_stopped_by_user(error: SlackRejected) -> None:
    if error.code == STOPPED_BY_USER:
        raise error
