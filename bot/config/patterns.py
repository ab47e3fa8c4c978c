"""Patterns that admins write, matched by RE2, in time linear in the text; pure.

Python's own `re` would let one pattern and one hostile text hold up the process for hours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import re2
from pydantic import AfterValidator, StringConstraints

from bot.model.slack_text import encodable
from bot.model.visible_text import is_one_line

LONGEST = 300
"""Characters, as many as a line of a form takes."""
# Bytes that one compiled pattern may take: `a{1000}{1000}` is refused instead of filling the memory.
_MEMORY = 1 << 20
# Patterns that stay compiled.
_READY_MAX = 256


class CompiledPattern:
    """A compiled pattern. Raises ValueError, in words for an admin."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        # RE2 would print an admin's pattern to stderr.
        options.log_errors = False
        options.max_mem = _MEMORY
        try:
            self._ready = re2.compile(pattern, options)
        except re2.error as error:
            raise ValueError("is not an expression that RE2 understands (github.com/google/re2/wiki/Syntax)") from error

    def is_in(self, text: str) -> bool:
        """Tell whether the pattern is found in a text."""
        return self._ready.search(encodable(text)) is not None

    def replaced(self, text: str, by: str) -> str:
        """Return the text with `by`, taken literally, in place of each match."""
        # A backslash in the replacement would refer to a group.
        return str(self._ready.sub(by.replace("\\", r"\\"), encodable(text))) if self.is_in(text) else text


@lru_cache(maxsize=_READY_MAX)
def compiled(pattern: str) -> CompiledPattern:
    """Return a compiled pattern, from a cache. Raises ValueError."""
    return CompiledPattern(pattern)


def _checked(pattern: str) -> str:
    if not is_one_line(pattern):
        raise ValueError("must be one line of visible characters")
    # A pattern such as `x*` matches everywhere, and would mask every line.
    if compiled(pattern).is_in(""):
        raise ValueError("would match everywhere, since it matches an empty text")
    return pattern


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST), AfterValidator(_checked)]
"""An RE2 expression that does not match the empty text."""
