"""The two ways to say no: Slack's answer to the bot, and the app's window to a person.

Who raises them and when is decided by the modules that check.
"""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """`ok: false` with `code` as `error`; `extra` goes into the answer beside it."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class NotPossible(Exception):
    """The Slack client would not let this person do that (no such button, not a member, …)."""
