"""What admins' filters make of a request before it is sent, and of a turn's picture before it is shown; pure.

A pattern is looked for line by line, as `grep` does. So an answer can be shown while it is written: what is made of a
line that is whole stays, whatever follows. Secrets are found by their shapes (`bot.shapes`), which may have many lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.config.model import SECRETS, Config, Filter
from bot.config.patterns import Compiled, compiled
from bot.domain.policy import Verdict
from bot.errors import Allowed, Refusal, Refused
from bot.events import ToolCall
from bot.progress import Progress, Task, TaskState
from bot.shapes import kinds_of_secrets, mask_secrets, settled
from bot.text import as_read
from store.records import EventId

_LOOKED_AT = 20_000
"""Characters of an argument that are looked through: of what is shown of a call, far more than there is."""


@dataclass(frozen=True, slots=True)
class Found:
    """One filter that found something: its name, and what it found in words for people."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Looked:
    """A request after the filters: what may be sent, what was taken out of it, and what forbids it."""

    text: str
    masked: tuple[Found, ...] = ()
    refused_by: Found | None = None


def look_through(config: Config, request: str) -> Looked:
    """Return what may be sent of a request."""
    filters = config.every_filter
    refusing = found_in(_having(filters, lambda one: one.asked == "refuse"), request)
    if refusing:
        return Looked(request, refused_by=refusing[0])
    masking = _having(filters, lambda one: one.asked == "mask")
    return Looked(mask(masking, request), tuple(found_in(masking, request)))


def may_be_sent(config: Config, request: str) -> Verdict:
    """A request that waited in line is looked at again: a filter may be new."""
    refused_by = look_through(config, request).refused_by
    return Refused(Refusal.FILTERED, refused_by.words) if refused_by else Allowed()


def mask_asked(config: Config, words: str) -> str:
    """Return words to the agent without what any filter of requests looks for."""
    return mask(_having(config.every_filter, lambda one: one.asked != "off"), words)


def mask(filters: Mapping[str, Filter], text: str) -> str:
    """Return the text with everything that these filters find replaced by what it was."""
    return _without_patterns(filters, _without_secrets(filters, text))


def _without_secrets(filters: Mapping[str, Filter], text: str) -> str:
    return mask_secrets(text, lambda kind, _: f"[{kind} removed]") if SECRETS in filters else text


def _without_patterns(filters: Mapping[str, Filter], text: str) -> str:
    lines = text.split("\n")
    for name, one in filters.items():
        if one.pattern is not None:
            lines = [_without_pattern(compiled(one.pattern), line, f"[{name} removed]") for line in lines]
    return "\n".join(lines)


def _without_pattern(pattern: Compiled, line: str, by: str) -> str:
    """Return a line without a pattern; one that has it only as people read it loses its markup."""
    masked, read = pattern.replaced(line, by), pattern.replaced(as_read(line).text, by)
    return masked if as_read(masked).text == as_read(read).text else read


def found_in(filters: Mapping[str, Filter], text: str) -> list[Found]:
    """Return what these filters find in a text."""
    found = [Found(SECRETS, kind) for kind in kinds_of_secrets(text)] if SECRETS in filters else []
    lines = text.split("\n")
    for name, one in filters.items():
        if one.pattern is not None and any(
            compiled(one.pattern).is_in(line) or compiled(one.pattern).is_in(as_read(line).text) for line in lines
        ):
            found.append(Found(name, one.description or name))
    return found


class Sieve:
    """The filters of one turn, as they are when it begins: between what the agent wrote and what is shown."""

    def __init__(self, config: Config) -> None:
        filters = config.every_filter
        self._masking = _having(filters, lambda one: one.answered == "mask")
        self._withholding = _having(filters, lambda one: one.answered == "withhold")
        self._by_line = any(one.pattern is not None for one in self._masking.values())
        self._tasks: dict[tuple[EventId, TaskState], Task] = {}

    def sift(self, progress: Progress) -> Progress:
        """Return what may be shown. What it says of a text that grows, it never takes back."""
        tasks = tuple(self._task(task) for task in progress.tasks)
        is_over = progress.outcome is not None
        if self._withholding:
            found = found_in(self._withholding, progress.shown_text) if is_over else []
            if found or not is_over:
                return replace(progress, text="", draft="", tasks=tasks, withheld_by=found[0].words if found else None)
        text = mask(self._masking, progress.text)
        whole = self._grown(progress, is_over=is_over)
        return replace(progress, text=text, draft=whole[len(text) :] if whole.startswith(text) else "", tasks=tasks)

    def found(self, progress: Progress) -> tuple[Found, ...]:
        """Return what was found in a turn that is over."""
        return tuple(found_in({**self._masking, **self._withholding}, progress.shown_text))

    def _grown(self, progress: Progress, *, is_over: bool) -> str:
        """Return text and draft as far as nothing that may follow changes what the filters make of them."""
        whole = progress.shown_text
        if is_over:
            return mask(self._masking, whole)
        upto = max(len(progress.text), settled(whole) if SECRETS in self._masking else len(whole))
        told = _without_secrets(self._masking, whole[:upto])
        if self._by_line:
            said = _without_secrets(self._masking, progress.text)
            told = told[: max(len(said), told.rfind("\n") + 1)]
        return _without_patterns(self._masking, told)

    def _task(self, task: Task) -> Task:
        """Return a task without what filters find in what is shown of it; a forbidden one is masked too."""
        key = (task.call.id, task.state)
        if key not in self._tasks:
            filters = {**self._masking, **self._withholding}
            self._tasks[key] = replace(task, call=_masked_call(filters, task.call), result=mask(filters, task.result))
        return self._tasks[key]


def _masked_call(filters: Mapping[str, Filter], call: ToolCall) -> ToolCall:
    arguments = {
        name: mask(filters, given[:_LOOKED_AT]) if isinstance(given, str) else given
        for name, given in call.arguments.items()
    }
    return replace(call, arguments=arguments)


def _having(filters: Mapping[str, Filter], holds: Callable[[Filter], bool]) -> dict[str, Filter]:
    return {name: one for name, one in filters.items() if holds(one)}
