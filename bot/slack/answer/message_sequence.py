"""The messages of an answer in order: start, correct, end, and split one that is too long.

`writer` decides when; `message` makes the calls.
"""

from __future__ import annotations

import structlog

from bot.model.errors import MessageTooLong
from bot.renderers import slack_limits
from bot.slack.answer.layout import AnswerLayout
from bot.slack.answer.message import AnswerMessage, AnswerMessages, MessageEnding
from bot.slack.answer.session_status import SessionStatus
from bot.slack.answer.transcript import AnswerTranscript
from bot.worker_thread import run_in_thread
from store.records import TurnId

_log = structlog.get_logger(__name__)


class MessageSequence:
    """What is told of a turn, and the means to tell more. All raise what `AnswerMessages` raises."""

    def __init__(self, *, parts: AnswerMessages, status: SessionStatus, turn_id: TurnId) -> None:
        self.written = AnswerTranscript(turn_id)
        self.room = slack_limits.MESSAGE_BYTES_MAX
        """What one message may weigh, in bytes; less once Slack refused one."""
        self._parts = parts
        self._status = status

    async def recover(self) -> None:
        """Take up what an earlier process left."""
        self.written.parts = await self._parts.recover()

    async def begin(self, *, is_stream: bool) -> AnswerMessage:
        """Begin the next message; nothing is at Slack yet."""
        known = self.written
        part = await self._parts.begin(is_stream=is_stream, text_from=known.covered, tasks_from=known.tasks_from)
        known.parts.append(part)
        return part

    async def mend(self, picture: AnswerLayout, *, is_closing: bool = False) -> bool:
        """Rewrite the first message that shows what it should not; return whether there was one.

        When the answer is closing, the open message is left: its end rewrites it anyway.
        """
        for part in self.written.parts:
            if is_closing and part.ending is None:
                continue
            if part.is_stale or _is_changed(part, picture):
                await self._rewrite(part, picture)
                return True
        return False

    async def end(self, part: AnswerMessage, picture: AnswerLayout, ending: MessageEnding, to: int) -> None:
        """Let a message show the turn up to `to` and nothing more."""
        part.ending = ending
        content = await run_in_thread(lambda: picture.sealed(part, to), picture.unshown)
        if part.ts is None:
            part.ending = None
            await self._parts.post_whole(part, content, ending)
        else:
            await self._parts.end(part, content, ending)
        if part.is_stream:
            self._status.is_now(ending.session_status)
        self.written.tell(part, picture)

    async def go_on(self, part: AnswerMessage, picture: AnswerLayout) -> None:
        """End a message at a good place: what is left goes into the next one."""
        end = await run_in_thread(lambda: picture.good_end(part), picture.unshown)
        await self.end(part, picture, self.between(part, picture), end)

    async def drop(self, part: AnswerMessage, picture: AnswerLayout) -> None:
        """Give up a message that is not at Slack."""
        await self._parts.seal(part)
        part.ending = self.between(part, picture)

    async def abandon(self, part: AnswerMessage, picture: AnswerLayout) -> None:
        """Give up a message that never began, unless it did and we were not told."""
        is_there = (part.is_stream or part.is_doubtful) and await self._parts.adopt(part, self.written.known)
        if not is_there:
            await self.drop(part, picture)

    async def leave(self, picture: AnswerLayout) -> None:
        """Leave what is open as it is, and remember that it is told: nothing may be said in its place."""
        part = next((part for part in self.written.parts if part.ending is None or part.is_stale), None)
        if part is not None:
            part.text_to = len(picture.text)
            part.ending = part.ending or self.between(part, picture)
            part.is_stale = False
            await self._parts.seal(part)

    def make_room(self, error: MessageTooLong) -> None:
        """Let messages hold less from now on, and the one at hand be cut anew. Raises `error` when it is the least."""
        if self.room <= slack_limits.MESSAGE_BYTES_LEAST:
            raise error
        self.room = max(slack_limits.MESSAGE_BYTES_LEAST, self.room * 2 // 3)
        for part in self.written.parts:
            if part.is_stale and not part.is_told:
                part.ending = part.text_to = None
        _log.warning("slack.message_too_long", code=error.code, turn_id=self.written.turn_id, room=self.room)

    @staticmethod
    def between(part: AnswerMessage, picture: AnswerLayout) -> MessageEnding:
        """Return the end of a message that another one follows."""
        return MessageEnding(part.segment.id, "processing", picture.tasks_to)

    async def _rewrite(self, part: AnswerMessage, picture: AnswerLayout) -> None:
        part.ending = part.ending or self.between(part, picture)
        to = picture.good_end(part) if part.text_to is None else part.text_to
        content = await run_in_thread(lambda: picture.sealed(part, to), to - part.segment.text_from)
        await self._parts.rewrite(part, content)
        self.written.tell(part, picture)


def _is_changed(part: AnswerMessage, picture: AnswerLayout) -> bool:
    """Tell whether the agent's words are others than a message tells; what is final is compared once."""
    if not part.is_told or part.is_final:
        return False
    is_same = picture.text[part.segment.text_from : part.text_to] == part.raw
    part.is_final = is_same and part.text_to is not None and part.text_to <= len(picture.progress.text)
    return not is_same
