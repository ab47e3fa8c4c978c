"""The fields of settings forms (`bot.config.fields`) as Block Kit inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.config.fields import LISTED, LONGEST, Field, Kind, Value, is_too_long, shown
from bot.model import action_ids
from bot.model.config_views import EditItem
from bot.renderers import slack_limits
from bot.renderers.block_kit import Block, plain, section
from bot.renderers.safe_markdown import escape

_ALL_OR_LISTED = (("all", "All that the owner has connected"), (LISTED, "Only those listed below"))
_LONG = {Kind.TEXT, Kind.LINES, Kind.PACKAGES, Kind.SKILLS}
_WHO = (("everyone", "Everyone"), ("admins", "Admins"), (LISTED, "Those listed below"))


def render_field(one: Field, panel: EditItem) -> list[Block]:
    """Return a field with its value and, if it has one, the list that belongs to it."""
    # Slack takes 3,000 characters in an input. A longer value would come back cut, so it is not editable here.
    if is_too_long(one, panel.body):
        words = f"*{escape(one.label)}*\nToo long to be changed here: use `python -m bot config`. It is kept as it is."
        return [section(words)]
    value, options = shown(one, panel.body), panel.choices.get(one.path, one.options)
    blocks = [render_input(one, value, options)]
    listed = value if isinstance(value, list) else None
    if one.kind is Kind.WHO:
        blocks.append(input_block(one.listed_block, "People, if listed", _users(one, listed), is_optional=True))
    elif one.kind is Kind.SERVICES and options:
        blocks.append(
            input_block(one.listed_block, "Services, if listed", _several(one, listed, options), is_optional=True)
        )
    return blocks


def render_input(one: Field, value: Value, options: tuple[tuple[str, str], ...]) -> Block:
    """Return a field with a value in it."""
    element = _ELEMENTS[one.kind](one, value, options)
    return input_block(one.block, one.label, element, is_optional=not one.is_needed and one.kind not in _CHOSEN)


def input_block(block_id: str, label: str, element: Block, *, is_optional: bool) -> Block:
    """Return an input around an element."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, slack_limits.LABEL_MAX),
        "optional": is_optional,
        "element": element | {"action_id": action_ids.SETTINGS_FIELD},
    }


def _text(one: Field, value: Value, _: object = ()) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "multiline": one.kind in _LONG,
        "max_length": LONGEST if one.kind in _LONG else 300,
    }
    if one.hint:
        element["placeholder"] = plain(one.hint, slack_limits.PLACEHOLDER_MAX)
    return element | ({"initial_value": value[: element["max_length"]]} if isinstance(value, str) and value else {})


def whole_line(one: Field, value: str, longest: int = LONGEST) -> Block:
    """Return a one-line input; a value longer than `longest` is left out rather than cut."""
    # A cut value would be saved as it was cut.
    return _text(one, None) | {"max_length": longest} | ({"initial_value": value} if 0 < len(value) <= longest else {})


def _choice(_one: Field, value: Value, options: tuple[tuple[str, str], ...]) -> Block:
    known = [option(words, given or "default") for given, words in options[: slack_limits.OPTIONS_MAX]]
    # Slack refuses an `initial_option` that is not among the options.
    chosen = next((one for one in known if one["value"] == value), known[0])
    return {"type": "static_select", "options": known, "initial_option": chosen}


def _who(one: Field, value: Value, _: object) -> Block:
    options = one.options or _WHO
    return _choice(one, LISTED if isinstance(value, list) else (value or options[0][0]), options)


def _flag(one: Field, value: Value, _: object) -> Block:
    yes = option(one.label, "true")
    return {"type": "checkboxes", "options": [yes]} | ({"initial_options": [yes]} if value == "true" else {})


def _users(_one: Field, value: Value, _: object = ()) -> Block:
    listed = value if isinstance(value, list) else []
    return {"type": "multi_users_select"} | ({"initial_users": listed[: slack_limits.OPTIONS_MAX]} if listed else {})


def _services(one: Field, value: Value, _: object) -> Block:
    return _choice(one, LISTED if isinstance(value, list) else "all", _ALL_OR_LISTED)


def _several(one: Field, value: Value, options: tuple[tuple[str, str], ...]) -> Block:
    known = [option(words, name) for name, words in options[: slack_limits.OPTIONS_MAX]]
    chosen = [each for each in known if isinstance(value, list) and each["value"] in value]
    element = {
        "type": "multi_static_select",
        "options": known,
        "placeholder": plain(one.hint, slack_limits.PLACEHOLDER_MAX),
    }
    return element | ({"initial_options": chosen} if chosen else {})


_ELEMENTS: Mapping[Kind, Callable[[Field, Value, tuple[tuple[str, str], ...]], Block]] = {
    Kind.LINE: _text,
    Kind.TEXT: _text,
    Kind.LINES: _text,
    Kind.PACKAGES: _text,
    Kind.SKILLS: _text,
    Kind.AMOUNT: _text,
    Kind.FLAG: _flag,
    Kind.CHOICE: _choice,
    Kind.SERVICES: _services,
    Kind.USERS: _users,
    Kind.WHO: _who,
    Kind.CHANNEL: lambda *_: {
        "type": "conversations_select",
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    },
    Kind.USER: lambda *_: {"type": "users_select"},
}
_CHOSEN = {Kind.CHOICE, Kind.WHO, Kind.SERVICES}


def option(words: str, value: str) -> Block:
    """Return one of the options of a menu."""
    return {"text": plain(words, slack_limits.OPTION_TEXT_MAX), "value": value[: slack_limits.OPTION_VALUE_MAX]}
