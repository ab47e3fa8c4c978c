"""Text as people see it: without characters that nobody sees, in any script, in one line, not too long; pure."""

from __future__ import annotations

import re

# Scripts whose letters join, where joiners are part of the spelling (RFC 5892, appendix A.1 and A.2).
_JOINING = (
    "\u0600-\u07ff\u0840-\u109f\u1780-\u18af\u1900-\u1aaf\u1b00-\u1c4f\ua840-\ua87f\ua880-\ua8ff\ua980-\ua9df\uaa60-\uaa7f"
    "\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010fff\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
# Scripts written from right to left, next to which direction marks order brackets and digits.
_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
# Emoji, and characters that become one with a variation selector (UTS 51).
_PICTURE = "\u00a9\u00ae\u203c-\u2bff\u3030-\u3299\U0001f000-\U0001faff"
_CJK = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u202a-\u202e"
    "\u2028\u2029\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    f"|\u200c(?:(?<![{_JOINING}]\u200c)|(?![{_JOINING}]))"
    f"|\u200d(?:(?<![{_JOINING}]\u200d)|(?![{_JOINING}]))"
    f"(?:(?<![\ufe0f{_PICTURE}]\u200d)|(?![{_PICTURE}]))"
    f"|[\u061c\u200e\u200f](?<![{_RIGHT_TO_LEFT}].)(?![{_RIGHT_TO_LEFT}])"
    f"|[\ufe00-\ufe0f](?<![{_PICTURE}{_CJK}].)(?!(?<=[0-9#*].)\u20e3)|[\U000e0100-\U000e01ef](?<![{_CJK}].)"
)
"""Control, bidirectional and invisible characters. Joiners, direction marks and variation selectors are not among them
where a script needs them."""


def visible(text: str) -> str:
    """Return `text` without control, bidirectional and invisible characters."""
    return UNSEEN.sub("", text)


def one_line(text: str, limit: int | None = None) -> str:
    """Return `text` as one visible line, of at most `limit` characters.

    White space, whatever separates lines or paragraphs included, becomes one space between words.
    """
    line = " ".join(visible(" ".join(text.split())).split())
    return line if limit is None else shorten(line, limit)


def shorten(text: str, limit: int) -> str:
    """Return `text` in at most `limit` characters, the last one an ellipsis if something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def is_one_line(text: str) -> bool:
    """Tell whether a text is one line in which people see every character."""
    return visible(text) == text and not {"\t", "\n"} & set(text)
