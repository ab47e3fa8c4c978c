"""Interprets the words of a request: a one-word command, a task, or what is meant without words. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.model.agent_prompts import READ_FILES, READ_FORWARDED
from bot.model.ask_flags import AskWords
from bot.model.commands import AskAgent, Reply
from bot.model.errors import Misunderstood
from store.records import MessageRef

STOP_WORDS = frozenset({"stop", "cancel"})
AGAIN_WORDS = frozenset({"try again", "again", "retry"})
TASK_LIMIT = 30_000
"""Characters of a task with its quotes, far less than the API takes."""
TITLE_LIMIT = 60


def as_command_word(words: str) -> str:
    """Return words in the form that is compared with `STOP_WORDS` and `AGAIN_WORDS`."""
    return words.strip().lower().rstrip(".!")


def require_words(given: str) -> str:
    """Return the words without surrounding white space. Raises `Misunderstood` if there are none."""
    words = given.strip()
    if not words:
        raise Misunderstood("task_missing", "")
    return words


def require_length(task: str) -> str:
    """Return the task. Raises `Misunderstood` if it is too long."""
    if len(task) > TASK_LIMIT:
        raise Misunderstood("task_too_long", str(len(task)))
    return task


def title_of(task: str) -> str:
    """Return a task as one short line."""
    line = " ".join(task.split())
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1].rstrip() + "…"


def meant_by(command: Reply) -> str:
    """Return the words of a message; if there are none, a request to look at what came along.

    Raises `Misunderstood` if nothing came along either.
    """
    if command.text:
        return command.text
    if command.said:
        return READ_FORWARDED
    if command.files:
        return READ_FILES
    raise Misunderstood("nothing_asked", "")


def question_of(command: Reply, asked: AskWords) -> AskAgent:
    """Return the request of a mention or direct message; a mention inside a thread is about that thread."""
    thread_ts = command.place.thread_ts
    is_inside = thread_ts is not None and thread_ts != command.source.ts and not command.place.is_direct
    about = MessageRef(command.place.channel, thread_ts) if is_inside and thread_ts else None
    return AskAgent(
        command.member,
        meant_by(replace(command, text=asked.task)),
        command.place,
        source=command.source,
        is_private=asked.is_private,
        profile=asked.profile,
        about=about,
        files=command.files,
        said=command.said,
    )
