"""Finds which lines of a markdown text are code and which continue a paragraph (CommonMark 0.31, §3 to §5); pure.

Lines are read once, in order. A line that cannot be classified yet counts as text, which is the safe side: in code
only Slack's own tokens are neutralised, in text links are too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from bot.model.visible_text import visible

# Levels of nested quotes and lists that are told apart; anything deeper is a paragraph. It bounds the work per line.
_DEEPEST = 32
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r" {0,3}(?:[-+*]|(?P<number>\d{1,9})[.)])(?: {1,4}(?=[^ ])| (?= {4})|(?= *\Z))")
_BREAK = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})\Z")
# A setext underline: it turns the paragraph before it into a heading.
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+) *\Z")
_HEADING = re.compile(r" {0,3}#{1,6}(?: |\Z)")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*\Z)|~{3,})(?P<info>.*)\Z")
_ROW = re.compile(r" *\|")
# The delimiter row, the second line of a table, which makes it one.
_RULE = re.compile(r" {0,3}\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*\Z")
# Characters of a line that are read; a longer one is no fence, break or underline.
_LONGEST = 10_000


class LineKind(Enum):
    """What a line is."""

    CODE = "code"
    TEXT = "text"
    """Begins a block, or is one by itself."""
    ON = "on"
    """Continues the paragraph of the line before."""


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """The blocks that are open where a line begins."""

    around: tuple[str, ...] = ()
    """Quotes and list items from the outside in, each as its marker with the spaces that belong to it."""
    fence: str = ""
    """The marker and the info string of an open fence; empty if none is open."""
    is_paragraph: bool = False
    is_row: bool = False
    """Of a table, whose lines do not continue each other."""

    @property
    def marks(self) -> str:
        """Return the marks that end the fence."""
        return self.fence[: len(self.fence) - len(self.fence.lstrip(self.fence[0]))] if self.fence else ""

    @property
    def opening(self) -> str:
        """Return the line that opens this fence in a new message."""
        return f"{''.join(self.around)}{self.fence}"

    @property
    def bare_opening(self) -> str:
        """Return `opening` without the fence's info string."""
        return f"{''.join(self.around)}{self.marks}"

    @property
    def inside(self) -> str:
        """Return the prefix that keeps a new line inside the open quotes and items."""
        return "".join(mark if _is_quote(mark) else " " * len(mark) for mark in self.around)

    @property
    def closing(self) -> str:
        """Return the line that closes the fence."""
        return f"{self.inside}{self.marks}"


@dataclass(frozen=True, slots=True)
class LinePlace:
    """A place in a text: whether it is inside a line, what the line is so far, and what is open before and after it."""

    is_inside: bool
    kind: LineKind
    before: OpenBlock
    after: OpenBlock
    head: str
    """The first two lines of the table that continues there; empty if none does."""


class Outline:
    """Remembers what is open at each line of a growing text, so that each line is read once."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._text = ""
        self._starts = [0]
        self._opens = [OpenBlock()]
        self._row = ""
        """The last line if it looks like a table's row, else empty."""
        self._heads = [""]
        self._places: dict[int, LinePlace] = {}

    def at(self, text: str, position: int) -> LinePlace:
        """Return what is open at a place of the text; earlier results are remembered."""
        # Usually the text has only grown; if it was replaced, nothing that is remembered holds.
        if not text.startswith(self._text[:position]):
            self._forget()
        if position > len(self._text):
            self._text = text[:position]
        if position not in self._places:
            self._places[position] = self._look(text, position)
        return self._places[position]

    def _look(self, text: str, position: int) -> LinePlace:
        while (end := text.find("\n", self._starts[-1], position) + 1) > 0:
            self._heads.append(self._head_after(text[self._starts[-1] : end]))
            self._opens.append(line_after(self._opens[-1], _looked_at(text, self._starts[-1], end))[1])
            self._starts.append(end)
        index = bisect_right(self._starts, position) - 1
        before, begun = self._opens[index], _looked_at(text, self._starts[index], position)
        kind, after = line_after(before, begun) if begun else (LineKind.TEXT, before)
        return LinePlace(bool(begun), kind, before, after, "" if begun else self._heads[index])

    def _head_after(self, line: str) -> str:
        """Return the head of the table that a complete line belongs to; empty without a table or a head yet."""
        row, self._row = self._row, line if line.startswith("|") else ""
        head = self._heads[-1] if self._row else ""
        return head or (f"{row}{line}" if row and is_rule(line) else "")


def is_rule(line: str) -> bool:
    """Tell whether a line is the delimiter row of a table."""
    return _RULE.match(line.rstrip("\n")) is not None


