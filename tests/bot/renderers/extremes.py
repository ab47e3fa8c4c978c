"""Whatever is long, many, hostile or empty, in whatever type it comes to a renderer."""

import dataclasses
import re
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum

from bot.model import notices
from bot.model.events import ToolCall
from bot.model.tool_risk import Hazard
from store import records as store
from store.records import Thread
from tests.builders import a_connection, a_member, a_thread, a_turn, an_allowance, an_approval

NAMES = {
    "long": "x" * 5_000,
    "words": "delete " * 400,
    "rtl": "שלום עולם " * 60 + "\u202e\u2066",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 200,
    "entities": "&" * 5_000,
    "markup": "<!channel> <@U0BOB> *b* _i_ ~s~ `c` <https://evil.example|ok> &amp; > | \\ " * 20,
    "quotes": '"\\' * 2_500,
    "controls": "\x00\x1b[31m\u200b\ufeff\u2028\n\t" * 50,
    "surrogate": "\ud800" * 100,
    "empty": "",
    "blank": " \n ",
}
COUNTS = (0, 1, 2, 100, 1_000)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ADDRESS = "https://deputy.example/" + "a" * 1_000
ADDRESSES = {"url", "token_page", "manage_url"}
_INNER_MAX = 10
"""Things in each of many things."""


@dataclasses.dataclass(frozen=True)
class Extreme:
    """What values are made of: one name wherever words of others may be, so many of everything, one turn of choices."""

    name: str
    thread: Thread
    count: int = 1
    which: int = 0
    """Chooses among the members of every enumeration; what may be so or not is so with the even ones."""
    ours: Mapping[tuple[type, str], object] = dataclasses.field(default_factory=dict)
    """Type and field → value: what only we fill in, or hold to its form where it comes in."""


def an_extreme_thread(name: str) -> Thread:
    owner = a_member(name=name)
    return a_thread(owner, title=name, thread_ts="1763899200.000100", is_private=name == NAMES["rtl"])


def a_call(name: str) -> ToolCall:
    return ToolCall("sevt_1", name, name, {name: name, "list": [name] * 30, "deep": {name: {name: name}}})


def held(name: str, number: int = 0, **changes: object) -> notices.Held:
    approval = an_approval(id=f"apr_{number:022}", service=name, tool=name, **changes)
    return notices.Held(approval, a_call(name), list(Hazard)[number % 3], may_remember=True)


def built(kind: typing.Any, one: Extreme) -> typing.Any:
    """Return a value of a type that notices, panels and arguments of renderers are made of."""
    if isinstance(kind, typing.NewType):
        return "s" * 64  # an id: ours, or held to its form where it comes in
    arguments, origin = typing.get_args(kind), typing.get_origin(kind)
    inner = dataclasses.replace(one, count=min(one.count, _INNER_MAX))
    if arguments and origin is tuple:
        if arguments[-1] is Ellipsis:
            return (built(arguments[0], inner),) * one.count
        return tuple(built(part, inner) for part in arguments)
    if arguments and origin is Mapping:
        return {f"{built(arguments[0], inner)}{number}": built(arguments[1], inner) for number in range(one.count)}
    if arguments:
        return built(arguments[0], one)
    return _single(kind, one)


def _single(kind: typing.Any, one: Extreme) -> typing.Any:
    ready = {
        store.Thread: one.thread,
        store.Turn: a_turn(one.thread),
        store.Approval: an_approval(service=one.name, tool=one.name),
        store.Connection: a_connection(account=one.name),
        store.Allowance: an_allowance(one.thread, service=one.name, tool=one.name),
        ToolCall: a_call(one.name),
        datetime: NOW,
        bool: one.which % 2 == 0,
        int: one.count,
        float: 1e12,
        str: one.name,
        object: one.name,
    }
    if kind in ready:
        return ready[kind]
    if issubclass(kind, Enum):
        return list(kind)[one.which % len(kind)]
    hints = typing.get_type_hints(kind)
    return kind(**{field.name: _given(kind, field.name, hints, one) for field in dataclasses.fields(kind)})


def _given(kind: type, name: str, hints: Mapping[str, typing.Any], one: Extreme) -> typing.Any:
    if (kind, name) in one.ours:
        return one.ours[kind, name]
    return ADDRESS if name in ADDRESSES else built(hints[name], one)


_CUT = re.compile(r"<[^<>]*(?:<|\Z)|&(?!(?:amp|lt|gt);)")


def cut_markup(node: typing.Any) -> list[str]:
    """Return where Slack's markup was cut in its middle: a link without an end, half of an escaped character."""
    if isinstance(node, list):
        return [found for item in node for found in cut_markup(item)]
    if not isinstance(node, Mapping):
        return []
    if node.get("type") == "mrkdwn":
        return [match.group()[-80:] for match in _CUT.finditer(str(node["text"]))]
    return [found for value in node.values() for found in cut_markup(value)]
