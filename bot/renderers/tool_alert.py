"""The alert about tools that changed since an admin trusted them: the exact difference, and one button."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from bot.model import action_ids
from bot.model.notices import ToolChange, ToolsChanged
from bot.model.visible_text import one_line
from bot.renderers.block_kit import Block, Message, button, confirm, context, message, preformatted, section
from bot.renderers.block_kit import actions as row
from bot.renderers.safe_markdown import escape, revealed
from bot.renderers.slack_limits import pieces
from bot.renderers.text_lengths import DETAIL_MAX, HEADING_MAX, NAME_MAX, SERVICE_MAX
from bot.renderers.tool_names import plural, service_title

# Characters of descriptions and arguments in one alert, for “before” and “now” each. Admins read these in full because
# the model does: a description can carry instructions.
_TEXTS_MAX = 9_600
_PIECE = 2_900
_TOOL_MAX = 128
# A changed description up to this long is shown whole; of a longer one only what differs.
_WHOLE = 400
# Characters of context before and after a difference.
_AROUND = 120


def render_tools_changed(notice: ToolsChanged, titles: Mapping[str, str]) -> Message:
    """Return the alert, or its record once nothing is left to accept."""
    name = service_title(notice.service, titles)
    by = f" by <@{escape(notice.accepted_by)}>" if notice.accepted_by else ""
    if not notice.changes and not notice.unseen:
        end = "are accepted" if by else "are again as they were accepted"
        return message(f"The tools of {name} {end}.", section(f"The tools of {escape(name)} {end}{by}."))
    if not notice.changes:
        return _unseen(notice, name)
    count = len(notice.changes) + notice.more
    head = f"{name} has {plural(count, 'tool')} that nobody has accepted"
    why = "Until you accept them, I ask before each use, whatever your rules allow."
    blocks = [section(f"*{escape(head)}*\n{why}")]
    # All changes share one message, so each gets an equal part of its room.
    texts = len(notice.changes) * (2 if any(change.schema for change in notice.changes) else 1)
    for change in notice.changes:
        blocks += _difference(change, _TEXTS_MAX // texts)
    if notice.more:
        blocks.append(context(f"{notice.more} more are shown once these are accepted"))
    blocks.append(row(_accept(notice, name)))
    return message(f"{head}. {why}", *blocks)


def _unseen(notice: ToolsChanged, name: str) -> Message:
    """Return the alert about tools that may have changed unseen: nobody has been connected to list them for a week."""
    count = len(notice.unseen) + notice.more
    head = f"Nobody has connected {name} for a week, so I don't know what {plural(count, 'tool')} do now"
    why = "Until somebody connects it again, or you accept them as they were, I ask before each use."
    names = ", ".join(f"`{escape(one_line(revealed(tool), NAME_MAX))}`" for tool in notice.unseen)
    again = button(f"Connect {one_line(name, SERVICE_MAX)} Again", action_ids.CONNECT, notice.service)
    return message(
        f"{head}. {why}",
        section(f"*{escape(head)}*\n{why}"),
        section(one_line(names, _PIECE)),
        *([context(f"{notice.more} more")] if notice.more else []),
        row(again, _accept(notice, name)),
    )


def _difference(change: ToolChange, limit: int) -> list[Block]:
    name, after = escape(one_line(revealed(change.name), _TOOL_MAX)), _words(change.after)
    if change.before is None:
        return [section(f"*{name}* · new"), *_boxes(after, limit), *_facts(change, _left_out(limit, after))]
    others = [*_title(change), *_arguments(change, limit)]
    if change.before == change.after:
        cut = "" if others or change.hints else "it differs after what I keep of its description"
        return [section(f"*{name}* · changed, its description is the same"), *others, *_facts(change, cut)]
    was, now = _excerpts(_words(change.before), after)
    # A box each, so that neither text can pass for the other.
    before = [section(f"*{name}* · changed. Before:"), *_boxes(was, limit)]
    same = "" if now == after else "the words before and after are the same"
    facts = _facts(change, same, _left_out(limit, was, now))
    return [*before, section("Now:"), *_boxes(now, limit), *others, *facts]


def _title(change: ToolChange) -> list[Block]:
    if change.title is None:
        return []
    was, now = (escape(one_line(revealed(title), DETAIL_MAX)) or "(none)" for title in change.title)
    return [section(f"Its title was “{was}”, and is “{now}” now.")]


def _arguments(change: ToolChange, limit: int) -> list[Block]:
    """Return a tool's arguments, before and now: the model reads their descriptions too."""
    if change.schema is None:
        return []
    before, after = (_words(text or "") for text in change.schema)
    if change.schema[0] is None:
        return [section("What it takes now; what it took before was not kept:"), *_boxes(after, limit)]
    if before == after:
        return [section("It takes other arguments, after what I keep of them.")]
    was, now = _excerpts(before, after)
    left_out = _left_out(limit, was, now)
    return [
        section("What it took before:"),
        *_boxes(was, limit),
        section("What it takes now:" + (f" ({left_out})" if left_out else "")),
        *_boxes(now, limit),
    ]


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Return the parts where two texts differ, with some context; short texts whole."""
    if max(len(before), len(after)) <= _WHOLE:
        return before, after
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    return _cut_out(before, head, tail), _cut_out(after, head, tail)


def _alike(one: str, other: str) -> int:
    """Return the length of the common prefix."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _cut_out(text: str, head: int, tail: int) -> str:
    start, end = max(0, head - _AROUND), min(len(text), len(text) - tail + _AROUND)
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _boxes(text: str, limit: int) -> list[Block]:
    return [preformatted(piece) for piece in pieces(text[:limit], _PIECE)]


def _left_out(limit: int, *texts: str) -> str:
    """Return how much was left out, in words; empty if nothing was."""
    count = sum(max(0, len(text) - limit) for text in texts)
    return f"{count:,} characters more, not shown" if count else ""


def _facts(change: ToolChange, *more: str) -> list[Block]:
    facts = [fact for hint in change.hints if (fact := escape(one_line(hint, HEADING_MAX)))]
    facts += [fact for fact in more if fact]
    return [context(*facts)] if facts else []


def _words(description: str) -> str:
    return revealed(description).strip() or "(no description)"


def _accept(notice: ToolsChanged, name: str) -> Block:
    count = len(notice.changes) or len(notice.unseen)
    question = confirm(
        f"Accept {plural(count, 'tool')} of {name}?",
        "From now on your rules decide about them again, as they are shown here.",
        "Accept",
        "Cancel",
    )
    value = f"{notice.service}:{notice.digest}"
    text = f"Accept {plural(count, 'Tool')}"
    return button(text, action_ids.ACCEPT_TOOLS, value, style="primary", label=f"{text} of {name}", confirm=question)
