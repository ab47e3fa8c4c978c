"""The alert about tools that are not what they were trusted as: the difference, literally, and one button."""

from __future__ import annotations

from collections.abc import Mapping

from bot import actions
from bot.notices import ToolChange, ToolsChanged
from bot.renderers.blocks import Block, Message, button, confirm, context, message, preformatted, section
from bot.renderers.blocks import actions as row
from bot.renderers.limits import shorten
from bot.renderers.markdown import escape, one_line, revealed
from bot.renderers.wording import plural, service_title

_DESCRIPTION_MAX = 1_200
"""A description is what the model obeys: enough of it to judge, in a box of its own."""


def render_tools_changed(notice: ToolsChanged, titles: Mapping[str, str]) -> Message:
    """Return the alert, or its record once nothing is left to accept."""
    name = service_title(notice.service, titles)
    by = f" by <@{escape(notice.accepted_by)}>" if notice.accepted_by else ""
    if not notice.changes:
        words = f"The tools of {escape(name)} are accepted{by}."
        return message(f"The tools of {name} are accepted.", section(words))
    count = len(notice.changes) + notice.more
    head = f"{name} has {plural(count, 'tool')} that nobody has accepted"
    why = "Until you accept them, I ask before each use, whatever your rules allow."
    blocks = [section(f"*{escape(head)}*\n{why}")]
    for change in notice.changes:
        blocks += _difference(change)
    if notice.more:
        blocks.append(context(f"{notice.more} more are shown once these are accepted"))
    blocks.append(row(_accept(notice, name)))
    return message(f"{head}. {why}", *blocks)


def _difference(change: ToolChange) -> list[Block]:
    name = escape(one_line(revealed(change.name), 128))
    if change.before is None:
        return [section(f"*{name}* · new"), preformatted(_words(change.after)), *_facts(change)]
    if change.before == change.after:
        return [section(f"*{name}* · changed, its words are the same"), *_facts(change)]
    # A box each: neither text can pass for the other.
    before = [section(f"*{name}* · changed. Before:"), preformatted(_words(change.before))]
    return [*before, section("Now:"), preformatted(_words(change.after)), *_facts(change)]


def _facts(change: ToolChange) -> list[Block]:
    facts = [fact for hint in change.hints if (fact := escape(one_line(hint, 80)))]
    if change.is_schema_changed:
        facts.insert(0, "takes other arguments")
    return [context(*facts)] if facts else []


def _words(description: str) -> str:
    return shorten(revealed(description).strip(), _DESCRIPTION_MAX) or "(no description)"


def _accept(notice: ToolsChanged, name: str) -> Block:
    count = len(notice.changes)
    question = confirm(
        f"Accept {plural(count, 'tool')} of {name}?",
        "From now on your rules decide about them again, as they are shown here.",
        "Accept",
        "Cancel",
    )
    value = f"{notice.service}:{notice.digest}"
    text = f"Accept {plural(count, 'Tool')}"
    return button(text, actions.ACCEPT_TOOLS, value, style="primary", label=f"{text} of {name}", confirm=question)
