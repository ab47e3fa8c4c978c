"""The flags of an `ask`: what is one, what nearly is, and what is the task; pure.

Phones turn `--` into a dash, people forget one, and put flags last. What is nearly `--private` never makes a request
public: it is taken as the flag where that is plain, or refused with the words given back.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass

from bot.text import visible

_DASHES = "-\u058a\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
"""What keyboards, phones and spell checkers write where somebody typed a hyphen."""
_QUOTES = "\"'`*_([{\u201c\u201d\u2018\u2019\u00ab\u00bb"
_FLAG = re.compile(rf"[{_QUOTES}]*[{_DASHES}]+(?P<name>[^\W\d_]\S*)")
_ONLY_DASHES = re.compile(rf"[{_DASHES}]+")
_PRIVATE = "private"
_NEARLY = 0.7
"""How alike a word must be to be meant as `private` (`difflib`): `privat`, `prvate`, `privately` are."""


@dataclass(frozen=True, slots=True)
class AskWords:
    """What is asked of the agent, who may read it, and of which agent; no task opens the form."""

    task: str
    is_private: bool = False
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class UnclearFlag:
    """A word that nobody can be sure of: whether it was meant as a flag, or which."""

    word: str


def parse_ask(text: str) -> AskWords | UnclearFlag:
    """Return what an `ask` says; flags stand before the task, `--private` after it too."""
    is_private, profile, rest = False, None, text.strip()
    while found := _leading(rest):
        name, rest = found
        if name == _PRIVATE:
            is_private = True
        elif name == "agent" or name.startswith("agent="):
            profile, rest = _value(name, rest)
        else:
            return UnclearFlag(text.split(maxsplit=1)[0])
    task, said_last = _without_last(rest)
    unclear = None if is_private or said_last else _nearly_private(task)
    return unclear or AskWords(task, is_private or said_last, profile)


def _leading(text: str) -> tuple[str, str] | None:
    """Return the first flag's name and what follows it; None if the text begins with the task."""
    word, rest = _split(text)
    if _ONLY_DASHES.fullmatch(visible(word)) and _name(_split(rest)[0]) == _PRIVATE:
        return _PRIVATE, _split(rest)[1]
    found = _FLAG.match(visible(word))
    return (_name(found["name"]), rest) if found else None


def _without_last(text: str) -> tuple[str, bool]:
    """Return the text without a `--private` at its end, and whether there was one."""
    words = text.split()
    found = _FLAG.match(visible(words[-1])) if words else None
    if not found or _name(found["name"]) != _PRIVATE:
        return text, False
    return text[: len(text.rstrip()) - len(words[-1])].rstrip(), True


def _nearly_private(task: str) -> UnclearFlag | None:
    """Return the first word of a task that may have been meant as `--private`."""
    for word in task.split():
        found = _FLAG.match(visible(word))
        if found and _is_nearly_private(_name(found["name"])):
            return UnclearFlag(word)
    return None


def _is_nearly_private(name: str) -> bool:
    return name.startswith("priv") or difflib.SequenceMatcher(None, name[:20], _PRIVATE).ratio() >= _NEARLY


def _value(name: str, rest: str) -> tuple[str | None, str]:
    """Return what a flag is set to, after `=` or as the next word, and what follows."""
    _, equals, value = name.partition("=")
    if equals:
        return value or None, rest
    word, after = _split(rest)
    return word or None, after


def _name(word: str) -> str:
    """Return a flag's name as it is compared: small, narrow letters, without what was set around it."""
    return unicodedata.normalize("NFKC", word).casefold().strip(f".,:;!?)]}}{_QUOTES}{_DASHES}")


def _split(text: str) -> tuple[str, str]:
    word, *rest = text.split(maxsplit=1) or [""]
    return word, rest[0].strip() if rest else ""
