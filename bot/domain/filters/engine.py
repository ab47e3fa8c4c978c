"""Applies admins' filters to a request before it is sent and to an answer before it is shown; pure.

Patterns are matched line by line, as `grep` does, so an answer can be shown while it is written: a complete line never
changes any more and is not searched again. A private key, which has many lines, is removed as a whole.
`bot.model.secret_patterns` finds secrets. Why filters work like this: docs/decisions/0031 and docs/decisions/0039.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.config.model import SECRETS, Config, Filter
from bot.config.patterns import CompiledPattern, compiled
from bot.model.errors import Allowed, Judgement, Refusal, Refused
from bot.model.events import ToolCall
from bot.model.progress import Progress, Task, TaskState
from bot.model.secret_patterns import PRIVATE_KEY, kinds_of_secrets, mask_piece, settled
from bot.model.slack_text import as_read
from store.records import EventId

_KEY = f"[{PRIVATE_KEY} removed]"
# What ends a line for patterns.
_LINE = re.compile(rf"\n|{re.escape(_KEY)}")
# Characters of an argument that are searched, far more than a plan shows of it.
_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class FilterMatch:
    """A filter that matched: its name, and what it looks for in words for people."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class FilteredRequest:
    """A request after the filters: the text to send, what was taken out of it, and the filter that refuses it."""

    text: str
    masked: tuple[FilterMatch, ...] = ()
    refused_by: FilterMatch | None = None


def look_through(config: Config, request: str) -> FilteredRequest:
    """Return a request after the filters of a workspace."""
    filters = config.every_filter
    refusing = found_in(_having(filters, lambda one: one.asked == "refuse"), request)
    if refusing:
        return FilteredRequest(request, refused_by=refusing[0])
    masking = _having(filters, lambda one: one.asked == "mask")
    return FilteredRequest(mask(masking, request), tuple(found_in(masking, request)))


def may_be_sent(config: Config, request: str) -> Judgement:
    """Decide about a request that has waited in line, since a filter may be new."""
    refused_by = look_through(config, request).refused_by
    return Refused(Refusal.FILTERED, refused_by.words) if refused_by else Allowed()


def mask_asked(config: Config, words: str) -> str:
    """Return words without the matches of any filter for requests, whether it masks or refuses."""
    return mask(_having(config.every_filter, lambda one: one.asked != "off"), words)


def mask(filters: Mapping[str, Filter], text: str) -> str:
    """Return the text with each match replaced by the filter's name in brackets."""
    return closed(filters, Told(tail=text)).text


@dataclass(frozen=True, slots=True)
class Told:
    """The state of filtering a growing text: the part that is final, and the rest."""

    text: str = ""
    """Filtered, and final whatever follows."""
    tail: str = ""
    """Not searched yet: it may be the beginning of a secret."""
    line: str = ""
    """An incomplete line, searched for secrets but not for patterns yet."""
    is_in_key: bool = False


def grown(filters: Mapping[str, Filter], told: Told, new: str) -> Told:
    """Return the state after `new` was added to the text; only the new part is searched."""
    text = told.tail + new
    # What may still become a secret is held back: text that a stream has shown cannot be taken back.
    cut = settled(text, looked=len(told.tail)) if SECRETS in filters else len(text)
    line, is_in_key = _without_secrets(filters, text[:cut], told)
    known = line
    if any(one.pattern is not None for one in filters.values()):
        line = told.line + line
        end = max((end.end() for end in _LINE.finditer(line, max(0, len(told.line) - len(_KEY)))), default=0)
        known, line = _without_patterns(filters, line[:end]), line[end:]
    else:
        line = ""
    return Told(told.text + known, text[cut:], line, is_in_key)


def closed(filters: Mapping[str, Filter], told: Told) -> Told:
    """Return the state of a text that has ended, or whose next part begins a line of its own."""
    rest, is_in_key = _without_secrets(filters, told.tail, told)
    return Told(told.text + _without_patterns(filters, told.line + rest), is_in_key=is_in_key)


def _without_secrets(filters: Mapping[str, Filter], piece: str, told: Told) -> tuple[str, bool]:
    if SECRETS not in filters:
        return piece, False
    return mask_piece(piece, lambda kind, _: f"[{kind} removed]", is_in_key=told.is_in_key)


def _without_patterns(filters: Mapping[str, Filter], text: str) -> str:
    patterns = [
        (compiled(one.pattern), f"[{name} removed]") for name, one in filters.items() if one.pattern is not None
    ]
    if not patterns:
        return text
    done, pieces = 0, []
    for end in _LINE.finditer(text):
        pieces += [_without_all(patterns, text[done : end.end()].removesuffix("\n")), end[0] if end[0] == "\n" else ""]
        done = end.end()
    return "".join([*pieces, _without_all(patterns, text[done:])])


def _without_all(patterns: Iterable[tuple[CompiledPattern, str]], line: str) -> str:
    for pattern, by in patterns:
        line = _without_pattern(pattern, line, by)
    return line


