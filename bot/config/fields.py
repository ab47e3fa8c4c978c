"""A settings form as data: its fields, the place of each in an item, and the item that a submission makes; pure.

A form changes its own fields of an item and keeps the rest. `model` validates the values; a problem is returned under
the field that it is about.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.config.items import MANY
from bot.model.errors import Problem

Value = str | list[str] | None
"""A field's value, as Slack sends it: a text or one choice, several choices, or nothing."""
LONGEST = 3_000
"""Characters in a text field (docs/reference/slack.md#block-limits); longer values are edited in the file."""
MOST = 100
"""People or services in a field: a menu has as many options."""
LISTED = "listed"
# Slack refuses an option with an empty value, so “not set” needs a word.
DEFAULT = "default"
"""The value of a choice that sets nothing."""


class Kind(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    TEXT = "text"
    LINES = "lines"
    """One entry per line."""
    PACKAGES = "packages"
    """`pip pandas` per line."""
    SKILLS = "skills"
    """`anthropic xlsx` or `custom ID VERSION` per line."""
    AMOUNT = "amount"
    FLAG = "flag"
    CHOICE = "choice"
    SERVICES = "services"
    USERS = "users"
    WHO = "who"
    CHANNEL = "channel"
    USER = "user"


WORD_OR_LIST = {Kind.WHO, Kind.SERVICES}
"""Kinds whose value is one word or a list, which Slack shows as two fields."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `path` is the place of its value in the item, with dots between."""

    path: str
    label: str
    kind: Kind
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """`(value, words)`; an empty value stands for the default."""
    is_needed: bool = False

    @property
    def block(self) -> str:
        """Return the field's `block_id`."""
        return f"settings.{self.path}"

    @property
    def listed_block(self) -> str:
        """Return the `block_id` of the list, for a field of `WORD_OR_LIST`."""
        return f"{self.block}.listed"


@dataclass(frozen=True, slots=True)
class Form:
    """A form for items of one kind, or for the one item named `only`."""

    name: str
    title: str
    kind: str
    fields: tuple[Field, ...]
    only: str = ""
    new: Field | None = None
    """The field for the name of a new item."""


def value_at(body: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path of an item, None if it is not set."""
    found: Any = body
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def shown(field: Field, body: Mapping[str, Any]) -> Value:
    """Return the value that a field is filled with when its form opens."""
    value = value_at(body, field.path)
    if value is None:
        return None
    if isinstance(value, Mapping):
        return "\n".join(f"{manager} {name}" for manager, names in value.items() for name in names)
    if field.kind is Kind.SKILLS:
        return "\n".join(" ".join(str(part) for part in skill.values() if part) for skill in value)
    if isinstance(value, list | tuple):
        entries = [str(entry) for entry in value]
        return "\n".join(entries) if field.kind is Kind.LINES else entries
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_too_long(field: Field, body: Mapping[str, Any]) -> bool:
    """Tell whether a value does not fit into Slack's field."""
    value = shown(field, body)
    return len(value) > (LONGEST if isinstance(value, str) else MOST) if value else False


def filled(form: Form, body: Mapping[str, Any] | None, values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the item with a form's values. A field that the form did not show keeps its value."""
    # The body is a part of the cached settings, which nobody may change.
    item: dict[str, Any] = copy.deepcopy(dict(body or {}))
    for field in form.fields:
        if field.block in values:
            value = values[field.block]
            # An empty list must not turn into “everyone”; the model decides whether a list may be empty.
            is_listed = field.kind in WORD_OR_LIST and value == LISTED
            said = list(values.get(field.listed_block) or []) if is_listed else _read(field, value)
            _put(item, field.path.split("."), said)
    return item


def place_at_fields(form: Form, name: str, problems: Iterable[Problem], sent: Container[str]) -> dict[str, str]:
    """Return `block_id` → problem; a problem that belongs to no field goes to the first one. May be empty.

    Only blocks that were `sent` are used: for any other `block_id` Slack refuses the whole answer.
    """
    sections = {kind: section for section, kind in MANY.items()}
    prefix = f"{sections[form.kind]}.{name}." if form.kind in sections else f"{form.only}."
    found: dict[str, str] = {}
    for problem in problems:
        # With a dot at the end, so that `tools` does not match `tools_extra`.
        place = f"{problem.place}.".removeprefix(prefix)
        if form.kind not in sections:
            place = f"value.{place}"
        if field := _field_at(form, place, sent):
            found.setdefault(field.block, problem.what)
    return found


def _field_at(form: Form, place: str, sent: Container[str]) -> Field | None:
    fields = [field for field in form.fields if field.block in sent]
    # The deepest field that contains the place is the one to fill in again.
    exact = [field for field in fields if place.startswith(f"{field.path}.")]
    near = [field for field in fields if f"{field.path}.".startswith(place) and place]
    # The name of a new item comes first in the form.
    first = [field for field in (form.new,) if field and field.block in sent] + fields
    return max(exact, key=lambda field: len(field.path), default=next(iter(near or first), None))


def _read(field: Field, value: Value) -> Any:
    # An unchecked box sends an empty list, which is “not set” and no False.
    if field.kind is Kind.FLAG:
        return bool(value) or None
    if not value or (field.kind is Kind.CHOICE and value == DEFAULT):
        return None
    if isinstance(value, list):
        return value
    return _READ.get(field.kind, _word)(value)


def _word(text: str) -> Any:
    return text == "true" if text in {"true", "false"} else text.strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _packages(text: str) -> dict[str, list[str]]:
    packages: dict[str, list[str]] = {}
    for line in text.splitlines():
        manager, _, names = line.strip().partition(" ")
        if manager:
            packages.setdefault(manager.rstrip(":"), []).extend(names.replace(",", " ").split())
    return packages


def _skills(text: str) -> list[dict[str, str]]:
    parts = ("type", "skill_id", "version")
    return [dict(zip(parts, line.split(maxsplit=2), strict=False)) for line in _lines(text)]


_READ: Mapping[Kind, Callable[[str], Any]] = {
    Kind.LINES: _lines,
    Kind.PACKAGES: _packages,
    Kind.SKILLS: _skills,
    Kind.AMOUNT: lambda text: text.strip().removeprefix("$"),
    Kind.TEXT: lambda text: text,
}


def _put(item: dict[str, Any], path: list[str], value: Any) -> None:
    *outer, last = path
    for part in outer:
        inner = item.get(part)
        item[part] = inner if isinstance(inner, dict) else {}
        item = item[part]
    if value is None:
        item.pop(last, None)
    else:
        item[last] = value
