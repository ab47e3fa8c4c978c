"""Names of tools and services in people's words: what is being done, was done, could not be done.

Tool names come from services we do not know, so verbs are read from the name in a general way; where
that fails the words are dull but true. How tasks and cards use the words is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.events import UNNAMED_SERVICE, ToolCall
from bot.renderers.markdown import one_line
from bot.tool_risk import words_of
from store.records import EventId


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_IRREGULAR = {
    "build": "built", "buy": "bought", "draw": "drew", "find": "found", "get": "got", "give": "gave", "hide": "hid",
    "make": "made", "pay": "paid", "put": "put", "read": "read", "run": "ran", "send": "sent", "set": "set",
    "submit": "submitted", "take": "took", "write": "wrote", "stop": "stopped", "drop": "dropped", "begin": "began",
}  # fmt: skip
_DOUBLING = frozenset({"get", "set", "put", "run", "stop", "drop", "submit", "begin"})
_REGULAR = _words(
    "accept add append apply approve archive assign attach book browse cancel change check clear clone close comment "
    "compare complete connect convert copy count create delete deploy describe disable download draft duplicate edit "
    "enable execute export fetch filter fork format forward generate grant import index insert install invite invoke "
    "join leave link list load lock look lookup mark merge mention modify move open order parse patch post preview "
    "publish pull push query react release remove rename reopen replace reply report request resolve restore retrieve "
    "review revoke save schedule search select share show sort star start summarise summarize sync tag transfer "
    "translate trash unarchive unlink unlock unshare update upload validate view visit watch"
)
_LOOKING = frozenset({"search", "query", "find", "list", "browse"})
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
_OURS = re.compile(r"/mnt/session/(?:uploads/trn_\w+/\d+-|uploads/|outputs/)")
"""Where files are in a session: nobody's words."""
_RAW = ("{", "[", "<")
"""What no value begins with that says something to people."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One call in words, all in lower case: `search Notion`, `searching Notion`, `searched Notion`."""

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
    return one_line(known or " ".join(capital(word) for word in re.split(r"[-_\s]+", service) if word), 60)


def phrase(call: ToolCall, titles: Mapping[str, str]) -> Phrase:
    """Return a tool call in words."""
    if call.service is None:
        known = _BUILT_IN.get(call.name)
        return Phrase(*known) if known else _dull(_tokens(call.name), "")
    title = service_title(call.service, titles)
    words = _without_service(_tokens(call.name), call.service, title)
    if not words or not _is_verb(words[0]):
        return _dull(words, title)
    return _verbal(words[0], words[1:], title)


def deed(service: str | None, tool: str, titles: Mapping[str, str]) -> str:
    """Return what a tool does, as a title: `Write note in Notes`."""
    return capital(phrase(ToolCall(EventId(""), service, tool, {}), titles).infinitive)


def subject(call: ToolCall) -> str:
    """Return what a call is about in one short line, empty if no argument says so."""
    for key in _SUBJECTS:
        given = call.arguments.get(key)
        if isinstance(given, str) and given.strip() and not given.lstrip().startswith(_RAW):
            return one_line(_OURS.sub("", given), _SUBJECT_MAX)
    return ""


def plural(count: int, noun: str) -> str:
    """Return `1 step`, `2 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _tokens(name: str) -> list[str]:
    return words_of(one_line(name, 120))


def _without_service(words: list[str], service: str, title: str) -> list[str]:
    names = set(_tokens(service)) | set(_tokens(title)) | {"api", "mcp"}
    while len(words) > 1 and words[0] in names:
        words = words[1:]
    return words


def _is_verb(word: str) -> bool:
    return word in _REGULAR or word in _IRREGULAR


def _verbal(verb: str, rest: list[str], title: str) -> Phrase:
    where = _where(verb, rest, title)
    return Phrase(f"{verb}{where}", f"{_gerund(verb)}{where}", f"{_past(verb)}{where}")


def _where(verb: str, rest: list[str], title: str) -> str:
    things = " ".join(rest)
    if not things:
        return f" {title}" if verb in _LOOKING else f" something in {title}"
    return f" {things}" if things == title.lower() else f" {things} in {title}"


def _dull(words: list[str], title: str) -> Phrase:
    what = " ".join(words) or "a tool"
    of = f" in {title}" if title else ""
    return Phrase(f"use {what}{of}", f"using {what}{of}", f"used {what}{of}")


def _gerund(verb: str) -> str:
    if verb in _DOUBLING:
        return f"{verb}{verb[-1]}ing"
    return f"{verb[:-1]}ing" if verb.endswith("e") and not verb.endswith("ee") else f"{verb}ing"


def _past(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"
