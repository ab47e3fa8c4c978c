"""Parses the flags of `/agent ask`; pure.

Phones turn `--` into a dash; people forget one, or put flags last. Words that may have been meant as `--private` never
lead to a public answer: if they certainly are the flag they count as it, otherwise the request is refused and the
person gets their words back.
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass

from bot.model.errors import GIVEN_MAX, Misunderstood
from bot.model.visible_text import visible

# Characters that people get for a hyphen and that Unicode does not call a dash (general category Pd). The last two are
# the long-vowel marks that a Japanese keyboard types with that key.
_MINUS = "\u2212\u207b\u208b\u02d7\u2500\u2501\u2796\u30fc\uff70"
_QUOTES = "\"'`*_([{\u201c\u201d\u2018\u2019\u00ab\u00bb"
_PRIVATE = "private"
# `difflib`'s ratio from which a word counts as a slip for `private`: `privat`, `prvate` and `privately` reach it.
_NEARLY = 0.7
# Characters of a word that are compared: `difflib` takes quadratic time.
_COMPARED_MAX = 20


@dataclass(frozen=True, slots=True)
class AskWords:
    """A request: the task, whether its answer is private, and for which agent. An empty task opens the form."""

    task: str
    is_private: bool = False
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class UnclearFlag:
    """A word of which we cannot be sure whether it was meant as a flag, or as which."""

    word: str


def read_ask(text: str, *, is_private: bool) -> AskWords:
    """Return what somebody asks, however they wrote it. Raises `Misunderstood` for an unclear flag.

    `is_private`: only the writer reads the answer in any case, so an unclear flag does no harm.
    """
    asked = parse_ask(text)
    if isinstance(asked, AskWords):
        return asked
    if is_private:
        return AskWords(text.strip())
    raise Misunderstood("flag", asked.word[:GIVEN_MAX], kept=text.strip())


def parse_ask(text: str) -> AskWords | UnclearFlag:
    """Return what an `ask` says; flags come before the task, `--private` may also come after it."""
    is_private, profile, rest = False, None, text.strip()
    while found := _leading(rest):
        word, name, rest = found
        if name == _PRIVATE:
            is_private = True
        elif name == "agent" or name.startswith("agent="):
            profile, rest = _value(name, rest)
        else:
            return UnclearFlag(word)
    task, said_last = _without_last(rest)
    # Once the answer is private, a second unclear word cannot make it public.
    unclear = None if is_private or said_last else _nearly_private(task)
    return unclear or AskWords(task, is_private or said_last, profile)


def _leading(text: str) -> tuple[str, str, str] | None:
    """Return the first flag as written, its name, and what follows it; None if the text begins with the task."""
    word, rest = _split(text)
    name = _flag(word)
    after = rest
    while name is None and _is_dashes(word):  # dashes by themselves, as phones set them
        word, after = _split(after)
        if _name(word) == _PRIVATE:
            return word, _PRIVATE, after
    return None if name is None else (word, name, rest)


def _without_last(text: str) -> tuple[str, bool]:
    """Return the text without a `--private` at its end, and whether there was one."""
    words = text.split()
    if not words or _flag(words[-1]) != _PRIVATE:
        return text, False
    return text.rstrip().removesuffix(words[-1]).rstrip(), True


def _nearly_private(task: str) -> UnclearFlag | None:
    """Return the first word of a task that may have been meant as `--private`."""
    words = task.split()
    unclear = next((word for word in words if (name := _flag(word)) and _is_nearly_private(name)), None)
    return UnclearFlag(unclear) if unclear else _loosely_last(words)


def _loosely_last(words: list[str]) -> UnclearFlag | None:
    """Return the end of a task if it is `private` after a dash, apart or glued on: `my pay \u2014 private`.

    A single hyphen belongs to the word: `semi-private`.
    """
    last, before = visible(words[-1]) if words else "", words[-2] if words[1:] else ""
    if _name(last) == _PRIVATE and _is_dashes(before):
        return UnclearFlag(f"{before} {last}")
    head, found, tail = last.casefold().rpartition(_PRIVATE)
    dashes = head[len(head.rstrip("".join(filter(_is_dash, head)))) :]
    is_glued = bool(found) and dashes not in {"", "-", "\u2010", "\u2011"} and not any(map(str.isalnum, tail))
    return UnclearFlag(words[-1]) if is_glued else None


def _flag(word: str) -> str | None:
    """Return the name of a word that is dashes and letters, without quotes or emphasis around it; None for any other.

    Before the letters of `private` anything goes that has a dash in it: `*--*private`.
    """
    seen = visible(word)
    start = next((at for at, char in enumerate(seen) if char.isalnum() and not _is_dash(char)), len(seen))
    before, name = seen[:start].lstrip(_QUOTES), _name(seen[start:])
    if not any(map(_is_dash, before)) or not seen[start : start + 1].isalpha():
        return None
    # Other letters after a mixed prefix are ordinary text, such as a list item.
    return name if _is_dashes(before) or _is_nearly_private(name) else None


def _is_dashes(word: str) -> bool:
    """Tell whether a word is nothing but dashes."""
    return bool(visible(word)) and all(map(_is_dash, visible(word)))


def _is_dash(char: str) -> bool:
    return unicodedata.category(char) == "Pd" or char in _MINUS


def _is_nearly_private(name: str) -> bool:
    return name.startswith("priv") or difflib.SequenceMatcher(None, name[:_COMPARED_MAX], _PRIVATE).ratio() >= _NEARLY


def _value(name: str, rest: str) -> tuple[str | None, str]:
    """Return a flag's value, after `=` or as the next word, and the text that follows."""
    _, equals, value = name.partition("=")
    if equals:
        return value or None, rest
    word, after = _split(rest)
    return word or None, after


def _name(word: str) -> str:
    """Return a flag's name for comparison: case folded, in compatibility form, without punctuation around it."""
    # Keyboards of some scripts type full-width letters.
    plain = unicodedata.normalize("NFKC", visible(word)).casefold()
    return plain.strip("".join(char for char in plain if not char.isalnum()))


def _split(text: str) -> tuple[str, str]:
    word, *rest = text.split(maxsplit=1) or [""]
    return word, rest[0].strip() if rest else ""
