"""Decides whether two services could be confused by their titles; pure.

People choose by its title where their data goes. So no two may look alike, and none may mix letters of two scripts,
which is how names are imitated (Unicode TR 39 §5).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

_LIKE = {
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d": "aeopcyxijshdqw",
    "\u043a\u043c\u043d\u0442\u0432\u0433\u043f\u0438": "kmhtbrnu",
    "\u03b1\u03b5\u03bf\u03c1\u03c5\u03c7\u03b9\u03bd\u03ba\u03c4": "aeopyxivkt",
    "\u03b7\u03bc\u03b2\u03b6\u0131\u0261\u0251\u01c0\u0578\u057d\u0585": "nubzigalnuo",
    "0135|$@": "oleslsa",
}
"""Letters and signs that look like Latin letters, after `casefold`: the part of Unicode TR 39 §4 that titles use."""
_LOOKALIKES = {ord(one): like for many, alike in _LIKE.items() for one, like in zip(many, alike, strict=True)}
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
"""The scripts that share look-alike letters."""


def find_title_problem(title: str, others: Mapping[str, str]) -> str | None:
    """Return why a title cannot stand beside those of the other services (name → title); None if it can."""
    if has_mixed_scripts(title):
        return "write it in letters of one script: these imitate each other"
    if like := find_lookalike(title, others):
        return f"the service {like} has a title or name that looks like this one"
    return None


def find_lookalike(title: str, others: Mapping[str, str]) -> str | None:
    """Return the name of the service whose title or name looks like this title; `others` is name → title."""
    # Names count too: an error or a command shows the name where there is no title.
    wanted = build_skeleton(title)
    return next((name for name, its in others.items() if wanted in (build_skeleton(its), build_skeleton(name))), None)


def build_skeleton(title: str) -> str:
    """Return the same text for titles that look alike: no case, marks, blanks or signs, look-alikes as Latin."""
    decomposed = unicodedata.normalize("NFKD", title).casefold().translate(_LOOKALIKES)
    letters = "".join(char for char in decomposed if char.isalnum())
    # `i`, `l` and `1` are one stroke in many fonts, and `rn` reads as `m`. A title of signs only is left as it is,
    # or all of those would look alike.
    return letters.replace("i", "l").replace("rn", "m").replace("vv", "w") or title.strip()


def has_mixed_scripts(title: str) -> bool:
    """Say whether the title has letters of two scripts that share look-alikes."""
    names = {unicodedata.name(char, "").partition(" ")[0] for char in title if char.isalpha()}
    return len(names & set(_SCRIPTS)) > 1
