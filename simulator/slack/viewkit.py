"""Checks modals and App Homes, keeps their stacks, and works out what their inputs hold.

Blocks are checked in `blockkit.py`; the Web API's view methods are in `methods/views.py`.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from simulator.slack.blockkit import HOME, MODAL, parse_blocks
from simulator.slack.checking import PLAIN, Checker
from simulator.slack.errors import NotPossible, SlackError
from simulator.slack.messages import elements_of
from simulator.slack.people import APP, BOT_ID, TEAM
from simulator.slack.workspace import View, Workspace

Node = dict[str, Any]
FIELDS = {
    "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
    "notify_on_close", "external_id", "submit_disabled",
}  # fmt: skip


def parse_view(given: Any, kind: str) -> Node:
    """Return a checked view payload. Raises `invalid_arguments` with messages, or `view_too_large`."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise SlackError("invalid_arguments") from None
    if not isinstance(given, dict):
        raise SlackError("invalid_arguments")
    if len(json.dumps(given).encode()) > 250_000:
        raise SlackError("view_too_large")
    check = Checker()
    check.known(given, FIELDS, "/view")
    check.choice(given, "type", "/view", {kind}, required=True)
    check.string(given, "private_metadata", "/view", 3000)
    check.string(given, "callback_id", "/view", 255)
    check.string(given, "external_id", "/view", 255)
    check.text(given, "title", "/view", 24, kinds=PLAIN, required=kind == MODAL)
    check.text(given, "submit", "/view", 24, kinds=PLAIN)
    check.text(given, "close", "/view", 24, kinds=PLAIN)
    blocks = given.get("blocks")
    if kind == HOME and (given.get("submit") or given.get("close")):
        check.fail("home view cannot have submit and close", "/view")
    has_input = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if kind == MODAL and has_input and not given.get("submit"):
        check.fail("submit is required when an input block is within blocks", "/view")
    if check.errors:
        messages = [f"[ERROR] {message}" for message in check.errors]
        raise SlackError("invalid_arguments", errors=check.errors, response_metadata={"messages": messages})
    return given | {"blocks": parse_blocks(blocks, kind, 100, error="invalid_arguments")}


def new_view(ws: Workspace, user: str, payload: Node, previous: View | None = None) -> View:
    """Make a view that is not yet shown. Raises `duplicate_external_id`."""
    external = payload.get("external_id")
    if external and any(other.payload.get("external_id") == external for other in ws.views.values()):
        raise SlackError("duplicate_external_id")
    view_id = "V" + secrets.token_hex(5).upper()
    view = View(view_id, user, payload, _new_hash(ws), previous.root_id if previous else view_id)
    view.previous_id = previous.id if previous else None
    view.values = initial_values(payload["blocks"])
    ws.views[view_id] = view
    return view


def change_view(ws: Workspace, view: View, payload: Node) -> None:
    """Replace a view's content; typed values stay where block and action ids stay the same."""
    typed = view.values
    view.payload, view.hash, view.errors = payload, _new_hash(ws), {}
    view.values = initial_values(payload["blocks"])
    for block_id, actions in view.values.items():
        for action_id in actions:
            if action_id in typed.get(block_id, {}):
                actions[action_id] = typed[block_id][action_id]
    ws.changed()


def close_view(ws: Workspace, view: View) -> None:
    """Take the view off its person's screen."""
    stack = ws.modals.get(view.user, [])
    if view in stack:
        stack.remove(view)
    ws.views.pop(view.id, None)
    ws.changed()


def _new_hash(ws: Workspace) -> str:
    return f"{int(ws.now())}.{secrets.token_hex(4)}"


