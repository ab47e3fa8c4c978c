"""What the messages of an answer show so far. Pure memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.renderers.answer_page import TaskLine
from bot.slack.answer.layout import AnswerLayout
from bot.slack.answer.message import AnswerMessage
from store.records import MessageTs, TurnId


@dataclass(slots=True)
class AnswerTranscript:
    """Messages in order, the open one last."""

    turn_id: TurnId
    parts: list[AnswerMessage] = field(default_factory=list)
    told: dict[str, TaskLine] = field(default_factory=dict)
    """Tasks as the messages that have ended tell them."""

    @property
    def current(self) -> AnswerMessage | None:
        """Return the message that has not ended, None if there is none."""
        return next((part for part in reversed(self.parts) if part.ending is None), None)

    @property
    def is_finished(self) -> bool:
        """Return whether the last message is there, with the turn's end."""
        return any(part.ending and part.ending.marker == self.turn_id and not part.is_stale for part in self.parts)

    @property
    def covered(self) -> int:
        """Return how much of the turn's text the messages that have ended hold."""
        return max((part.text_to or 0 for part in self.parts), default=0)

    @property
    def tasks_from(self) -> int:
        """Return how many of the turn's tasks the messages that have ended tell, counted from the first."""
        return max((part.tasks_to for part in self.parts), default=0)

    @property
    def known(self) -> set[MessageTs]:
        """Return the messages that are at Slack."""
        return {part.ts for part in self.parts if part.ts is not None}

    def tell(self, part: AnswerMessage, picture: AnswerLayout) -> None:
        """Remember which tasks an ended message tells, and as what."""
        part.is_told, part.tasks_to = True, picture.tasks_to
        self.told |= {line.id: line for line in picture.lines if line.id in part.tells}
