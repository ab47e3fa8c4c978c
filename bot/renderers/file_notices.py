"""The words for files that were left out, on the way to the agent or back, and why."""

from __future__ import annotations

from collections.abc import Mapping

from bot.model.notices import FilesLeftOut, WhyLeftOut
from bot.model.visible_text import one_line
from bot.renderers.block_kit import Message, context, message, section
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import NAME_MAX

MOST_NAMED = 5
"""How many items of a list are named; the others are counted."""


def render_files_left_out(notice: FilesLeftOut, _titles: Mapping[str, str]) -> Message:
    """Return which files are missing and, where something helps, what."""
    words = "Some files your agent made aren't here." if notice.is_output else "Your agent didn't get every file."
    why = _WHY_LEFT_OUT | _WHY_NOT_HERE if notice.is_output else _WHY_LEFT_OUT
    lines = [f"{quote_file_name(file.name)}: {why[file.why]}" for file in notice.files[:MOST_NAMED]]
    more = len(notice.files) - len(lines)
    lines += [f"and {more} more"] if more else []
    return message(f"{words} {lines[0]}", section(words), context(escape(" · ".join(lines))))


def quote_file_name(name: str) -> str:
    """Return the name in quotes, or `The files` if it is not known."""
    return f"“{one_line(name, NAME_MAX)}”" if name else "The files"


_WHY_LEFT_OUT = {
    WhyLeftOut.NOT_A_FILE: "a link or document of another kind, not a file I can take; export it and attach that",
    WhyLeftOut.TOO_LARGE: "larger than 30 MB; a smaller part of it will do",
    WhyLeftOut.OVER_LIMIT: "larger than is accepted; a smaller part of it will do",
    WhyLeftOut.TOO_WIDE: "an image wider or higher than 8,000 pixels; scale it down",
    WhyLeftOut.TOO_MANY: "I take ten at once; send it in the next message, or ask for it by name",
    WhyLeftOut.EMPTY: "it is empty",
    WhyLeftOut.REFUSED: "it isn't accepted as it is; another name or format may do",
    WhyLeftOut.WITHHELD: "I'm not allowed to bring it; write what matters of it here",
    WhyLeftOut.NO_ROOM: "Claude has no room for more files; whoever runs me can make some",
    WhyLeftOut.UNREADABLE: "it couldn't be fetched just now; try again",
    WhyLeftOut.HIDDEN: "Slack doesn't show it any more on this workspace's plan; attach it again",
    WhyLeftOut.GONE: "it is no longer in Slack; attach it again if it matters",
}
# For files that the agent made these words replace those above.
_WHY_NOT_HERE = {
    WhyLeftOut.WITHHELD: "I'm not allowed to bring it here; ask for it as text",
    WhyLeftOut.UNREADABLE: "it couldn't be brought just now; ask for it again",
    WhyLeftOut.GONE: "it is no longer there; ask for it again if it matters",
}
