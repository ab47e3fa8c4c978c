"""Slack's markup and plain text: reads markup as people see it, and escapes text so that Slack shows it literally."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.model.visible_text import UNSEEN, visible

# What markdown shows as nothing or as another character; an underscore inside a word is part of it.
_MARKUP = re.compile(
    rf"(?P<escape>\\(?=[!-/:-@\[-`{{-~]))|\]\([^()\s]{{0,600}}\)|[\[\]*`~]"
    rf"|(?P<entity>&(?:#\d{{1,7}}|#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z]{{2,31}});)|{UNSEEN.pattern}"
)


@dataclass(frozen=True, slots=True)
class RenderedText:
    """A text as people read it once markup is rendered; `starts` and `ends` map each character to the written text."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def as_read(written: str) -> RenderedText:
    """Return markdown as it is rendered: without markers, escapes and invisible characters, entities decoded."""
    if _MARKUP.search(written) is None:
        return RenderedText(written, range(len(written)), range(1, len(written) + 1))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for found in _MARKUP.finditer(written):
        pieces.append(written[done : found.start()])
        starts += range(done, found.start())
        ends += range(done + 1, found.start() + 1)
        done = found.end()
        # An entity may stand for an invisible character.
        character = visible(html.unescape(found[0])) if found["entity"] else ""
        pieces.append(character)
        starts += [found.start()] * len(character)
        ends += [done] * len(character)
    pieces.append(written[done:])
    starts += range(done, len(written))
    ends += range(done + 1, len(written) + 1)
    return RenderedText("".join(pieces), tuple(starts), tuple(ends))


# Bytes of a file name's ending that are kept; a longer one is no ending, but words after a dot.
_ENDING_MAX = 20


def file_name_within(name: str, most: int) -> str:
    """Return a file name in at most `most` bytes: cut before its ending, and never inside a character.

    Bytes, since file systems count those; a character has up to four, and a composed one is several characters.
    """
    if len(name.encode("utf-8", "replace")) <= most:
        return name
    stem, dot, ending = name.rpartition(".")
    # Neither `.profile` has an ending nor `Offer v2.final version of October`.
    if not stem or len(ending.encode("utf-8", "replace")) > _ENDING_MAX:
        stem, dot, ending = name, "", ""
    left = most - len(f"{dot}{ending}".encode("utf-8", "replace"))
    end = len(stem.encode("utf-8", "replace")[:left].decode("utf-8", "ignore"))
    # Do not cut between a letter and its combining marks, or inside a joined emoji.
    while (
        end and end < len(stem) and (unicodedata.category(stem[end])[0] == "M" or "\u200d" in stem[end - 1 : end + 1])
    ):
        end -= 1
    return f"{stem[:end]}{dot}{ending}"


_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
# Words of a command that people put before the mention: `stop @Deputy`, `try again @Deputy`.
_COMMANDING = 2
_SCHEME = re.compile(r"^(?:https?://|mailto:|tel:)", re.IGNORECASE)


def encodable(text: str) -> str:
    """Return the text with a `?` for each lone surrogate, which JSON can carry and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def plain(text: str) -> str:
    """Return the text with tokens as people read them and `&amp; &lt; &gt;` undone.

    `<@U1|ana>` becomes `@ana`, `<#C1|general>` becomes `#general`, `<https://x|label>` becomes `label (https://x)`, a
    link that Slack made of typed text becomes that text, and a date its fallback
    (docs/reference/slack.md#text-formatting).
    """
    # Tokens first: once entities are decoded, a typed `&lt;@U1&gt;` would look like one.
    words = _TOKEN.sub(_readable, text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escape(text: str) -> str:
    """Return literal text in Slack's markup, the inverse of `plain` (docs/reference/slack.md#text-formatting)."""
    # `&` first, or the entities written by the others would be escaped again.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def without_mention(text: str, bot_user_id: str) -> str:
    """Return the text without a mention of Deputy that only addresses it: before the words, or after one or two.

    A colon after the mention goes too, unless it begins an emoji (`:wave:`). After more than two words a mention may be
    what the sentence is about, so it stays.
    """
    mention = rf"<@{re.escape(bot_user_id)}(?:\|[^<>]*)?>"
    # Invisible characters and markers of emphasis may surround the mention.
    before = rf"^(?:[\s\u200b\u200e\u200f\u2060\ufeff]|(?P<mark>[*_~]?){mention}(?P=mark)(?:[\s,]|:(?=\s|$))*)+"
    words = re.sub(before, "", text)
    behind = re.search(rf"{mention}\Z", words.rstrip(" \t\n.!"))
    alone = words[: behind.start()].rstrip(" \t\n,") if behind else ""
    return alone if alone and len(alone.split()) <= _COMMANDING else words


def mentions(text: str, bot_user_id: str) -> bool:
    """Tell whether the text mentions Deputy."""
    return re.search(rf"<@{re.escape(bot_user_id)}(\|[^>]*)?>", text) is not None


def _readable(token: re.Match[str]) -> str:
    sign, target, label = token.groups()
    if sign == "!":
        return _special(target, label or "")
    if sign:
        return sign + (label or target).lstrip("@#")
    return _link(target, label or "")


def _special(target: str, label: str) -> str:
    """Return `<!here>`, `<!subteam^S1|@team>` or `<!date^1392734382^{date}|Feb 18>` in words."""
    kind, _, rest = target.partition("^")
    if kind == "date":
        return label or rest.partition("^")[0]
    return "@" + (label or (rest if kind == "subteam" else kind)).lstrip("@")


def _link(target: str, label: str) -> str:
    """Return a link's words and its address; only the words if they are the address."""
    if not label or label == target:
        return target
    address = _SCHEME.sub("", target)
    # Slack links addresses that people type without one: `README.md` comes as `<http://README.md|README.md>`.
    is_typed = label.rstrip("/") == address.rstrip("/")
    return label if is_typed else f"{label} ({target})"