def view_json(view: View) -> Node:
    """Return the view object as it is in responses and payloads."""
    payload = view.payload
    return {
        "id": view.id,
        "team_id": TEAM,
        "type": payload["type"],
        "blocks": payload["blocks"],
        "private_metadata": payload.get("private_metadata") or "",
        "callback_id": payload.get("callback_id") or "",
        "state": {"values": view.values},
        "hash": view.hash,
        "title": payload.get("title") or {"type": "plain_text", "text": "Home", "emoji": True},
        "clear_on_close": bool(payload.get("clear_on_close")),
        "notify_on_close": bool(payload.get("notify_on_close")),
        "close": payload.get("close"),
        "submit": payload.get("submit"),
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": APP,
        "external_id": payload.get("external_id") or "",
        "app_installed_team_id": TEAM,
        "bot_id": BOT_ID,
    }


def initial_values(blocks: list[Node]) -> dict[str, Node]:
    """Return `state.values` before anybody typed."""
    values: dict[str, Node] = {}
    for block, element in elements_of(blocks):
        if element["type"] in {"button", "overflow", "image", "feedback_buttons", "icon_button"}:
            continue
        initial = next((element[name] for name in element if name.startswith("initial_")), None)
        values.setdefault(block["block_id"], {})[element["action_id"]] = _state(element, initial)
    return values


def _state(element: Node, value: Any) -> Node:
    """Return one entry of `state.values`; options are whole objects, as initial options are."""
    kind = element["type"]
    key = {
        "plain_text_input": "value", "email_text_input": "value", "url_text_input": "value", "number_input": "value",
        "rich_text_input": "rich_text_value", "static_select": "selected_option", "radio_buttons": "selected_option",
        "external_select": "selected_option", "checkboxes": "selected_options",
        "multi_static_select": "selected_options",
        "multi_external_select": "selected_options", "users_select": "selected_user",
        "multi_users_select": "selected_users", "conversations_select": "selected_conversation",
        "multi_conversations_select": "selected_conversations", "channels_select": "selected_channel",
        "multi_channels_select": "selected_channels", "datepicker": "selected_date", "timepicker": "selected_time",
        "datetimepicker": "selected_date_time", "file_input": "files",
    }[kind]  # fmt: skip
    is_many = key.endswith("s")
    return {"type": kind, key: value if value is not None else ([] if is_many else None)}


def choose(element: Node, value: Any) -> Node:
    """Return the state of an element after a person chose `value` (option values, ids or text).

    Raises NotPossible when there is no such option or the text is too short or long.
    """
    kind = element["type"]
    options = list(element.get("options") or [])
    options += [option for group in element.get("option_groups") or [] for option in group["options"]]
    if options and kind in {"checkboxes", "multi_static_select"}:
        return _state(element, [_option(options, one) for one in ([value] if isinstance(value, str) else value)])
    if options and kind in {"static_select", "radio_buttons", "overflow"}:
        chosen = _option(options, value)
        return {"type": kind, "selected_option": chosen} if kind == "overflow" else _state(element, chosen)
    if kind == "plain_text_input" and value is not None:
        longest, shortest = element.get("max_length") or 3000, element.get("min_length") or 0
        if not shortest <= len(value) <= longest:
            raise NotPossible(f"text must have {shortest} to {longest} characters")
    return _state(element, value)


def _option(options: list[Node], value: str) -> Node:
    for option in options:
        if value in {option["value"], option["text"]["text"]}:
            return option
    raise NotPossible(f"there is no option {value!r}")


def fill(view: View, values: Node) -> None:
    """Type into a view: `{block_id: {action_id: value}}`, or `{block_id or action_id: value}`.

    Raises NotPossible for a field that is not there or a required one left empty.
    """
    unused = set(values)
    for block, element in elements_of(view.payload["blocks"]):
        block_id, action_id = block["block_id"], element["action_id"]
        found = next((name for name in (block_id, action_id) if name in values), None)
        if found is not None:
            value = values[found]
            if isinstance(value, dict) and action_id in value:
                value = value[action_id]
            unused.discard(found)
            view.values[block_id][action_id] = choose(element, value)
        if block["type"] == "input" and not block.get("optional"):
            entry = view.values[block_id][action_id]
            if not any(content for name, content in entry.items() if name != "type"):
                raise NotPossible(f"{block['label']['text']!r} must be filled in")
    if unused:
        raise NotPossible(f"no such fields: {sorted(unused)}")
