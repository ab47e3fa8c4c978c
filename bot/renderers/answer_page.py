"""One message of an answer: a page of tasks and text, drawn as blocks or as stream chunks.

`bot.slack.answer` decides which part of the text goes on a page and when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.model.progress import Activity, Progress, Task, TaskState
from bot.model.visible_text import shorten
from bot.renderers import slack_limits
from bot.renderers.block_kit import Block, Message, message, paragraph, section
from bot.renderers.slack_limits import size
from bot.renderers.text_lengths import LINE_MAX
from bot.renderers.tool_names import capital, phrase, plural, service_title, subject
from bot.renderers.tool_results import result

FOLDED = "folded"
"""The id of the one line that stands for all tasks that do not fit."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task as it is shown; `status` is one of Slack's four (docs/reference/slack.md#stream-chunks)."""

    id: str
    title: str
    status: str
    details: str = ""
    output: str = ""

    @property
    def is_over(self) -> bool:
        """Return whether the task has ended, so that its line no longer changes."""
        return self.status in {"complete", "error"}


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """Everything that one message of an answer shows above its footer."""

    title: str = ""
    lines: tuple[TaskLine, ...] = ()
    text: str = ""


def render_task(task: Task, titles: Mapping[str, str]) -> TaskLine:
    """Return a tool call as a line of the plan."""
    words = phrase(task.call, titles)
    title = _TITLES[task.state].format(todo=words.infinitive, doing=words.doing, done=words.done)
    output = result(task.result) if task.state is TaskState.DONE else _OUTPUTS.get(task.state, "")
    return TaskLine(
        # The same id each time, since Slack replaces a task by its id.
        id=shorten(task.call.id, slack_limits.TASK_FIELD_MAX),
        title=shorten(capital(title), slack_limits.TASK_FIELD_MAX),
        status=_STATUSES[task.state],
        details=subject(task.call),
        output=shorten(output, slack_limits.TASK_FIELD_MAX),
    )


def weigh_lines(lines: Iterable[TaskLine]) -> int:
    """Return the size of tasks in bytes as Slack counts it: details and outputs twice (`MESSAGE_BYTES_MAX`)."""
    return sum(_weight(line) for line in lines)


def fold(lines: tuple[TaskLine, ...], room: int = slack_limits.PLAN_BYTES_MAX) -> tuple[TaskLine, ...]:
    """Return the newest lines that fit into `room` bytes and into a plan; one line stands for the earlier ones.

    Details and outputs go before titles do, those of the oldest lines first.
    """
    # Titles first, newest to oldest: how many lines fit. What room is left then goes to details and outputs.
    start, left = len(lines), room - slack_limits.FOLDED_BYTES
    while start and len(lines) - start < slack_limits.PLAN_TASKS_MAX - 1 and size(lines[start - 1].title) <= left:
        start -= 1
        left -= size(lines[start].title)
    shown: list[TaskLine] = []
    for line in reversed(lines[start:]):
        shown.insert(0, _within(line, left, _bare(line)))
        left -= _weight(shown[0]) - size(line.title)
    if not start:
        return tuple(shown)
    return (TaskLine(FOLDED, plural(start, "earlier step"), "complete"), *shown)


def fold_stream(
    lines: tuple[TaskLine, ...], sent: AnswerPage, room: int = slack_limits.PLAN_BYTES_MAX
) -> tuple[TaskLine, ...]:
    """Return the lines that a stream which shows `sent` can show next: its lines stay, new ones follow if they fit.

    A stream cannot take lines back, so unlike in `fold` it is the later ones that share a line.
    """
    before = {line.id: line for line in sent.lines}
    known = {
        line.id: replace(line, details=before[line.id].details, output=before[line.id].output)
        for line in lines
        if line.id in before
    }
    left = room - slack_limits.FOLDED_BYTES - weigh_lines(known.values())
    shown: list[TaskLine] = []
    rest: list[TaskLine] = []
    for line in lines:
        bare = known.get(line.id)
        if bare is None:
            bare = _bare(line)
            # Once the shared line is there, every later task goes into it: a line below it would be out of order.
            is_full = FOLDED in before or len(shown) >= slack_limits.PLAN_TASKS_MAX - 1 or _weight(bare) > left
            if rest or is_full:
                rest.append(line)
                continue
            left -= _weight(bare)
        shown.append(_within(line, left, bare))
        left -= _weight(shown[-1]) - _weight(bare)
    return (*shown, _summary(rest)) if rest else tuple(shown)


def render_plan_title(progress: Progress, titles: Mapping[str, str]) -> str:
    """Return the title of a running plan, which is all that a collapsed one shows."""
    if progress.needs_reconnect:
        names = ", ".join(service_title(name, titles) for name in progress.needs_reconnect)
        return shorten(f"{names} needs a reconnect", slack_limits.PLAN_TITLE_MAX)
    return _ACTIVITIES[progress.activity]


