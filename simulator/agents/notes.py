"""Reads what a notes service returns, in whatever form, and summarises it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

TITLE_KEYS = ("title", "name", "id")
TEXT_KEYS = ("text", "body", "content")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _first(row: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((str(row[key]) for key in keys if row.get(key) is not None), None)


def as_titles(text: str) -> list[str]:
    """Return the titles in a listing: JSON (rows, strings or `{notes: …}`), one JSON row a line, or plain lines."""
    parsed = _parsed(text)
    if isinstance(parsed, dict):
        inner = next((value for value in parsed.values() if isinstance(value, list)), None)
        parsed = inner if inner is not None else [parsed]
    if parsed is None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        rows = [_parsed(line) for line in lines]
        parsed = rows if all(isinstance(row, dict) for row in rows) else None
    if isinstance(parsed, list):
        return [title for row in parsed if (title := _first(row, TITLE_KEYS) if isinstance(row, dict) else str(row))]
    return [_plain(line) for line in text.splitlines() if line.strip() and not line.rstrip().endswith(":")]


def _plain(line: str) -> str:
    """Return the title in a line: all of it, or what a list item begins with."""
    item = re.match(r"\s*(?:[-*•]|\d+[.)])\s+(.*)", line)
    return re.split(r"\s+[—\u2013]\s+|:\s", item[1], maxsplit=1)[0] if item else line.strip()


def as_note(text: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Return title and text of one note; the title asked for where the answer has none."""
    asked = str(next(iter(arguments.values()), "Note"))
    parsed = _parsed(text)
    if isinstance(parsed, dict):
        return _first(parsed, ("title", "name")) or asked, _first(parsed, TEXT_KEYS) or ""
    return asked, text.strip()


def summary(titles: Sequence[str], notes: Sequence[tuple[str, str]]) -> str:
    """Return a summary that is made of the real notes."""
    if not titles:
        return "You have no notes yet."
    many = "one note" if len(titles) == 1 else f"{len(titles)} notes"
    lines = [f"- **{title}**: {_opening(text)}" for title, text in notes] or [f"- **{title}**" for title in titles]
    more = len(titles) - len(notes)
    tail = f"\n\nand {more} more." if notes and more > 0 else ""
    return f"You have {many}:\n\n" + "\n".join(lines) + tail


def _opening(text: str) -> str:
    flat = " ".join(text.split())
    sentence = re.split(r"(?<=[.!?])\s", flat, maxsplit=1)[0]
    return sentence if len(sentence) <= 160 else sentence[:159].rstrip() + "…"
