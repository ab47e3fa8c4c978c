"""Writes a turn's answer to Slack: remembers what was sent and sends what is missing.

It decides when a message begins, grows and ends, and when to wait. `layout` assigns text to messages,
`message_sequence` has the ones before the current. Each call of `show` writes at most once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.model.errors import MessageTooLong, SlackRejected, SlackUnavailable, StreamEnded
from bot.model.progress import Progress, Task
from bot.renderers.answer_frame import render_footer
from bot.renderers.answer_page import AnswerPage, TaskLine, chunks_between
from bot.renderers.markdown_blocks import Outline
from bot.slack.answer.layout import AnswerLayout
from bot.slack.answer.message import AnswerContext, AnswerMessage, AnswerMessages, Content, MessageEnding
from bot.slack.answer.message_sequence import MessageSequence
from bot.slack.answer.session_status import SessionStatus
from bot.slack.answer.transcript import AnswerTranscript
from bot.slack.client import CAPABILITY_ERRORS, SlackUnsure
from bot.worker_thread import run_in_thread
from store.records import EventId

SEAL_AFTER = 240.0
"""Seconds: Slack ends a stream by itself after about 300 (docs/reference/slack.md#streams)."""
_AGAIN = 1.0
"""Seconds until a start in doubt is tried again."""
_EDIT_EVERY = 3.0
"""Seconds at least between two edits of one message (docs/reference/slack.md#messages)."""
_KEPT_POSTS = 1
"""Posts in a channel that are left for whoever asks next."""
_KEPT_EDITS = 20
"""Edits a minute that are left for the ends of answers."""
_START_PATIENCE = 5.0
"""Seconds that a stream may wait for its turn before an edited message takes its place."""
_END_PATIENCE = 60.0
"""Seconds for which a whole answer lets new requests be shown first, where posts are short."""
_LONG = 60.0
"""Seconds after which the end of a turn notifies its owner."""
_TRIES = 5
_START, _APPEND, _STOP = "chat.startStream", "chat.appendStream", "chat.stopStream"
_POST, _EDIT = "chat.postMessage", "chat.update"

_log = structlog.get_logger(__name__)


class StreamedAnswer:
    """The `Answer` port: declarative, resumable after any failure. Not to be used concurrently."""

    def __init__(self, context: AnswerContext, titles: Mapping[str, str]) -> None:
        self._api, self._clock = context.slack.api, context.slack.clock
        self._thread, self._turn = context.thread, context.turn
        self._titles = titles
        self._parts = AnswerMessages(context)
        self._status = SessionStatus(api=self._api, thread=context.thread, turn=context.turn)
        self._telling = MessageSequence(parts=self._parts, status=self._status, turn_id=context.turn.id)
        self._outline = Outline()
        self._tasks: dict[EventId, tuple[Task, TaskLine]] = {}
        self._is_edited = False
        """True once streams were too long in coming: a message is edited while the agent works."""
        self._cannot_stream = False
        self._is_silent = False
        self._failures = 0
        self._not_before: datetime | None = None
        """When what failed is tried again; what comes meanwhile does not make that sooner."""

    async def recover(self) -> None:
        """Take up what an earlier process left; call once, before anything else."""
        try:
            await self._telling.recover()
        except StreamEnded:
            self._is_silent = True

    async def show(self, progress: Progress) -> float | None:
        """Bring the thread up to `progress`; return in how many seconds to be called again."""
        if self._is_silent or self._written.is_finished:
            return None
        if self._not_before is not None and (left := (self._not_before - self._clock.steady()).total_seconds()) > 0:
            return left
        await self._status.show("processing")
        try:
            delay = await self._step(self._picture(progress))
        except MessageTooLong as error:
            self._telling.make_room(error)
            return 0.0
        except StreamEnded:
            await self._fall_silent(progress)
            return None
        except SlackUnavailable as error:
            self._failures += 1
            seconds = error.retry_after or float(min(30, 2**self._failures))
            self._not_before = self._clock.steady() + timedelta(seconds=seconds)
            return seconds
        self._failures = 0
        return delay

    async def pause(self, progress: Progress) -> None:
        """Show `progress` and close the open message: people are waited for."""
        await self._persist(lambda: self._close(progress, "suspended"), progress)
        await self._status.show("suspended")

    async def close(self, progress: Progress) -> None:
        """Close the open message with `progress`, and say nothing after it."""
        await self._persist(lambda: self._close(progress, "active"), progress)
        await self._status.show("active")

    async def finish(self, progress: Progress) -> None:
        """Show the whole of `progress` and its outcome, close everything; nothing happens the second time."""
        await self._persist(lambda: self._close(progress, "active", is_last=True), progress)
        await self._status.show("active")

    # Steps: each does one thing to one message.

    async def _step(self, picture: AnswerLayout) -> float | None:
        if await self._telling.mend(picture):
            return 0.0
        part = self._written.current
        if part is None:
            if not picture.has_news(self._written.covered, self._written.tasks_from):
                return None
            part = await self._telling.begin(is_stream=self._may_stream)
        if part.is_stream and part.ts is None:
            return await self._start(part, picture)
        return await self._extend(part, picture)

    async def _start(self, part: AnswerMessage, picture: AnswerLayout) -> float:
        content = await self._drawn(picture, part)
        chunks = chunks_between(AnswerPage(), content.page)
        if not self._may_stream or not chunks:
            await self._telling.drop(part, picture)
            return 0.0
        if delay := self._api.take(_START):
            return self._prefer_editing(delay)
        try:
            await self._parts.start_stream(part, content, chunks)
        except SlackUnsure:
            return 0.0 if await self._parts.adopt(part, self._written.known) else _AGAIN
        except MessageTooLong:
            raise
        except SlackUnavailable as error:
            return self._prefer_editing(error.retry_after or _AGAIN)
        except SlackRejected as error:
            self._edit_from_now_on(error)
            return 0.0
        return SEAL_AFTER

    async def _extend(self, part: AnswerMessage, picture: AnswerLayout) -> float | None:
        age = max(0.0, (self._clock.now() - part.segment.started_at).total_seconds()) if part.is_stream else 0.0
        content = await self._drawn(picture, part)
        if content.to < picture.reach or age >= SEAL_AFTER:
            await self._telling.go_on(part, picture)
            return 0.0
        if part.is_stream:
            return await self._append(part, content, SEAL_AFTER - age)
        return await self._edit(part, content)

    async def _append(self, part: AnswerMessage, content: Content, left: float) -> float:
        chunks = chunks_between(part.sent, content.page)
        if chunks is None:
            part.is_stale = True
            return 0.0
        if not chunks:
            return left
        spacing = self._api.pacer.spacing(self._api.workspace, _APPEND)
        if delay := self._since_written(part, spacing) or self._api.take(_APPEND):
            return min(delay, left)
        await self._parts.append(part, content, chunks)
        return 0.0 if part.is_stale else left

    async def _edit(self, part: AnswerMessage, content: Content) -> float | None:
        """Post or edit if there is room for it now; the end of the turn does not ask."""
        if part.ts is None:
            if delay := self._api.take(_POST, keep=_KEPT_POSTS, channel=self._thread.channel):
                return delay
            part.is_paid = True
            await self._parts.post(part, content)
        elif content.page != part.sent or part.raw is None:
            spacing = self._api.pacer.spacing(self._api.workspace, _EDIT, least=_EDIT_EVERY)
            if delay := self._since_written(part, spacing) or self._api.take(_EDIT, keep=_KEPT_EDITS):
                return delay
            await self._parts.edit(part, content)
        return None

    # Closing: everything that is left, then the end.

    async def _close(self, progress: Progress, session_status: str, *, is_last: bool = False) -> None:
        is_closed = False
        while not is_closed:
            try:
                is_closed = await self._close_some(self._picture(progress), session_status, is_last=is_last)
            except MessageTooLong as error:
                self._telling.make_room(error)

    async def _close_some(self, picture: AnswerLayout, session_status: str, *, is_last: bool) -> bool:
        """Bring one message to its end; return whether that was all."""
        while await self._telling.mend(picture, is_closing=True):
            pass
        if is_last and self._written.is_finished:
            return True
        part = self._written.current
        if part is not None and part.ts is None:
            await self._telling.abandon(part, picture)
            return False
        if part is None:
            if not is_last and not picture.has_news(self._written.covered, self._written.tasks_from):
                return True
            part = await self._begin_last(picture)
            if part is None:
                return False
        if await run_in_thread(lambda: picture.fits(part), picture.unshown):
            ending = self._last(part, picture, session_status, is_last=is_last)
            await self._telling.end(part, picture, ending, len(picture.text))
            return True
        await self._telling.go_on(part, picture)
        return False

    async def _begin_last(self, picture: AnswerLayout) -> AnswerMessage | None:
        """Begin a message for what is left: a post, or a stream where that can be had sooner. None: look again."""
        may_stream = self._can_stream and bool(picture.text[self._written.covered :].strip())
        instead = (_START, _STOP) if may_stream else ()
        channel = self._thread.channel
        is_stream = await self._api.turn(_POST, patience=_END_PATIENCE, instead=instead, channel=channel)
        part = await self._telling.begin(is_stream=is_stream)
        if not is_stream:
            part.is_paid = True
            return part
        content = await self._drawn(picture, part)
        try:
            await self._parts.start_stream(part, content, chunks_between(AnswerPage(), content.page) or [])
        except SlackRejected as error:
            self._edit_from_now_on(error)
            await self._telling.drop(part, picture)
            return None
        part.is_paid = True
        return part

    async def _persist(self, act: Callable[[], Awaitable[None]], progress: Progress) -> None:
        """Do it until it is done: what fails leaves a message to be rewritten, which the next try does."""
        for attempt in range(_TRIES):
            if self._is_silent:
                return
            try:
                await act()
            except StreamEnded:
                await self._fall_silent(progress)
            except SlackUnavailable as error:
                if attempt == _TRIES - 1:
                    raise
                await self._sleep(error.retry_after or float(min(30, 2**attempt)))
            else:
                return

    async def _fall_silent(self, progress: Progress) -> None:
        """Say nothing more: a person stopped it, and nothing may take its place (docs/reference/slack.md#streams)."""
        self._is_silent = True
        await self._telling.leave(self._picture(progress))

    # What is known.

    @property
    def _written(self) -> AnswerTranscript:
        return self._telling.written

    def _picture(self, progress: Progress) -> AnswerLayout:
        told, room, covered = self._written.told, self._telling.room, self._written.covered
        return AnswerLayout(progress, self._titles, told, self._seconds, room, covered, self._outline, self._tasks)

    def _last(self, part: AnswerMessage, picture: AnswerLayout, session_status: str, *, is_last: bool) -> MessageEnding:
        if not is_last:
            return MessageEnding(part.segment.id, session_status, picture.tasks_to)
        is_mentioned = self._seconds > _LONG and not self._thread.is_private
        footer = render_footer(self._turn, picture.progress, self._seconds, is_mentioned=is_mentioned)
        return MessageEnding(self._turn.id, session_status, picture.tasks_to, footer)

    @property
    def _may_stream(self) -> bool:
        return self._can_stream and not self._is_edited

    @property
    def _can_stream(self) -> bool:
        return not self._cannot_stream and not self._api.pacer.is_off(self._api.workspace, _START)

    @property
    def _seconds(self) -> float:
        began = self._turn.started_at or self._turn.created_at
        return (self._clock.now() - began).total_seconds()

    def _since_written(self, part: AnswerMessage, interval: float) -> float:
        if part.written_at is None:
            return 0.0
        return max(0.0, interval - (self._clock.steady() - part.written_at).total_seconds())

    def _prefer_editing(self, delay: float) -> float:
        """Wait a little for a stream; if it is longer, edit a message instead."""
        if delay <= _START_PATIENCE:
            return delay
        self._is_edited = True
        return 0.0

    def _edit_from_now_on(self, error: SlackRejected) -> None:
        self._cannot_stream = True
        if error.code in CAPABILITY_ERRORS:
            self._api.pacer.turn_off(self._api.workspace, _START)
        _log.info("slack.cannot_stream", code=error.code, turn_id=self._turn.id)

    @staticmethod
    async def _drawn(picture: AnswerLayout, part: AnswerMessage) -> Content:
        """Return what an open message should show now."""
        return await run_in_thread(lambda: picture.content(part), picture.unshown)

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.steady() + timedelta(seconds=seconds))