def chunks_between(sent: AnswerPage, wanted: AnswerPage) -> list[Block] | None:
    """Return the stream chunks that turn `sent` into `wanted`; None if the stream cannot show it any more."""
    # A stream only appends: text that it has shown cannot change.
    if not wanted.text.startswith(sent.text):
        return None
    before = {line.id: line for line in sent.lines}
    updates = [_update(before.get(line.id), line) for line in wanted.lines]
    chunks = [update for update in updates if update is not None]
    # Without tasks there is no plan, and its title would appear alone.
    if wanted.lines and wanted.title != sent.title:
        chunks.insert(0, {"type": "plan_update", "title": wanted.title})
    added = wanted.text[len(sent.text) :]
    return [*chunks, {"type": "markdown_text", "text": added}] if added else chunks


def merged(sent: AnswerPage, wanted: AnswerPage) -> AnswerPage:
    """Return what a stream shows after `chunks_between(sent, wanted)`: lines, details and outputs once sent stay."""
    before = {line.id: line for line in sent.lines}
    after = {line.id: line for line in wanted.lines}
    kept = {key: _kept(before.get(key), line) for key, line in after.items()}
    title = wanted.title if wanted.lines else sent.title
    return AnswerPage(title, tuple((before | kept).values()), wanted.text)


def render_page(page: AnswerPage, extra: Iterable[Block] = ()) -> Message:
    """Return a page as a whole message, for places where nothing can be streamed and for streams that have ended."""
    blocks: list[Block] = []
    if page.lines:
        tasks = [_card(line) for line in page.lines]
        blocks.append({"type": "plan", "title": page.title or "Steps", "tasks": tasks})
    if page.text:
        blocks.append({"type": "markdown", "text": page.text})
    blocks.extend(extra)
    if not blocks:
        blocks.append(section("Working on it…"))
    return message(shorten(page.text, LINE_MAX) or page.title or "Working on it…", *blocks)


def left_open(lines: tuple[TaskLine, ...]) -> tuple[TaskLine, ...]:
    """Return lines for a message that ends while tasks still run, none of them in progress."""
    # Nobody edits this message again, so Slack would show a spinner for ever.
    return tuple(line if line.is_over else replace(line, status="pending") for line in lines)


def _update(before: TaskLine | None, line: TaskLine) -> Block | None:
    # Slack replaces title and status but appends details and output, so those are sent once only
    # (docs/reference/slack.md#stream-chunks).
    is_changed = before is None or (before.title, before.status) != (line.title, line.status)
    details = line.details if before is None or not before.details else ""
    output = line.output if before is None or not before.output else ""
    if not (is_changed or details or output):
        return None
    update: Block = {"type": "task_update", "id": line.id, "title": line.title, "status": line.status}
    said_once = {"details": details, "output": output}
    return update | {key: text for key, text in said_once.items() if text}


def _kept(before: TaskLine | None, line: TaskLine) -> TaskLine:
    if before is None:
        return line
    return replace(line, details=before.details or line.details, output=before.output or line.output)


def _weight(line: TaskLine) -> int:
    return size(line.title) + 2 * (size(line.details) + size(line.output))


def _bare(line: TaskLine) -> TaskLine:
    return replace(line, details="", output="")


def _within(line: TaskLine, room: int, bare: TaskLine) -> TaskLine:
    """Return `bare` with the details and output of `line` added, both or one of them, as `room` bytes allow."""
    full = replace(line, details=bare.details or line.details, output=bare.output or line.output)
    for richer in (full, replace(full, details=bare.details), replace(full, output=bare.output)):
        if _weight(richer) - _weight(bare) <= room:
            return richer
    return bare


def _card(line: TaskLine) -> Block:
    card: Block = {"task_id": line.id, "title": line.title, "status": line.status}
    texts = {"details": line.details, "output": line.output}
    return card | {key: paragraph(text) for key, text in texts.items() if text}


def _summary(lines: Sequence[TaskLine]) -> TaskLine:
    running = next((line for line in reversed(lines) if not line.is_over), None)
    title = f"{plural(len(lines), 'more step')}" + (f" · {running.title}" if running else "")
    return TaskLine(FOLDED, shorten(title, slack_limits.TASK_FIELD_MAX), "in_progress" if running else "complete")


_TITLES = {
    TaskState.RUNNING: "{doing}",
    TaskState.HELD: "asked whether to {todo}",
    TaskState.DONE: "{done}",
    TaskState.FAILED: "couldn't {todo}",
    TaskState.DENIED: "not allowed: {todo}",
    TaskState.STOPPED: "{doing}",
}
# Slack has no status for “denied” or “stopped”; `error` is the one that shows that the step did not happen.
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
