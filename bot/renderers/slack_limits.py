"""Slack's length limits in one place, and functions that keep to them.

Numbers are Slack's (docs/reference/slack.md#block-limits and #stream-chunks) unless said otherwise.
"""

from __future__ import annotations

MESSAGE_BYTES_MAX = 9_000
"""Ours: the bytes of one message of an answer, as Slack counts them, with a sixth to spare.

Slack documents no total for a stream, but refuses one with text from 10,600 to 11,300 bytes on; details and outputs
of tasks count twice in that (measured by others, docs/decisions/0026)."""
MESSAGE_BYTES_LEAST = 2_000
"""Ours: a message that Slack calls too long is tried again smaller, in steps, down to this many bytes."""
TEXT_BYTES_LEAST = 1_200
"""Ours: least bytes of text in a follow-up message, enough for the fence or table head that it repeats."""
PLAN_BYTES_MAX = 5_500
"""Ours: bytes of all tasks in one message, so that an answer fits below them."""
PLAN_TITLE_BYTES = 300
"""Ours: bytes kept free for a plan's title, which changes while the turn runs."""
FOLDED_BYTES = 160
"""Ours: bytes kept free for the line that stands for tasks that do not fit."""
TASK_FIELD_MAX = 256
PLAN_TITLE_MAX = 256
PLAN_TASKS_MAX = 45
"""Ours: Slack takes 50 in a plan."""
HEADER_MAX = 150
BUTTON_TEXT_MAX = 75
BUTTON_VALUE_MAX = 2_000
ACCESSIBILITY_LABEL_MAX = 75
OPTION_TEXT_MAX = 75
OPTIONS_MAX = 100
SECTION_TEXT_MAX = 3_000
CONTEXT_TEXT_MAX = 2_000
PREFORMATTED_MAX = 3_000
MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
VIEW_TITLE_MAX = 24
FALLBACK_TEXT_MAX = 3_000
"""Ours: `chat.update` refuses more than 4,000."""
INPUT_MAX = 3_000
SESSION_TITLE_MAX = 200
CONFIRM_TITLE_MAX = 100
CONFIRM_TEXT_MAX = 300
CONFIRM_BUTTON_MAX = 30
LABEL_MAX = 200
"""Ours: an input's label; Slack takes 2,000."""
PLACEHOLDER_MAX = 150
ALERT_TEXT_MAX = 200
OVERFLOW_OPTIONS_MAX = 5
OPTION_VALUE_MAX = 150

# Where text may be split, best first.
_BREAKS = ("\n\n", "\n", ". ", " ")


def size(text: str) -> int:
    """Return the bytes of `text` in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def good_break(text: str, limit: int, *, at_least: int = 0) -> int:
    """Return where to split `text`: at the best place in the second half of `limit`, never before `at_least`."""
    if len(text) <= limit:
        return len(text)
    # Not in the first half: a message with two lines, then a full one, looks like a mistake.
    floor = max(at_least, limit // 2)
    for separator in _BREAKS:
        found = text.rfind(separator, floor, limit)
        if found >= 0:
            return found + len(separator)
    return max(limit, at_least)


def pieces(text: str, size: int) -> list[str]:
    """Return `text` cut into pieces of at most `size` characters, none of it missing."""
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
