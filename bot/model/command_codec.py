"""Commands as JSON and back, for the deliveries table; the dataclasses are the schema.

A member is stored as their two ids. Decoding makes nobody a member: the caller passes in the one from the store.
"""

from __future__ import annotations

import json
import types
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from bot.model import commands
from store.records import Member, Secret

_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(commands.Command)}


def dump(command: commands.Command) -> tuple[str, str]:
    """Return the command's kind and its JSON."""
    return type(command).__name__, json.dumps(_plain(command), ensure_ascii=False)


def load(kind: str, payload: str, member: Member | None) -> commands.Command:
    """Return the command that was dumped, acting as `member`. Raises ValueError for an unknown kind."""
    if kind not in _KINDS:
        raise ValueError(kind)
    made: commands.Command = _made(_KINDS[kind], json.loads(payload), member)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return None  # a request is stored, a secret in it never is, sealed or not
    if isinstance(value, Member):
        return {"workspace_id": value.workspace_id, "user_id": value.user_id}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(kind: type, values: dict[str, Any], member: Member | None) -> Any:
    hints = _hints(kind)
    # Fields that this version does not have are skipped: another version may have stored the request.
    return kind(**{name: _value(hints[name], value, member) for name, value in values.items() if name in hints})


def _value(hint: Any, value: Any, member: Member | None) -> Any:
    if value is None:
        return None
    if hint is Member:
        return member
    if get_origin(hint) in {Union, types.UnionType}:
        # Unions in commands are of one type with None, or of a NewType and its base.
        hint = next(choice for choice in get_args(hint) if choice is not type(None))
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], one, member) for one in value)
    if is_dataclass(hint) and isinstance(hint, type):
        return _made(hint, value, member)
    return hint(value) if isinstance(hint, type) and issubclass(hint, StrEnum) else value