def _without_pattern(pattern: CompiledPattern, line: str, by: str) -> str:
    """Return a line without a pattern's matches. If the pattern matches only the rendered text, the markup goes too."""
    # Also as people read it: markup must not hide what a filter looks for.
    masked, read = pattern.replaced(line, by), pattern.replaced(as_read(line).text, by)
    return masked if as_read(masked).text == as_read(read).text else read


def found_in(filters: Mapping[str, Filter], text: str) -> list[FilterMatch]:
    """Return which of these filters match in a text, each kind of secret by itself."""
    found = [FilterMatch(SECRETS, kind) for kind in kinds_of_secrets(text)] if SECRETS in filters else []
    lines = text.split("\n")
    for name, one in filters.items():
        if one.pattern is not None and any(
            compiled(one.pattern).is_in(line) or compiled(one.pattern).is_in(as_read(line).text) for line in lines
        ):
            found.append(FilterMatch(name, one.description or name))
    return found


class AnswerFilter:
    """Filters one turn's answer on its way to Slack, by the settings at the turn's beginning."""

    def __init__(self, config: Config) -> None:
        filters = config.every_filter
        self._masking = _having(filters, lambda one: one.answered == "mask")
        self._withholding = _having(filters, lambda one: one.answered == "withhold")
        self._tasks: dict[tuple[EventId, TaskState], Task] = {}
        self._seen = _Seen()

    def sift(self, progress: Progress) -> Progress:
        """Return what may be shown of the turn.

        It remembers the turn's text: what it let through once stays, as a stream cannot take text back, and only new
        text is searched.
        """
        tasks = tuple(self._task(task) for task in progress.tasks)
        is_over = progress.outcome is not None
        if self._withholding:
            found = found_in(self._withholding, progress.shown_text) if is_over else []
            # A filter that withholds must see the whole answer first, so nothing of it is shown before the end.
            if found or not is_over:
                return replace(progress, text="", draft="", tasks=tasks, withheld_by=found[0].words if found else None)
        self._seen = seen = _look_on(self._masking, self._seen, progress)
        text = seen.said.text
        whole = (closed(self._masking, seen.told) if is_over else seen.told).text
        return replace(progress, text=text, draft=whole[len(text) :], tasks=tasks)

    def unseen(self, progress: Progress) -> int:
        """Return how many characters `sift` would have to search."""
        is_whole = bool(self._withholding) and progress.outcome is not None
        seen = 0 if is_whole else len(self._seen.text) + len(self._seen.draft)
        tasks = [task for task in progress.tasks if (task.call.id, task.state) not in self._tasks]
        given = sum(len(one) for task in tasks for one in task.call.arguments.values() if isinstance(one, str))
        new = max(0, len(progress.text) + len(progress.draft) - seen)
        return new + given + sum(len(task.result) for task in tasks)

    def found(self, progress: Progress) -> tuple[FilterMatch, ...]:
        """Return which filters matched in a turn that is over."""
        return tuple(found_in({**self._masking, **self._withholding}, progress.shown_text))

    def _task(self, task: Task) -> Task:
        """Return a task with matches masked in its arguments and result, also by filters that withhold answers."""
        key = (task.call.id, task.state)
        if key not in self._tasks:
            filters = {**self._masking, **self._withholding}
            self._tasks[key] = replace(task, call=_masked_call(filters, task.call), result=mask(filters, task.result))
        return self._tasks[key]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A turn's text and draft as they were filtered last, with the states of both."""

    text: str = ""
    said: Told = field(default_factory=Told)
    draft: str = ""
    told: Told = field(default_factory=Told)


def _look_on(filters: Mapping[str, Filter], seen: _Seen, progress: Progress) -> _Seen:
    """Return the state after new text or a new draft; if the draft is another one, it is searched from its start."""
    if progress.text != seen.text:
        seen = _said(filters, seen, progress.text)
    # The draft was taken back or replaced, so filtering goes on from the final text.
    if not progress.draft.startswith(seen.draft):
        seen = replace(seen, draft="", told=seen.said)
    new = progress.draft[len(seen.draft) :]
    return replace(seen, draft=progress.draft, told=grown(filters, seen.told, new)) if new else seen


def _said(filters: Mapping[str, Filter], seen: _Seen, text: str) -> _Seen:
    """Return the state for new final text: usually the old draft, else what was written in its place."""
    drafted = seen.text + seen.draft
    if text.startswith(drafted):
        told, known = seen.told, len(drafted)
    elif text.startswith(seen.text):
        told, known = seen.said, len(seen.text)
    else:
        told, known = Told(), 0
    said = closed(filters, grown(filters, told, text[known:]))
    return _Seen(text, said, "", said)


def _masked_call(filters: Mapping[str, Filter], call: ToolCall) -> ToolCall:
    arguments = {
        name: mask(filters, given[:_LOOKED_AT]) if isinstance(given, str) else given
        for name, given in call.arguments.items()
    }
    return replace(call, arguments=arguments)


def _having(filters: Mapping[str, Filter], holds: Callable[[Filter], bool]) -> dict[str, Filter]:
    return {name: one for name, one in filters.items() if holds(one)}
