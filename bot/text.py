"""Slack's escaped text as people meant it."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")


_SECRET = re.compile(
    r"\b(?i:gh[pousr]_|github_pat_|xox[a-z]-|xapp-|sk[-_]|rk[-_]|pk[-_]|lin_|sntry|ntn_|secret_|eyJ|pat-|bearer )\S{8,}"
    r"|(?=\S*[0-9])(?=\S*[A-Z])(?=\S*[a-z])[\w\-./+=:]{24,}|[0-9a-f]{32,}"
)
"""Beginnings that services give their tokens, and long words that nobody would type by hand."""


def holds_token(text: str) -> bool:
    """Tell whether something in the text looks like a token; better once too often."""
    return _SECRET.search(text) is not None


def encodable(text: str) -> str:
    """Return the text with a `?` for each half of a character, which JSON can carry and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def plain(text: str) -> str:
    """Return the text with tokens as people read them and `&amp; &lt; &gt;` undone, in that order.

    `<@U1|ana>` is `@ana`, `<#C1|general>` is `#general`, `<https://x|label>` is `https://x`
    (slack-platform.md §2.1).
    """
    words = _TOKEN.sub(_readable, text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def without_mention(text: str, bot_user_id: str) -> str:
    """Return the text without Deputy's own mention at its beginning."""
    return re.sub(rf"^\s*<@{re.escape(bot_user_id)}(\|[^>]*)?>[\s,:]*", "", text)


def mentions(text: str, bot_user_id: str) -> bool:
    """Tell whether the text mentions Deputy."""
    return re.search(rf"<@{re.escape(bot_user_id)}(\|[^>]*)?>", text) is not None


def _readable(token: re.Match[str]) -> str:
    sign, target, label = token.groups()
    if sign:
        return ("@" if sign == "!" else sign) + (label or target).lstrip("@#")
    return target
