"""The two kinds of refusal: the Web API's to the bot, and the Slack client's to a person."""

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
