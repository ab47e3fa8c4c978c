"""Finds code, links, addresses and Slack's tokens in a paragraph; pure.

A paragraph is read once from beginning to end: marks are paired by counting, never by backtracking, so an agent's text
cannot make it slow. A mark that is not closed within its limit is text, so a growing text waits for none for long.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

WORDS_MAX = 600
"""Characters of a link's words or target."""
CODE_MAX = 1_500
"""Characters between the marks of code."""
# Replaces code and escaped characters, so that no mark is found in them. `visible` removes it from any text.
_MASK = "\x00"
_TICKS = re.compile(r"`+")
_ESCAPE_OR_TICKS = re.compile(r"\\[\[\]()`!\\]|`+")
_LOOSE = re.compile(r"!?\[")
_BRACKETS = re.compile(r"[\[\]()\n]")
_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]{0,30}:"
_MARK = re.compile(
    rf"(?P<auto><{_SCHEME}[^<>\s|\x00]{{0,{WORDS_MAX}}}>)|(?P<token><(?=[@#!]|{_SCHEME}))"
    rf"|(?P<definition>^[ \t>*+\-\d.)]{{0,100}}\[[^\[\]]{{1,{WORDS_MAX}}}\](?=:))"
    r"|(?P<link>!?\[)|(?P<after>\](?=\())",
    re.MULTILINE,
)
_ADDRESS = re.compile(r"<[^<>\s|]*")


class SpanKind(Enum):
    """What a mark is."""

    CODE = "code"
    TOKEN = "token"  # noqa: S105 — Slack's, as in `<@U1>`
    AUTO = "auto"
    DEFINITION = "definition"
    LINK = "link"
    IMAGE = "image"
    NO_LINK = "no link"
    """`](` that belongs to no link by our reading; Slack must not read it as one."""


@dataclass(frozen=True, slots=True)
class InlineSpan:
    """One mark in a paragraph; `words_end` is where a link's words end."""

    what: SpanKind
    start: int
    end: int
    words_end: int = 0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """The marks in order, and how many characters can no longer change their meaning when text is added."""

    found: tuple[InlineSpan, ...]
    settled: int


def read(text: str, *, may_grow: bool, is_row: bool) -> Paragraph:
    """Return the marks of a paragraph; with `may_grow`, more text may follow. In a table's row, code ends at a `|`."""
    code, masked, known = _code(text, may_grow=may_grow, is_row=is_row)
    marks = sorted([*code, *_marks(masked)], key=lambda one: one.start)
    if may_grow:
        known = _before_all_loose(masked, marks, _first_loose(masked, known))
        marks = [one for one in marks if one.end <= known]
    return Paragraph(tuple(marks), known)


def _code(text: str, *, may_grow: bool, is_row: bool) -> tuple[list[InlineSpan], str, int]:
    """Return the code in a paragraph, the paragraph with code and escapes masked, and how far all of it is certain."""
    runs: dict[int, list[int]] = {}
    for run in _TICKS.finditer(text):
        runs.setdefault(run.end() - run.start(), []).append(run.start())
    code: list[InlineSpan] = []
    pieces: list[str] = []
    done = at = 0
    while mark := _ESCAPE_OR_TICKS.search(text, at):
        at = mark.end()
        if mark[0][0] == "\\":
            pieces += [text[done : mark.start()], _MASK * 2]
            done = at
            continue
        same = runs.get(len(mark[0]), [])
        index = bisect_left(same, at)
        closing = same[index] if index < len(same) else -1
        # The closing run may still get another backtick, which makes it another mark; or it may not have come yet.
        if may_grow and (closing + len(mark[0]) == len(text) if closing >= 0 else len(text) - at <= CODE_MAX):
            return code, "".join([*pieces, text[done:]]), mark.start()
        # Too long, never closed, or across the cells of a table: then the backticks are text.
        if closing < 0 or closing - at > CODE_MAX or (is_row and "|" in text[at:closing]):
            continue
        end = closing + len(mark[0])
        code.append(InlineSpan(SpanKind.CODE, mark.start(), end))
        pieces += [text[done : mark.start()], _MASK * (end - mark.start())]
        done = at = end
    return code, "".join([*pieces, text[done:]]), len(text)