def _looked_at(text: str, start: int, end: int) -> str:
    """Return the part of a line that is read; if it is cut, with a character that closes no marker."""
    line = visible(text[start : min(end, start + _LONGEST)])
    return line if end - start <= _LONGEST else f"{line}`"


def lines_of(text: str) -> Iterator[tuple[int, int, LineKind, OpenBlock]]:
    """Yield each line: its start, its end (after the line break), what it is, and what is open after it."""
    now, start = OpenBlock(), 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        kind, now = line_after(now, text[start:end])
        yield start, end, kind, now
        start = end


def line_after(before: OpenBlock, line: str) -> tuple[LineKind, OpenBlock]:
    """Return what a line is, and what is open after it."""
    line = line.rstrip("\n").expandtabs(4)
    held, at = _held(before.around, line)
    is_within = held == len(before.around)
    # Inside a fence only its end matters; leaving the quote or item ends it too.
    if before.fence and is_within:
        is_over = line[at:].strip().startswith(before.marks) and _closes(before, line[at:])
        return LineKind.CODE, OpenBlock(before.around) if is_over else before
    return _begun(replace(before, fence="") if before.fence else before, line, held, at)


def _closes(before: OpenBlock, rest: str) -> bool:
    bare = rest.strip(" ")
    indent = len(rest) - len(rest.lstrip(" "))
    return indent <= 3 and set(bare) == {before.marks[0]} and len(bare) >= len(before.marks)


def _is_quote(mark: str) -> bool:
    return mark.strip() == ">"


def _held(around: tuple[str, ...], line: str) -> tuple[int, int]:
    """Return how many of the open quotes and items a line stays in, and where its own text begins."""
    at = 0
    is_blank_from = len(line.rstrip(" "))
    for count, mark in enumerate(around):
        if _is_quote(mark):
            found = _QUOTE.match(line, at)
            if found is None:
                return count, at
            at = found.end()
        elif at >= is_blank_from:
            # A blank line needs no indent to stay in a list item, only in a quote.
            continue
        elif line.startswith(" " * len(mark), at):
            at += len(mark)
        else:
            return count, at
    return len(around), at


def _begun(before: OpenBlock, line: str, held: int, at: int) -> tuple[LineKind, OpenBlock]:
    """Return what a line outside a fence is: first the quotes and items that it begins, then what is in them."""
    around = before.around[:held]
    may_go_on = before.is_paragraph
    is_directly_after = may_go_on and held == len(before.around)
    if is_directly_after and _UNDERLINE.match(line[at:]):
        return LineKind.TEXT, OpenBlock(around)
    while len(around) < _DEEPEST:
        mark = _mark(line, at, is_after_paragraph=is_directly_after)
        if not mark:
            break
        around, at = (*around, mark), at + len(mark)
        may_go_on = is_directly_after = False
    rest = line[at:]
    # An indented line continues a paragraph if there is one; only otherwise is it code (CommonMark 0.31, §4.4).
    if rest.startswith("    ") and rest.strip(" "):
        return (_going_on(before), before) if may_go_on else (LineKind.CODE, OpenBlock(around))
    if fence := _FENCE.match(rest):
        return LineKind.CODE, OpenBlock(around, fence["fence"] + fence["info"])
    return _words(rest, before, around, may_go_on=may_go_on)


def _words(rest: str, before: OpenBlock, around: tuple[str, ...], *, may_go_on: bool) -> tuple[LineKind, OpenBlock]:
    """Return what a line of text is; with `may_go_on` it may continue the paragraph before, at any nesting (lazily)."""
    if not rest.strip(" ") or _HEADING.match(rest) or _BREAK.match(rest):
        return LineKind.TEXT, OpenBlock(around)
    if _ROW.match(rest):
        return LineKind.TEXT, OpenBlock(before.around if may_go_on else around, is_paragraph=True, is_row=True)
    if may_go_on:
        return _going_on(before), before
    return LineKind.TEXT, OpenBlock(around, is_paragraph=True)


def _going_on(before: OpenBlock) -> LineKind:
    return LineKind.TEXT if before.is_row else LineKind.ON


def _mark(line: str, at: int, *, is_after_paragraph: bool) -> str:
    """Return the marker of the quote or list item that begins here, with its spaces; empty if none does."""
    if quote := _QUOTE.match(line, at):
        return line[at : quote.end()]
    found = _ITEM.match(line, at)
    if found is None or _BREAK.match(line, at):
        return ""
    is_empty = not line[found.end() :].strip(" ")
    # Only an item with words, numbered 1 if at all, may interrupt a paragraph (CommonMark 0.31, §5.2).
    if is_after_paragraph and (is_empty or found["number"] not in {None, "1"}):
        return ""
    return f"{found[0]} " if is_empty and not found[0].endswith(" ") else found[0]
