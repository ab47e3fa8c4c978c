"""Checks blocks as Slack does: types per surface, required fields, limits, unique ids.

After docs/reference/slack.md#block-limits.
Elements are checked in `elements.py`, the view around blocks in `viewkit.py`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from slack_sdk.models.blocks import blocks as sdk

from simulator.slack import elements
from simulator.slack.checking import BOTH, PLAIN, Checker, fields_of
from simulator.slack.errors import SlackError

Node = dict[str, Any]
MESSAGE, MODAL, HOME = "message", "modal", "home"
ONLY_ON = {
    "markdown": {MESSAGE},
    "task_card": {MESSAGE},
    "plan": {MESSAGE},
    "context_actions": {MESSAGE},
    "table": {MESSAGE, HOME},
    "data_table": {MESSAGE, HOME},
    "container": {MESSAGE, HOME},
    "alert": {MODAL},
    "file": {MESSAGE},
}
IN_CONTAINER = {
    "actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "table", "video",
}  # fmt: skip
STATUSES = {"pending", "in_progress", "complete", "error"}
RICH_PARTS = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}

_CLASSES: dict[str, type[Any]] = {
    vars(cls)["type"]: cls
    for cls in vars(sdk).values()
    if isinstance(cls, type) and issubclass(cls, sdk.Block) and isinstance(vars(cls).get("type"), str)
}
_WITHOUT_CLASS = {"data_table": {"type", "block_id", "caption", "rows", "column_settings", "page_size"}}


def parse_blocks(given: Any, surface: str = MESSAGE, most: int = 50, *, error: str = "invalid_blocks") -> list[Node]:
    """Return checked blocks with their ids filled in.

    Raises `invalid_blocks_format` for what is no list of objects, else `error` with `errors`.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise SlackError("invalid_blocks_format") from None
    if not isinstance(given, list) or any(not isinstance(block, dict) for block in given):
        raise SlackError("invalid_blocks_format")
    check = Checker()
    check_blocks(check, given, "/blocks", surface, most)
    if check.errors:
        raise SlackError(
            error,
            errors=check.errors,
            response_metadata={"messages": [f"[ERROR] {message}" for message in check.errors]},
        )
    blocks: list[Node] = json.loads(json.dumps(given))
    _fill_ids(blocks)
    return blocks


