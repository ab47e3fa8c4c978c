"""A tool's result as one short phrase, never raw: no JSON, markup, encoded bytes or stack trace.

Tools write for agents. People get a count, a title or the first words; if there are none, nothing.
"""

from __future__ import annotations

import json
import re

from bot.model.visible_text import one_line
from bot.renderers.tool_names import plural

_MAX = 120
# Lines that are read: a phrase is in the first ones or nowhere.
_LINES_MAX = 200
# Levels of JSON inside strings of JSON that are unwrapped; MCP servers do wrap their answers like that.
_DEPTH = 3
_COLLECTIONS = ("results", "items", "data", "records", "entries", "matches", "objects")
_TITLES = ("title", "name", "summary")
_FENCE = re.compile(r"\s*(?:```|~~~)[\w+-]*\s*")
_TRACE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|^\s*(?:File \"[^\"]*\", line \d+|at [\w.$<>]+ ?\()"
    r"|^goroutine \d+ \[|^panic: ",
    re.MULTILINE,
)
# The beginning of something that is not for people: an object, a list, a key, a tag, encoded bytes.
_RAW = re.compile(
    r"[{}]"
    r"|\[\s*(?:[\[\"\'\]]|-?[\d.]+\s*,)"
    r"|\\?[\"\'][\w $.@/-]{0,60}\\?[\"\']\s*:"
    r"|</?[a-zA-Z!?]"
    r"|\bdata:\w+/"
    r"|[\w+/=%-]{48,}"
)
# Markers of a heading, quote, table row or list item; the `#` of `#12` is none.
_LEADING = re.compile(r"\A[ \t]*(?:(?:#{1,6}[ \t]|>|\||[*+-][ \t])[ \t]*)+")
# Emphasis and code as in CommonMark; marks inside a word (`snake_case`, `2*3`) belong to the word.
_MARKED = re.compile(
    r"(?<![\w*])(?P<stars>\*{1,3})(?=[^\s*])(?P<starred>[^*\n]{1,200})(?<=[^\s*])(?P=stars)(?![\w*])"
    r"|(?<![\w_/.])(?P<lines>_|__(?=[^\n_]{0,200}[ ]))(?=[^\s_])"
    r"(?P<lined>[^_\n]{1,200})(?<=[^\s_])(?P=lines)(?![\w_/.(])"
    r"|`{1,3}(?P<code>[^`\n]{1,200})`{1,3}"
)
# Punctuation that announced the part that was cut off, as in `Found:`.
_UNSAID = re.compile(r"[\s:;,=([\"\'\\\u2013\u2014-]+$")


def result(text: str) -> str:
    """Return a tool's result as one phrase of at most 120 characters, empty if nothing in it is for people."""
    return _phrase(text, _DEPTH)


def _phrase(text: str, depth: int) -> str:
    lines = [line for line in text.strip().splitlines()[:_LINES_MAX] if line.strip() and not _FENCE.fullmatch(line)]
    try:
        parsed = json.loads("\n".join(line for line in text.splitlines() if not _FENCE.fullmatch(line)))
    except (ValueError, RecursionError):
        return _of_lines(lines)
    return _of_value(parsed, depth)


def _of_lines(lines: list[str]) -> str:
    if not lines or _TRACE.search("\n".join(lines)):
        return ""
    # JSON Lines: one object per result.
    if len(lines) > 1 and all(_is_json_object(line) for line in lines):
        return plural(len(lines), "result")
    line = lines[0]
    found = _RAW.search(line)
    words = _UNSAID.sub("", line[: found.start()]) if found else line
    words = _unmarked(words)
    goes_on = " …" if words.strip() and (found or len(lines) > 1) else ""
    return one_line(words, _MAX - len(goes_on)) + goes_on


def _unmarked(words: str) -> str:
    """Return a line without markdown's markers."""
    words = _LEADING.sub("", words.strip().removesuffix("|"))
    return _MARKED.sub(lambda found: found["starred"] or found["lined"] or found["code"], words)


def _is_json_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _of_value(parsed: object, depth: int) -> str:
    if isinstance(parsed, list):
        return plural(len(parsed), "result")
    if isinstance(parsed, dict):
        return _of_object(parsed, depth)
    if isinstance(parsed, str):
        return _phrase(parsed, depth - 1) if depth else ""
    return one_line(str(parsed), _MAX) if isinstance(parsed, int | float) else ""


def _of_object(parsed: dict[str, object], depth: int) -> str:
    for key, given in parsed.items():
        if isinstance(given, list):
            return _counted(len(given), key)
    named = (given for key in _TITLES if isinstance(given := parsed.get(key), str))
    return _phrase(next(named, ""), depth - 1) if depth else ""


def _counted(count: int, key: str) -> str:
    """Return the count with the list's own key, as the service writes it: `3 open issues`.

    Keys are plural and we do not inflect words of unknown languages, so a single item is a `result`; so are those of
    a list whose key says nothing.
    """
    is_word = count != 1 and key not in _COLLECTIONS and re.fullmatch(r"[a-zA-Z][a-zA-Z_ -]{1,29}", key)
    return f"{count} {key.replace('_', ' ')}" if is_word else plural(count, "result")
