"""Validates every request and response by the installed SDK's own types, so that the simulator cannot drift from it.

Rules that types cannot express (lengths, references, states) are in the endpoints.
"""

from __future__ import annotations

import collections.abc
import types
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import typing_extensions
from anthropic.types.beta.sessions.beta_managed_agents_stream_session_events import (
    BetaManagedAgentsStreamSessionEvents,
)
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from simulator.agents.errors import bad_request

HEADERS = frozenset({"betas", "workspace_id"})
RANGES = ("gt", "gte", "lt", "lte")
DROPPED = object()


def _check_time(value: str) -> str:
    if datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("a timestamp must carry its zone")
    return value


TIME = Annotated[str, AfterValidator(_check_time)]
"""An RFC 3339 time with its zone, as JSON has it."""


class SchemaDrift(AssertionError):
    """The simulator was about to send something that the SDK does not know."""


def _strict(hint: Any, inside: tuple[Any, ...] = ()) -> Any:
    """Return the type without lazy iterables and with extra keys forbidden; `DROPPED` for files and paths."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _strict(args[0], inside)
    if origin in (Required, NotRequired):
        return _strict(args[0], inside)
    if origin in (Union, types.UnionType):
        # The SDK's types accept any string as a time; the API does not.
        args = tuple(arg for arg in args if datetime not in args or arg is not str)
        arms = [arm for arm in (_strict(arg, inside) for arg in args) if arm is not DROPPED]
        return Union[tuple(arms)] if arms else DROPPED  # noqa: UP007 - the arms are only known at run time
    if origin in (collections.abc.Iterable, collections.abc.Sequence, list):
        return list[_strict(args[0], inside)]  # type: ignore[misc]  # built at run time from the SDK's hint
    if origin is dict:
        return dict[str, _strict(args[1], inside)]  # type: ignore[misc]  # built at run time from the SDK's hint
    if typing_extensions.is_typeddict(hint):
        return dict[str, Any] if hint in inside else _closed(hint, inside)
    if hint is datetime:
        return TIME
    if origin is Literal or hint in (str, int, float, bool, object, Any, type(None)):
        return hint
    return DROPPED


def _closed(params: Any, inside: tuple[Any, ...], dropped: frozenset[str] = frozenset()) -> Any:
    hints = get_type_hints(params, include_extras=True)
    fields = {}
    for name, hint in hints.items():
        strict = _strict(hint, (*inside, params))
        if name in dropped or strict is DROPPED:
            continue
        # The SDK's annotations are strings, for which `__required_keys__` is empty: the hint itself says it.
        is_required = get_origin(hint) is Required or (params.__total__ and get_origin(hint) is not NotRequired)
        fields[name] = Required[strict] if is_required else NotRequired[strict]
    made = TypedDict(params.__name__, fields)  # type: ignore[misc]  # known at run time only
    closed: Any = made
    closed.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    return closed


@cache
def _adapter(params: Any, path: frozenset[str]) -> TypeAdapter[Any]:
    return TypeAdapter(_closed(params, (), HEADERS | path))


def read_body(params: Any, raw: bytes, path: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the body, validated against the SDK's `params` type without its `path` fields. Raises 400."""
    try:
        found: dict[str, Any] = _adapter(params, path).validate_json(raw or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("Beta", "list[", "union")))
        raise bad_request(f"{where or 'body'}: {first['msg']}") from error
    return found


def read_query(params: Any, query: Any) -> dict[str, Any]:
    """Return the known query parameters; unknown ones are ignored. Raises 400."""
    raw: dict[str, Any] = {}
    hints = get_type_hints(params)
    for name, hint in hints.items():
        stem, _, last = name.rpartition("_")
        wire = f"{stem}[{last}]" if last in RANGES else name
        is_list = "List[" in str(hint)
        if is_list and (f"{name}[]" in query or name in query):
            raw[name] = [*query.getall(f"{name}[]", []), *query.getall(name, [])]
        elif wire in query:
            raw[name] = query[wire]
    try:
        found: dict[str, Any] = _query_adapter(params).validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise bad_request(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    return found


@cache
def _query_adapter(params: Any) -> TypeAdapter[Any]:
    closed = _closed(params, (), HEADERS | {"user_profile_id"})
    closed.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(closed)


def answer(model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` as JSON, validated by the SDK's model. Raises `SchemaDrift`, also for unknown fields."""
    try:
        built = model.model_validate(data)
    except ValidationError as error:
        raise SchemaDrift(str(error)) from error
    _refuse_extra(built, model.__name__)
    return built.model_dump(mode="json", exclude_unset=True)


def _refuse_extra(value: Any, where: str) -> None:
    if isinstance(value, BaseModel):
        if value.model_extra:
            raise SchemaDrift(f"{where}: {sorted(value.model_extra)}")
        for name in type(value).model_fields:
            _refuse_extra(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, list):
        for item in value:
            _refuse_extra(item, where)


@cache
def _event_models() -> dict[str, type[BaseModel]]:
    union = get_args(BetaManagedAgentsStreamSessionEvents)[0]
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(union)}


def event(data: dict[str, Any]) -> dict[str, Any]:
    """Return an event as JSON, validated by the SDK's model of its type. Raises `SchemaDrift`."""
    try:
        model = _event_models()[data["type"]]
    except KeyError as error:
        raise SchemaDrift(data["type"]) from error
    return answer(model, data)
