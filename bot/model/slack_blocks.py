"""Block Kit as people read it, in Slack's mrkdwn, so that blocks and texts are read the same way. Pure.

Buttons, menus and dividers add no text. Slack adds block types now and then, so an unknown one is no error: it makes
the result incomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.model.slack_text import escape

Node = Mapping[str, Any]
# Slack's own blocks nest a few levels. Other apps' payloads are foreign input, so the recursion needs an end.
_DEEPEST = 16
_SILENT = frozenset(
    {
        "actions",
        "button",
        "channels_select",
        "checkboxes",
        "context_actions",
        "conversations_select",
        "datepicker",
        "datetimepicker",
        "divider",
        "external_select",
        "feedback_buttons",
        "icon_button",
        "multi_static_select",
        "overflow",
        "radio_buttons",
        "static_select",
        "timepicker",
        "users_select",
        "workflow_button",
    }
)
_KNOWN = frozenset(
    {
        "alert",
        "card",
        "carousel",
        "container",
        "context",
        "file",
        "header",
        "input",
        "plan",
        "rich_text",
        "section",
        "task_card",
        "video",
    }
)
# The parts of a block that people read, in reading order.
_SHOWN = (
    "title",
    "rich_text_title",
    "subtitle",
    "label",
    "text",
    "fields",
    "body",
    "description",
    "details",
    "output",
    "elements",
    "child_blocks",
    "tasks",
    "sources",
)


def read_blocks(blocks: object) -> tuple[str, bool]:
    """Return the blocks' words in Slack's markup, and whether all blocks could be read."""
    lines = list(_lines(blocks, 0))
    return "\n".join(line for line in lines if line), None not in lines


def _lines(node: object, depth: int) -> Iterator[str | None]:
    """Yield lines in reading order; None stands for a block that this version cannot read."""
    if depth > _DEEPEST:
        yield None
    elif isinstance(node, list):
        for one in node:
            yield from _lines(one, depth + 1)
    elif isinstance(node, Mapping):
        yield from _block(node, depth)


def _block(node: Node, depth: int) -> Iterator[str | None]:
    kind = node.get("type")
    kind = kind if isinstance(kind, str) else ""
    if kind in _SILENT:
        return
    # Before the generic walk: these have a form of their own.
    if read := _LEAVES.get(kind):
        yield from read(node)
        return
    # Tasks of a plan, and rows of other things, are without a type of their own.
    if kind and kind not in _KNOWN:
        yield None
    for name in _SHOWN:
        value = node.get(name)
        if isinstance(value, str):
            yield escape(value)
        else:
            yield from _lines(value, depth + 1)


def _markup(node: Node) -> Iterator[str | None]:
    yield word(node, "text")


def _literal(node: Node) -> Iterator[str | None]:
    yield escape(word(node, "text"))


def _image(node: Node) -> Iterator[str | None]:
    title = node.get("title")
    words = word(title, "text") if isinstance(title, Mapping) else ""
    words = words or word(node, "alt_text")
    yield f"[image: {escape(words)}]" if words else "[image]"


def _table(node: Node) -> Iterator[str | None]:
    """Yield a line for each row, cells between bars."""
    if caption := word(node, "caption"):
        yield escape(caption)
    rows = node.get("rows")
    for row in rows if isinstance(rows, list) else []:
        cells = row if isinstance(row, list) else row.get("cells") if isinstance(row, Mapping) else []
        words = [" ".join(line or "" for line in _lines(cell, 0)) for cell in cells or []]
        yield " | ".join(" ".join(cell.split()) for cell in words)


def _rich_section(node: Node) -> Iterator[str | None]:
    yield from _joined(node)


def _rich_list(node: Node) -> Iterator[str | None]:
    elements = node.get("elements")
    indent = "  " * _count(node, "indent")
    for number, element in enumerate(elements if isinstance(elements, list) else [], 1 + _count(node, "offset")):
        mark = f"{number}." if node.get("style") == "ordered" else "•"
        words = list(_lines(element, 0))
        yield f"{indent}{mark} " + "\n".join(line for line in words if line)
        yield from (None for line in words if line is None)


def _rich_quote(node: Node) -> Iterator[str | None]:
    for line in _joined(node):
        yield None if line is None else "\n".join(f"&gt; {part}" for part in line.split("\n"))


def _rich_code(node: Node) -> Iterator[str | None]:
    for line in _joined(node):
        yield None if line is None else f"```\n{line}\n```"


def _joined(node: Node) -> Iterator[str | None]:
    """Yield the runs of one paragraph as one line, then None for each run of an unknown type."""
    elements = node.get("elements")
    runs = [_run(run) for run in elements if isinstance(run, Mapping)] if isinstance(elements, list) else []
    yield "".join(run for run in runs if run is not None).strip("\n")
    # Reported after the words, so that the text comes along and nothing that could be read is lost.
    yield from (None for run in runs if run is None)


def _run(run: Node) -> str | None:
    kind = run.get("type")
    read = _RUNS.get(kind) if isinstance(kind, str) else None
    if read is None:
        return escape(word(run, "text") or word(run, "fallback")) or None
    words, style = read(run), run.get("style")
    style = style if isinstance(style, Mapping) else {}
    if style.get("code") and kind in {"text", "link"}:
        words = f"`{words}`"
    # Struck-through words mean something else than the same words without; bold and italic change nothing.
    return f"~{words}~" if style.get("strike") else words


def _link(run: Node) -> str:
    url, words = word(run, "url"), word(run, "text") or word(run, "fallback")
    for sign in "<>|":
        # These would end the token in Slack's markup.
        url = url.replace(sign, f"%{ord(sign):02X}")
    url = url.replace("&", "&amp;")
    return f"<{url}|{escape(words)}>" if words else f"<{url}>"


def _date(run: Node) -> str:
    return escape(word(run, "fallback") or str(_count(run, "timestamp") or ""))


def word(node: Node, name: str) -> str:
    """Return the string in a field of Slack's JSON; empty if it is missing or of another type."""
    value = node.get(name)
    return value if isinstance(value, str) else ""


def _token(before: str, name: str) -> Callable[[Node], str]:
    def read(run: Node) -> str:
        # An id has none of these; foreign JSON may.
        value = "".join(char for char in word(run, name) if char not in "<>|&")
        return f"<{before}{value}>" if value else ""

    return read


def _count(node: Node, name: str) -> int:
    value = node.get(name)
    return value if isinstance(value, int) and value > 0 else 0


_LEAVES: dict[str, Callable[[Node], Iterator[str | None]]] = {
    "mrkdwn": _markup,
    "plain_text": _literal,
    "raw_text": _literal,
    "raw_number": lambda node: iter((escape(str(node.get("text") or node.get("value") or "")),)),
    # Standard markdown is not escaped as Slack's own markup is.
    "markdown": _literal,
    "image": _image,
    "table": _table,
    "data_table": _table,
    "url": lambda node: iter((_link(node),)),
    "rich_text_section": _rich_section,
    "rich_text_list": _rich_list,
    "rich_text_quote": _rich_quote,
    "rich_text_preformatted": _rich_code,
}
_RUNS: dict[str, Callable[[Node], str]] = {
    "text": lambda run: escape(word(run, "text")),
    "user": _token("@", "user_id"),
    "channel": _token("#", "channel_id"),
    "usergroup": _token("!subteam^", "usergroup_id"),
    "broadcast": _token("!", "range"),
    "link": _link,
    "emoji": lambda run: f":{escape(word(run, 'name'))}:",
    "date": _date,
    "color": lambda run: escape(word(run, "value")),
    "team": lambda run: escape(word(run, "team_id")),
}
