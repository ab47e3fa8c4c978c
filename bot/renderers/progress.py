"""A turn's picture as one Slack message: a page of tasks and text, as blocks or as chunks of a stream.

Which part of the text a page holds, and when it is sent, is `bot.slack.stream`'s decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.progress import Activity, Progress, Task, TaskState
from bot.renderers import limits
from bot.renderers.blocks import Block, Message, message, paragraph, section
from bot.renderers.limits import shorten
from bot.renderers.wording import capital, phrase, plural, result, service_title, subject

FOLDED = "folded"
"""The id of the line that stands for all tasks that do not fit."""


@dataclass(frozen=True, slots=True)
class Line:
    """One task as it is shown; `status` is Slack's word."""

    id: str
    title: str
    status: str
    details: str = ""
    output: str = ""

    @property
    def is_over(self) -> bool:
        """Return whether nothing more will be said about the task."""
        return self.status in {"complete", "error"}


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that one message of an answer shows above its footer."""

    title: str = ""
    lines: tuple[Line, ...] = ()
    text: str = ""


def render_task(task: Task, titles: Mapping[str, str]) -> Line:
    """Return a tool call as a line of the plan."""
    words = phrase(task.call, titles)
    title = _TITLES[task.state].format(todo=words.infinitive, doing=words.doing, done=words.done)
    output = result(task.result) if task.state is TaskState.DONE else _OUTPUTS.get(task.state, "")
    return Line(
        id=shorten(task.call.id, limits.TASK_FIELD_MAX),
        title=shorten(capital(title), limits.TASK_FIELD_MAX),
        status=_STATUSES[task.state],
        details=subject(task.call),
        output=shorten(output, limits.TASK_FIELD_MAX),
    )


def fold(lines: tuple[Line, ...], *, is_stream: bool) -> tuple[Line, ...]:
    """Return at most `limits.PLAN_TASKS_MAX` lines.

    A stream cannot take lines back, so there the later ones share one line; elsewhere the earlier ones do.
    """
    room = limits.PLAN_TASKS_MAX - 1
    if len(lines) <= room:
        return lines
    if not is_stream:
        earlier = lines[:-room]
        return (Line(FOLDED, f"{plural(len(earlier), 'earlier step')}", "complete"), *lines[-room:])
    return (*lines[:room], _summary(lines[room:]))


def render_plan_title(progress: Progress, titles: Mapping[str, str]) -> str:
    """Return what the collapsed plan says."""
    if progress.needs_reconnect:
        names = ", ".join(service_title(name, titles) for name in progress.needs_reconnect)
        return shorten(f"{names} needs a reconnect", limits.PLAN_TITLE_MAX)
    return _ACTIVITIES[progress.activity]


def chunks_between(sent: Page, wanted: Page) -> list[Block] | None:
    """Return the stream chunks that turn `sent` into `wanted`; None if text would have to be taken back."""
    if not wanted.text.startswith(sent.text):
        return None
    before = {line.id: line for line in sent.lines}
    updates = [_update(before.get(line.id), line) for line in wanted.lines]
    chunks = [update for update in updates if update is not None]
    if wanted.lines and wanted.title != sent.title:
        chunks.insert(0, {"type": "plan_update", "title": wanted.title})
    added = wanted.text[len(sent.text) :]
    return [*chunks, {"type": "markdown_text", "text": added}] if added else chunks


def merged(sent: Page, wanted: Page) -> Page:
    """Return what a stream shows after `chunks_between(sent, wanted)`: what was said once stays."""
    before = {line.id: line for line in sent.lines}
    after = {line.id: line for line in wanted.lines}
    kept = {key: _kept(before.get(key), line) for key, line in after.items()}
    title = wanted.title if wanted.lines else sent.title
    return Page(title, tuple((before | kept).values()), wanted.text)


def render_page(page: Page, extra: Iterable[Block] = ()) -> Message:
    """Return a page as a message of its own, for where nothing can be streamed or a stream has ended."""
    blocks: list[Block] = []
    if page.lines:
        tasks = [_card(line) for line in fold(page.lines, is_stream=False)]
        blocks.append({"type": "plan", "title": page.title or "Steps", "tasks": tasks})
    if page.text:
        blocks.append({"type": "markdown", "text": page.text})
    blocks.extend(extra)
    if not blocks:
        blocks.append(section("Working on it…"))
    return message(shorten(page.text, 300) or page.title or "Working on it…", *blocks)


def left_open(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return lines for a message that ends while tasks run: nothing in it spins for ever."""
    return tuple(line if line.is_over else replace(line, status="pending") for line in lines)


def _update(before: Line | None, line: Line) -> Block | None:
    # Slack replaces title and status but appends details and output, so those are said once (§1.2).
    is_changed = before is None or (before.title, before.status) != (line.title, line.status)
    details = line.details if before is None or not before.details else ""
    output = line.output if before is None or not before.output else ""
    if not (is_changed or details or output):
        return None
    update: Block = {"type": "task_update", "id": line.id, "title": line.title, "status": line.status}
    said_once = {"details": details, "output": output}
    return update | {key: text for key, text in said_once.items() if text}


def _kept(before: Line | None, line: Line) -> Line:
    if before is None:
        return line
    return replace(line, details=before.details or line.details, output=before.output or line.output)


def _card(line: Line) -> Block:
    card: Block = {"task_id": line.id, "title": line.title, "status": line.status}
    texts = {"details": line.details, "output": line.output}
    return card | {key: paragraph(text) for key, text in texts.items() if text}


def _summary(lines: tuple[Line, ...]) -> Line:
    running = next((line for line in reversed(lines) if not line.is_over), None)
    title = f"{plural(len(lines), 'more step')}" + (f" · {running.title}" if running else "")
    return Line(FOLDED, shorten(title, limits.TASK_FIELD_MAX), "in_progress" if running else "complete")


_TITLES = {
    TaskState.RUNNING: "{doing}",
    TaskState.HELD: "asked whether to {todo}",
    TaskState.DONE: "{done}",
    TaskState.FAILED: "couldn't {todo}",
    TaskState.DENIED: "not allowed: {todo}",
    TaskState.STOPPED: "{doing}",
}
_STATUSES = {
    TaskState.RUNNING: "in_progress",
    TaskState.HELD: "pending",
    TaskState.DONE: "complete",
    TaskState.FAILED: "error",
    TaskState.DENIED: "error",
    TaskState.STOPPED: "error",
}
_OUTPUTS = {TaskState.DENIED: "Denied", TaskState.STOPPED: "Stopped"}
_ACTIVITIES = {
    Activity.STARTING: "Starting",
    Activity.THINKING: "Thinking",
    Activity.WORKING: "Working",
    Activity.WRITING: "Writing",
    Activity.WAITING: "Asked for a decision",
    Activity.RETRYING: "Claude is busy, trying again",
}