def _pairs(masked: str) -> dict[int, int]:
    """Return where each bracket and parenthesis is closed; parentheses only within a line."""
    pairs: dict[int, int] = {}
    brackets: list[int] = []
    parentheses: list[int] = []
    for mark in _BRACKETS.finditer(masked):
        if mark[0] == "\n":
            # A link's address does not go over a line end.
            parentheses.clear()
        elif mark[0] in "[(":
            (brackets if mark[0] == "[" else parentheses).append(mark.start())
        elif opened := brackets if mark[0] == "]" else parentheses:
            pairs[opened.pop()] = mark.start()
    return pairs


def _marks(masked: str) -> Iterator[InlineSpan]:
    pairs = _pairs(masked)
    closing = set(pairs.values())
    at = 0
    while mark := _MARK.search(masked, at):
        at = mark.end()
        if mark.lastgroup == "link":
            link = _link(masked, pairs, mark)
            if link is not None:
                yield link
                at = link.end
        elif mark.lastgroup != "after":
            yield InlineSpan(SpanKind(mark.lastgroup), mark.start(), mark.end())
        elif mark.start() in closing:
            yield InlineSpan(SpanKind.NO_LINK, mark.start(), mark.end())


def _link(masked: str, pairs: dict[int, int], mark: re.Match[str]) -> InlineSpan | None:
    """Return the link that begins with this bracket; None if there is none, or if a link is in its words.

    Links do not nest: the inner one counts (CommonMark 0.31, §6.3).
    """
    words_end = pairs.get(mark.end() - 1, -1)
    if not 0 <= words_end - mark.end() <= WORDS_MAX or not masked.startswith("(", words_end + 1):
        return None
    end = pairs.get(words_end + 1, -1)
    if not 0 <= end - words_end - 2 <= WORDS_MAX or masked.find("](", mark.end(), words_end) >= 0:
        return None
    return InlineSpan(SpanKind.IMAGE if mark[0][0] == "!" else SpanKind.LINK, mark.start(), end + 1, words_end)


def _first_loose(masked: str, known: int) -> int:
    """Return the place of the first bracket, or last character, that more text could make part of a mark."""
    masked = masked[:known]
    pairs = _pairs(masked)
    first = len(masked)
    for bracket in _LOOSE.finditer(masked, max(0, first - 2 * WORDS_MAX - 10)):
        at = bracket.end() - 1
        words_end = pairs.get(at, -1)
        if _is_loose(masked, pairs, at, words_end):
            first = bracket.start()
            break
    return first - (first == len(masked) and masked.endswith(("!", "\\", "]")))


def _before_all_loose(masked: str, marks: list[InlineSpan], known: int) -> int:
    """Return the last place up to `known` that is in no mark and in no address that may go on."""
    while True:
        begun = masked.rfind("<", max(0, known - WORDS_MAX - 40), known)
        cut = begun if begun >= 0 and _ADDRESS.fullmatch(masked, begun, known) else known
        index = bisect_left(marks, cut, key=lambda one: one.start) - 1
        if index >= 0 and marks[index].end > cut:
            cut = marks[index].start
        if cut == known:
            return known
        known = cut


def _is_loose(masked: str, pairs: dict[int, int], at: int, words_end: int) -> bool:
    end = len(masked)
    if words_end < 0:
        return end - at <= WORDS_MAX + 1
    if words_end - at > WORDS_MAX + 1:
        return False
    if words_end + 1 == end:
        return True
    is_open = masked[words_end + 1] == "(" and words_end + 1 not in pairs
    return is_open and end - words_end <= WORDS_MAX + 2 and "\n" not in masked[words_end:]