def check_blocks(check: Checker, blocks: list[Node], path: str, surface: str, most: int) -> None:
    """Check a list of blocks of one surface, and what holds across them."""
    if len(blocks) > most:
        check.fail(f"no more than {most} items allowed", path)
    for index, block in enumerate(blocks):
        check_block(check, block, f"{path}/{index}", surface)
    ids = [block.get("block_id") for block in blocks if block.get("block_id")]
    for duplicate in {one for one in ids if ids.count(one) > 1}:
        check.fail(f"block_id {duplicate!r} already exists", path)
    if sum(block.get("type") == "table" for block in blocks) > 1:
        check.fail("only_one_table_allowed", path)
    markdown = sum(len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown")
    if markdown > 12_000:
        check.fail("markdown blocks must have less than 12001 characters together", path)


def check_block(check: Checker, block: Node, path: str, surface: str) -> None:
    """Check one block."""
    kind = block.get("type")
    specific = _SPECIFIC.get(kind) if isinstance(kind, str) else None
    if specific is None or not isinstance(kind, str):
        check.fail(f"unsupported type: {kind}", f"{path}/type")
        return
    if surface not in ONLY_ON.get(kind, {surface}):
        check.fail(f"block type {kind} is not supported in this surface: {surface}", path)
    allowed = fields_of(_CLASSES[kind]) if kind in _CLASSES else _WITHOUT_CLASS[kind]
    check.known(block, allowed, path)
    check.string(block, "block_id", path, 255, least=1)
    specific(check, block, path)
    if kind == "container":
        _children(check, block, path, surface)


def _elements(check: Checker, block: Node, path: str, most: int, allowed: set[str], *, name: str = "elements") -> None:
    found = check.items(block, name, path, most)
    for index, element in enumerate(found):
        elements.check_element(check, element, f"{path}/{name}/{index}", allowed)
    ids = [element.get("action_id") for element in found if isinstance(element, dict) and element.get("action_id")]
    for duplicate in {one for one in ids if ids.count(one) > 1}:
        check.fail(f"action_id {duplicate!r} already exists for this block", path)


def _section(check: Checker, block: Node, path: str) -> None:
    if not block.get("text") and not block.get("fields"):
        check.fail("missing required field: text", path)
    check.text(block, "text", path, 3000)
    for index, item in enumerate(check.items(block, "fields", path, 10, required=False)):
        check.text_object(item, f"{path}/fields/{index}", 2000)
    if block.get("accessory") is not None:
        elements.check_element(check, block["accessory"], f"{path}/accessory", elements.IN_SECTION)


def _context(check: Checker, block: Node, path: str) -> None:
    for index, element in enumerate(check.items(block, "elements", path, 10)):
        where = f"{path}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            elements.check_element(check, element, where, {"image"})
        else:
            check.text_object(element, where, 3000)


def _input(check: Checker, block: Node, path: str) -> None:
    check.text(block, "label", path, 2000, kinds=PLAIN, required=True)
    check.text(block, "hint", path, 2000, kinds=PLAIN)
    if block.get("element") is None:
        check.fail("missing required field: element", path)
    else:
        elements.check_element(check, block["element"], f"{path}/element", elements.IN_INPUT)


def _image(check: Checker, block: Node, path: str) -> None:
    if not block.get("image_url") and not block.get("slack_file"):
        check.fail("missing required field: image_url", path)
    check.string(block, "image_url", path, 3000)
    check.string(block, "alt_text", path, 2000, required=True)
    check.text(block, "title", path, 2000, kinds=PLAIN)


def _rich_text(check: Checker, block: Node, path: str) -> None:
    for index, part in enumerate(check.items(block, "elements", path, 10_000, least=0)):
        where = f"{path}/elements/{index}"
        if not isinstance(part, dict) or part.get("type") not in RICH_PARTS:
            check.fail("unsupported type", f"{where}/type")
            continue
        runs = check.items(part, "elements", where, 10_000, least=0)
        for inner, run in enumerate(runs):
            if not isinstance(run, dict) or "type" not in run:
                check.fail("missing required field: type", f"{where}/elements/{inner}")
            elif run["type"] == "text":
                check.string(run, "text", f"{where}/elements/{inner}", 12_000, required=True, least=1)


def _rich_field(check: Checker, node: Node, name: str, path: str) -> None:
    value = node.get(name)
    if value is None:
        return
    if not isinstance(value, dict) or value.get("type") != "rich_text":
        check.fail("must be a rich_text block", f"{path}/{name}")
    else:
        _rich_text(check, value, f"{path}/{name}")


def _task(check: Checker, task: Node, path: str) -> None:
    check.string(task, "task_id", path, 255, required=True, least=1)
    check.string(task, "title", path, 256, required=True, least=1)
    check.choice(task, "status", path, STATUSES, required=True)
    _rich_field(check, task, "details", path)
    _rich_field(check, task, "output", path)
    for index, source in enumerate(check.items(task, "sources", path, 50, required=False)):
        if not isinstance(source, dict) or source.get("type") != "url" or not source.get("url"):
            check.fail("must be a url source", f"{path}/sources/{index}")


def _plan(check: Checker, block: Node, path: str) -> None:
    check.string(block, "title", path, 256, required=True, least=1)
    tasks = check.items(block, "tasks", path, 50, least=0, required=False)
    for index, task in enumerate(tasks):
        where = f"{path}/tasks/{index}"
        if not isinstance(task, dict):
            check.fail("must be an object", where)
            continue
        check.known(task, fields_of(sdk.TaskCardBlock) - {"type"}, where)
        _task(check, task, where)
    ids = [task.get("task_id") for task in tasks if isinstance(task, dict)]
    if len(ids) != len(set(ids)):
        check.fail("task_id must be unique", path)


def _container(check: Checker, block: Node, path: str) -> None:
    if not block.get("title") and not block.get("rich_text_title"):
        check.fail("missing required field: title", path)
    check.text(block, "title", path, 150, kinds=PLAIN)
    check.text(block, "subtitle", path, 150)
    if block.get("default_collapsed") and not block.get("is_collapsible"):
        check.fail("default_collapsed requires is_collapsible", path)


def _children(check: Checker, block: Node, path: str, surface: str) -> None:
    for index, child in enumerate(check.items(block, "child_blocks", path, 10)):
        where = f"{path}/child_blocks/{index}"
        if not isinstance(child, dict) or child.get("type") not in IN_CONTAINER:
            check.fail("unsupported type in container", f"{where}/type")
        else:
            check_block(check, child, where, surface)


def _table(check: Checker, block: Node, path: str) -> None:
    is_data = block.get("type") == "data_table"
    if is_data:
        check.string(block, "caption", path, 2000, required=True, least=1)
    size = 0
    for index, row in enumerate(check.items(block, "rows", path, 200 if is_data else 100)):
        cells = row if isinstance(row, list) else []
        if not 1 <= len(cells) <= 20:
            check.fail("must have between 1 and 20 cells", f"{path}/rows/{index}")
        for cell in cells:
            if not isinstance(cell, dict) or cell.get("type") not in {"raw_text", "raw_number", "rich_text"}:
                check.fail("unsupported cell type", f"{path}/rows/{index}")
        size += _characters(cells)
    if size > 10_000:
        check.fail("table is too large", path)


def _characters(node: Any) -> int:
    """Return how much text is in cells."""
    if isinstance(node, str):
        return len(node)
    if isinstance(node, list):
        return sum(_characters(one) for one in node)
    return _characters(node.get("text", node.get("elements", ""))) if isinstance(node, dict) else 0


def _card(check: Checker, block: Node, path: str) -> None:
    if not any(block.get(name) for name in ("hero_image", "title", "body", "actions")):
        check.fail("missing required field: title", path)
    check.text(block, "title", path, 150)
    check.text(block, "subtitle", path, 150)
    check.text(block, "body", path, 200)
    if block.get("actions") is not None:
        _elements(check, block, path, 3, elements.IN_CARD, name="actions")


def _carousel(check: Checker, block: Node, path: str) -> None:
    for index, card in enumerate(check.items(block, "elements", path, 10)):
        if not isinstance(card, dict) or card.get("type") != "card":
            check.fail("must be a card", f"{path}/elements/{index}")
        else:
            _card(check, card, f"{path}/elements/{index}")


def _alert(check: Checker, block: Node, path: str) -> None:
    check.text(block, "text", path, 200, required=True)
    check.choice(block, "level", path, {"default", "info", "warning", "error", "success"})


def _auth_provider(check: Checker, block: Node, path: str) -> None:
    check.string(block, "value", path, 150, required=True)
    check.text(block, "name", path, 75, required=True)
    check.text(block, "description", path, 150)


_SPECIFIC: dict[str, Callable[[Checker, Node, str], None]] = {
    "section": _section,
    "divider": lambda _check, _block, _path: None,
    "image": _image,
    "actions": lambda check, block, path: _elements(check, block, path, 25, elements.IN_ACTIONS),
    "context": _context,
    "context_actions": lambda check, block, path: _elements(check, block, path, 5, elements.IN_CONTEXT_ACTIONS),
    "input": _input,
    "header": lambda check, block, path: check.text(block, "text", path, 150, kinds=PLAIN, required=True),
    "markdown": lambda check, block, path: check.string(block, "text", path, 12_000, required=True, least=1),
    "rich_text": _rich_text,
    "task_card": _task,
    "plan": _plan,
    "container": _container,
    "table": _table,
    "data_table": _table,
    "card": _card,
    "carousel": _carousel,
    "alert": _alert,
    "file": lambda check, block, path: check.string(block, "external_id", path, 255, required=True),
    "video": lambda check, block, path: check.text(block, "title", path, 199, kinds=BOTH, required=True),
    "auth_provider": _auth_provider,
}


def _fill_ids(blocks: list[Node]) -> None:
    """Give blocks and elements without an id the ones Slack would."""
    for block in blocks:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        holders = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
        for element in [*holders, *(block.get("actions") or [])]:
            if isinstance(element, dict) and element.get("type") in elements.IN_ACTIONS | elements.IN_INPUT | {
                "feedback_buttons",
                "icon_button",
            }:
                element.setdefault("action_id", secrets.token_urlsafe(4))
        _fill_ids(block.get("child_blocks") or [])
        if block.get("type") == "carousel":
            _fill_ids(block["elements"])
