"""Checks block elements: buttons, menus, inputs, with the limits of docs/reference/slack.md#block-limits.

The blocks around them are checked in `blockkit.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_sdk.models.blocks import block_elements as sdk

from simulator.slack.checking import PLAIN, Checker, fields_of

Node = dict[str, Any]

STATIC = ("static_select", "multi_static_select")
SELECTS = (
    *STATIC,
    "external_select",
    "multi_external_select",
    "users_select",
    "multi_users_select",
    "conversations_select",
    "multi_conversations_select",
    "channels_select",
    "multi_channels_select",
)
PICKERS = ("datepicker", "timepicker", "datetimepicker")
CHOICES = ("checkboxes", "radio_buttons")
TEXT_INPUTS = (
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "rich_text_input",
    "file_input",
)

IN_SECTION = {"button", "overflow", "image", "workflow_button", *SELECTS, *PICKERS, *CHOICES}
IN_ACTIONS = {"button", "overflow", "workflow_button", *SELECTS, *PICKERS, *CHOICES, "rich_text_input"}
IN_INPUT = {*SELECTS, *PICKERS, *CHOICES, *TEXT_INPUTS}
IN_CONTEXT_ACTIONS = {"feedback_buttons", "icon_button"}
IN_CARD = {"button", "overflow"}

_CLASSES: dict[str, type[Any]] = {
    vars(cls)["type"]: cls
    for cls in vars(sdk).values()
    if isinstance(cls, type) and issubclass(cls, sdk.BlockElement) and isinstance(vars(cls).get("type"), str)
    if cls is not sdk.LinkButtonElement and cls is not sdk.SelectElement
}


def check_element(check: Checker, element: Any, path: str, allowed: set[str]) -> None:
    """Check one element that a block of this kind may hold."""
    if not isinstance(element, dict):
        check.fail("must be an object", path)
        return
    kind = element.get("type")
    if kind not in allowed:
        check.fail(f"unsupported type: {kind}", f"{path}/type")
        return
    if kind in _CLASSES:
        check.known(element, fields_of(_CLASSES[kind]), path)
    check.string(element, "action_id", path, 255, least=1)
    check.text(element, "placeholder", path, 150, kinds=PLAIN)
    _check_confirm(check, element, path)
    specific = _SPECIFIC.get(kind)
    if specific:
        specific(check, element, path)


def _check_confirm(check: Checker, element: Node, path: str) -> None:
    confirm = element.get("confirm")
    if confirm is None:
        return
    path = f"{path}/confirm"
    if not isinstance(confirm, dict):
        check.fail("must be an object", path)
        return
    check.known(confirm, {"title", "text", "confirm", "deny", "style"}, path)
    check.text(confirm, "title", path, 100, kinds=PLAIN, required=True)
    check.text(confirm, "text", path, 300, required=True)
    check.text(confirm, "confirm", path, 30, kinds=PLAIN, required=True)
    check.text(confirm, "deny", path, 30, kinds=PLAIN, required=True)
    check.choice(confirm, "style", path, {"primary", "danger"})


def _button(check: Checker, element: Node, path: str) -> None:
    check.text(element, "text", path, 75, kinds=PLAIN, required=True)
    check.string(element, "value", path, 2000)
    check.string(element, "url", path, 3000, least=1)
    check.string(element, "accessibility_label", path, 75)
    check.choice(element, "style", path, {"primary", "danger"})
    _check_audience(check, element, path)


def _check_audience(check: Checker, element: Node, path: str) -> None:
    for user in check.items(element, "visible_to_user_ids", path, 10, required=False):
        if not isinstance(user, str) or user[:1] not in {"U", "W"}:
            check.fail("must be a user id", f"{path}/visible_to_user_ids")


def _feedback(check: Checker, element: Node, path: str) -> None:
    for name in ("positive_button", "negative_button"):
        button = element.get(name)
        if not isinstance(button, dict):
            check.fail(f"missing required field: {name}", path)
            continue
        check.known(button, {"text", "value", "accessibility_label"}, f"{path}/{name}")
        check.text(button, "text", f"{path}/{name}", 75, kinds=PLAIN, required=True)
        check.string(button, "value", f"{path}/{name}", 2000, required=True)
        check.string(button, "accessibility_label", f"{path}/{name}", 75)


def _icon_button(check: Checker, element: Node, path: str) -> None:
    check.choice(element, "icon", path, {"trash"}, required=True)
    check.text(element, "text", path, 75, kinds=PLAIN, required=True)
    check.string(element, "value", path, 2000)
    check.string(element, "accessibility_label", path, 75)
    _check_audience(check, element, path)


def _image(check: Checker, element: Node, path: str) -> None:
    if not element.get("image_url") and not element.get("slack_file"):
        check.fail("missing required field: image_url", path)
    check.string(element, "image_url", path, 3000)
    check.string(element, "alt_text", path, 2000, required=True)


def check_options(check: Checker, element: Node, path: str, most: int, *, least: int = 1) -> None:
    """Check the options of a menu, and that initial ones are among them."""
    options = check.items(element, "options", path, most, least=least)
    for index, option in enumerate(options):
        where = f"{path}/options/{index}"
        if not isinstance(option, dict):
            check.fail("must be an object", where)
            continue
        check.known(option, {"text", "value", "description", "url"}, where)
        check.text(option, "text", where, 75, required=True)
        check.text(option, "description", where, 75)
        check.string(option, "value", where, 150, required=True, least=1)
        check.string(option, "url", where, 3000)
    initial = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [])
    if any(option not in options for option in initial):
        check.fail("initial option must be one of the options", path)


def _static(check: Checker, element: Node, path: str) -> None:
    groups = element.get("option_groups")
    if groups is None:
        check_options(check, element, path, 100)
        return
    if "options" in element:
        check.fail("options and option_groups cannot both be specified", path)
    for index, group in enumerate(check.items(element, "option_groups", path, 100)):
        check.text(group, "label", f"{path}/option_groups/{index}", 75, kinds=PLAIN, required=True)
        check_options(check, group, f"{path}/option_groups/{index}", 100)


def _plain_input(check: Checker, element: Node, path: str) -> None:
    check.string(element, "initial_value", path, 3000)
    for name, most in (("min_length", 3000), ("max_length", 3000)):
        value = element.get(name)
        if value is not None and not (isinstance(value, int) and 0 <= value <= most):
            check.fail(f"must be between 0 and {most}", f"{path}/{name}")
    limit = element.get("max_length")
    if isinstance(limit, int) and len(element.get("initial_value") or "") > limit:
        check.fail("initial_value must be less than max_length", path)


_SPECIFIC: dict[str, Callable[[Checker, Node, str], None]] = {
    "button": _button,
    "feedback_buttons": _feedback,
    "icon_button": _icon_button,
    "image": _image,
    "overflow": lambda check, element, path: check_options(check, element, path, 5),
    "checkboxes": lambda check, element, path: check_options(check, element, path, 10),
    "radio_buttons": lambda check, element, path: check_options(check, element, path, 10),
    "static_select": _static,
    "multi_static_select": _static,
    "plain_text_input": _plain_input,
}
