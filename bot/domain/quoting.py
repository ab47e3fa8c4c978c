"""Quotes other people's words in a request, marked and with names, so that they can't pass for the owner's. Pure."""

from __future__ import annotations

from bot.model.agent_prompts import ASIDE, QUOTED
from bot.model.commands import Conversation, Said
from bot.model.visible_text import one_line, visible

MOST_SAID = 15_000
"""Characters of others' words that a request takes; of a longer thread the newest messages."""
_NAME_MAX = 80
_QUOTES = str.maketrans("", "", '“”"')


def with_quoted(words: str, said: Conversation | tuple[Said, ...], label: str = QUOTED) -> str:
    """Return the owner's words, and below them what others said.

    Every line of others begins with a mark. Whatever they write, no line can look like the owner's words, like the
    label or like another author's name.
    """
    conversation = said if isinstance(said, Conversation) else Conversation(said)
    return f"{words}\n\n{label}\n{_fenced(conversation)}" if conversation.said else words


def reworded(task: str, words: str) -> str:
    """Return the task with the owner's words replaced and the words of others unchanged."""
    return words + task.removeprefix(own_words(task))


def own_words(task: str) -> str:
    """Return only the owner's words of a task; the messages quoted below them are in Slack already."""
    for label in (QUOTED, ASIDE):
        # The last label is ours: others' lines begin with a mark, so none of them can be a label.
        words, mark, fenced = task.rpartition(f"\n\n{label}\n")
        if mark and all(line.startswith("> ") for line in fenced.splitlines()):
            return words
    return task


def _fenced(conversation: Conversation) -> str:
    kept, dropped = _newest(conversation.said)
    left = dropped + conversation.left_out
    lines = [f"> ({left} earlier messages are left out)"] if left else []
    for one in kept:
        lines.append(f"> “{_name(one.author)}” wrote:")
        lines.extend(f"> | {line}" for line in (visible(part) for part in one.text.splitlines() or [""]))
    return "\n".join(lines)


def _newest(said: tuple[Said, ...]) -> tuple[list[Said], int]:
    kept: list[Said] = []
    room = MOST_SAID
    for one in reversed(said):
        # From the newest back: what was said last is what the request is about.
        if room <= 0:
            break
        text = _cut(one.text, room)
        kept.insert(0, Said(one.author, text))
        room -= len(text) + _NAME_MAX
    return kept, len(said) - len(kept)


def _cut(text: str, room: int) -> str:
    """Return the text, or its beginning and how much is left out if it is too long."""
    over = len(text) - room
    return text if over <= 0 else f"{text[:room]}…\n({over} more characters of this message are left out)"


def _name(author: str) -> str:
    """Return a name without quotation marks and line breaks, so that it cannot end its quotes."""
    line = one_line(author.translate(_QUOTES))
    return line[:_NAME_MAX] or "somebody"
