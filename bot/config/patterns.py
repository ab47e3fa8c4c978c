"""Patterns that admins write, as RE2: matching takes time linear in the text; pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import re2
from pydantic import AfterValidator, StringConstraints

from bot.model.slack_text import encodable
from bot.model.visible_text import is_one_line

LONGEST = 300
"""Characters; as many as a line of a form holds."""
_MEMORY = 1 << 20
"""Bytes that one pattern may take; `a{1000}{1000}` is refused instead of filling the machine."""


class CompiledPattern:
    """A pattern made ready. Raises ValueError in words for an admin."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        try:
            self._ready = re2.compile(pattern, options)
        except re2.error as error:
            raise ValueError("is not an expression that RE2 reads (github.com/google/re2/wiki/Syntax)") from error

    def is_in(self, text: str) -> bool:
        """Tell whether a text has it in it."""
        return self._ready.search(encodable(text)) is not None

    def replaced(self, text: str, by: str) -> str:
        """Return the text with these words in place of each match; a text without one as it is."""
        return str(self._ready.sub(by.replace("\\", r"\\"), encodable(text))) if self.is_in(text) else text


@lru_cache(maxsize=256)
def compiled(pattern: str) -> CompiledPattern:
    """Return a pattern made ready, made once. Raises ValueError."""
    return CompiledPattern(pattern)


def _checked(pattern: str) -> str:
    if not is_one_line(pattern):
        raise ValueError("must be one line of characters that people see")
    if compiled(pattern).is_in(""):
        raise ValueError("would be found everywhere: it is content with nothing")
    return pattern


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST), AfterValidator(_checked)]
"""An RE2 expression that matches something."""
