"""Assigns the parts of an answer to its messages. Pure.

`writer` and `message` send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.model.progress import Progress, Task
from bot.model.visible_text import visible
from bot.renderers import slack_limits
from bot.renderers.answer_frame import render_worked
from bot.renderers.answer_page import (
    AnswerPage,
    TaskLine,
    fold,
    fold_stream,
    left_open,
    render_plan_title,
    render_task,
    weigh_lines,
)
from bot.renderers.markdown_blocks import Outline
from bot.renderers.safe_markdown import segment, segment_end, settled, streamed
from bot.renderers.slack_limits import size
from bot.slack.answer.message import AnswerMessage, Content
from store.records import EventId

_LOOKED_AT = 2 * slack_limits.MESSAGE_BYTES_MAX
"""Characters after what messages that have ended hold that are looked at: more than the next one can hold."""
_WORD_MAX = 60
"""Characters of an unfinished word that are held back."""


@dataclass(frozen=True)
class AnswerLayout:
    """A turn's progress, and what the messages that have ended already tell of it."""

    progress: Progress
    titles: Mapping[str, str]
    told: Mapping[str, TaskLine]
    """Tasks by id, as messages that have ended tell them."""
    seconds: float
    """How long the turn has been running."""
    room: int = slack_limits.MESSAGE_BYTES_MAX
    """What one message may weigh, in bytes (`slack_limits.MESSAGE_BYTES_MAX`)."""
    covered: int = 0
    """Up to where messages that have ended hold the text: nothing before it is looked at again."""
    outline: Outline = field(default_factory=Outline)
    drawn: dict[EventId, tuple[Task, TaskLine]] = field(default_factory=dict)
    """Tasks as they were drawn: each is once, as long as nothing is new of it."""

    @cached_property
    def text(self) -> str:
        """Return the answer as far as it is known."""
        return self.progress.shown_text

    @cached_property
    def reach(self) -> int:
        """Return how much of the text can be shown now."""
        if self.progress.outcome is not None:
            return len(self.text)
        if len(self.text) - self.covered > _LOOKED_AT:
            # The message ends before that and is read by itself: nothing that follows changes it.
            return self.covered + _LOOKED_AT
        # Slack drops white space where a chunk begins, so chunks begin with a word
        # (docs/reference/slack.md#stream-chunks).
        return _word_start(self.text, settled(self.text, min(self.covered, len(self.text)), outline=self.outline))

    @cached_property
    def lines(self) -> tuple[TaskLine, ...]:
        """Return every task of the turn as a line."""
        for task in self.progress.tasks:
            known = self.drawn.get(task.call.id)
            if known is None or known[0] is not task:
                self.drawn[task.call.id] = (task, render_task(task, self.titles))
        return tuple(self.drawn[task.call.id][1] for task in self.progress.tasks)

    @property
    def tasks_to(self) -> int:
        """Return how many tasks are over, counted from the first."""
        return next((index for index, line in enumerate(self.lines) if not line.is_over), len(self.lines))

    def lines_of(self, part: AnswerMessage) -> tuple[TaskLine, ...]:
        """Return the tasks that a message tells: its own, and those that no other has told to the end."""
        if part.is_told:
            return tuple(line for line in self.lines if line.id in part.tells)
        return tuple(line for line in self.lines[part.tasks_from :] if line.id in part.tells or not self._is_told(line))

    def content(self, part: AnswerMessage) -> Content:
        """Return what an open message should show now."""
        start, reach = self._start_of(part), max(self.reach, min(part.sent_to, len(self.text)))
        lines = self.lines_of(part)
        to = self._end_of(part, reach, at_least=min(part.sent_to, reach))
        show = streamed if part.is_stream else segment
        body = show(self.text, start, to, outline=self.outline) if to > start else ""
        page = AnswerPage(render_plan_title(self.progress, self.titles), self._folded(part, lines, body), body)
        return Content(page, self.text[start:to], to, _ids(lines))

    def sealed(self, part: AnswerMessage, to: int) -> Content:
        """Return what a message shows for good, up to `to`."""
        start, lines = self._start_of(part), self.lines_of(part)
        body = segment(self.text, start, to, outline=self.outline) if self.text[start:to].strip() else ""
        page = AnswerPage(self._last_title(part), self._folded(part, left_open(lines), body), body)
        return Content(page, self.text[start:to], to, _ids(lines))

    def good_end(self, part: AnswerMessage) -> int:
        """Return where a message that must end now ends best: after a word, not before what it shows already."""
        start, sent_to = self._start_of(part), 0 if part.is_stale else min(part.sent_to, len(self.text))
        end = self._end_of(part, max(self.reach, sent_to), at_least=max(start, sent_to))
        if end == len(self.text) and self.progress.outcome is not None:
            return end
        return max(start, sent_to, self.text.rfind(" ", start, end) + 1, self.text.rfind("\n", start, end) + 1)

    @property
    def unshown(self) -> int:
        """Return how many characters are looked at for a message, tools' answers that were not drawn yet with them."""
        drawn = {known[0].call.id: known[0] for known in self.drawn.values()}
        fresh = sum(len(task.result) for task in self.progress.tasks if drawn.get(task.call.id) is not task)
        return fresh + min(_LOOKED_AT, max(0, len(self.text) - self.covered))

    def fits(self, part: AnswerMessage) -> bool:
        """Return whether all the rest fits into a message."""
        sent_to = 0 if part.is_stale else min(part.sent_to, len(self.text))
        return self._end_of(part, len(self.text), at_least=sent_to) == len(self.text)

    def has_news(self, covered: int, tasks_from: int) -> bool:
        """Return whether there is something that no message shows yet."""
        if visible(self.text[covered : self.reach]).strip():
            return True
        # A held call alone is no news: its card is posted.
        return any(line.status != "pending" and self._is_new(line) for line in self.lines[tasks_from:])

    def _end_of(self, part: AnswerMessage, reach: int, *, at_least: int) -> int:
        """Return where a message's text must end, below its tasks, so that it fits."""
        above = weigh_lines(self._folded(part, self.lines_of(part), "")) + slack_limits.PLAN_TITLE_BYTES
        room = max(slack_limits.TEXT_BYTES_LEAST, self.room - above)
        start = self._start_of(part)
        return segment_end(self.text[:reach], start, room=room, at_least=at_least, outline=self.outline)

    def _folded(self, part: AnswerMessage, lines: tuple[TaskLine, ...], body: str) -> tuple[TaskLine, ...]:
        """Return a message's tasks as far as they fit above its text."""
        most = slack_limits.PLAN_BYTES_MAX * self.room // slack_limits.MESSAGE_BYTES_MAX
        room = min(most, self.room - slack_limits.PLAN_TITLE_BYTES - size(body))
        if part.is_stream and not part.is_stopped:
            return fold_stream(lines, part.sent, room)
        return fold(lines, room)

    def _start_of(self, part: AnswerMessage) -> int:
        """Return where a message's text begins; a preview that was taken back may have ended before that."""
        return min(part.segment.text_from, len(self.text))

    def _is_told(self, line: TaskLine) -> bool:
        told = self.told.get(line.id)
        return told is not None and told.is_over

    def _is_new(self, line: TaskLine) -> bool:
        told = self.told.get(line.id)
        return told is None or (told.title, told.status) != (line.title, line.status)

    def _last_title(self, part: AnswerMessage) -> str:
        if part.ending is not None and part.ending.session_status == "processing":
            return "Continued below"
        if self.progress.outcome is not None:
            return render_worked(self.progress, self.seconds)
        return render_plan_title(self.progress, self.titles)


def _ids(lines: tuple[TaskLine, ...]) -> frozenset[str]:
    return frozenset(line.id for line in lines)


def _word_start(text: str, end: int) -> int:
    """Return where the last word before `end` begins, `end` where words are not set apart."""
    for start in range(min(end, len(text) - 1), max(0, end - _WORD_MAX), -1):
        if text[start - 1].isspace() and not text[start].isspace():
            return start
    return 0 if text[max(0, end - _WORD_MAX) : end].isspace() else end
