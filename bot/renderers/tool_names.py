"""Tools and services in sentences: what is being done, was done, could not be done.

A tool's name comes from a service that we do not know, in any language. So we show the name itself or the title that
the service gives it, and never make an English phrase of it. Claude's built-in tools have phrases of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.model.events import UNNAMED_SERVICE, ToolCall
from bot.model.visible_text import one_line
from bot.renderers.safe_markdown import revealed
from bot.renderers.text_lengths import NAME_MAX
from store.records import EventId

_BUILT_IN = {
    "bash": ("run a command", "running a command", "ran a command"),
    "edit": ("edit a file", "editing a file", "edited a file"),
    "glob": ("look for files", "looking for files", "looked for files"),
    "grep": ("search files", "searching files", "searched files"),
    "read": ("read a file", "reading a file", "read a file"),
    "web_fetch": ("read a web page", "reading a web page", "read a web page"),
    "web_search": ("search the web", "searching the web", "searched the web"),
    "write": ("write a file", "writing a file", "wrote a file"),
}
_SUBJECTS = (
    "query", "q", "search", "search_query", "title", "name", "subject", "path", "file_path", "pattern", "url",
    "command", "channel", "repo", "repository", "email", "to", "text", "message", "content", "body", "prompt",
)  # fmt: skip
_SUBJECT_MAX = 100
_NAME_MAX = 80
# Where a session keeps its files (docs/reference/managed-agents.md#files); people know the file by what comes after.
_OURS = re.compile(r"/mnt/session/(?:uploads/trn_\w+/\d+-|uploads/|outputs/)")
# JSON and markup begin so: nothing to show to people.
_RAW = ("{", "[", "<")


@dataclass(frozen=True, slots=True)
class ToolPhrase:
    """One call in words: `use notion-search in Notion`, `using …`, `used …`."""

    infinitive: str
    doing: str
    done: str


def capital(text: str) -> str:
    """Return `text` with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def service_title(service: str, titles: Mapping[str, str]) -> str:
    """Return the catalogue's title of a service, or one made from its name."""
    if service == UNNAMED_SERVICE:
        return "an unnamed service"
    known = titles.get(service)
    return one_line(known or " ".join(capital(word) for word in re.split(r"[-_\s]+", service) if word), NAME_MAX)


def phrase(call: ToolCall, titles: Mapping[str, str]) -> ToolPhrase:
    """Return a tool call in words, by the tool's title if it has one."""
    if call.service is None and call.name in _BUILT_IN:
        return ToolPhrase(*_BUILT_IN[call.name])
    what = called = named(call.service, call.name, titles)
    if call.title and call.service is not None:
        title, of = f"“{one_line(revealed(call.title), _NAME_MAX)}”", _of(call.service, titles)
        # A title is only the service's claim, so the form that people decide about shows the name as well.
        what, called = f"{title} ({_shown(call.name)}){of}", f"{title}{of}"
    return ToolPhrase(f"use {what}", f"using {called}", f"used {called}")


def named(service: str | None, tool: str, titles: Mapping[str, str]) -> str:
    """Return a tool by its own name and its service: `notion-search in Notion`."""
    return f"{_shown(tool)}{_of(service, titles)}"


def _shown(tool: str) -> str:
    # Invisible characters are spelled out: two different tools must not look the same.
    return one_line(revealed(tool), _NAME_MAX) or "a tool"


def _of(service: str | None, titles: Mapping[str, str]) -> str:
    return "" if service is None else f" in {service_title(service, titles)}"


def deed(service: str | None, tool: str, titles: Mapping[str, str]) -> str:
    """Return the use of a tool as a title: `Use write_note in Notes`."""
    return capital(phrase(ToolCall(EventId(""), service, tool, {}), titles).infinitive)


def subject(call: ToolCall) -> str:
    """Return what a call is about in one short line: its most telling argument, or empty."""
    for key in _SUBJECTS:
        given = call.arguments.get(key)
        # JSON in a string tells people nothing.
        if isinstance(given, str) and given.strip() and not given.lstrip().startswith(_RAW):
            return one_line(_OURS.sub("", given), _SUBJECT_MAX)
    return ""


def plural(count: int, noun: str) -> str:
    """Return `1 step`, `2 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
