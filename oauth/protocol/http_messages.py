"""HTTP requests and responses as values, and strict parsing of their JSON.

`oauth/guarded_http.py` sends them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oauth.errors import RuleBroken

# Several times what metadata and token responses have; `_require_modest` recurses this deep.
_DEPTH = 12
_ITEMS = 500


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to send; `repr` leaves out headers and body, which hold codes and secrets."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    wants_body: bool = True
    """False: only status and headers are read and the connection is closed, since an event stream may never end."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; `repr` shows the status only, since the rest may hold tokens."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Every header line in order, names in lower case."""
    body: bytes = field(default=b"", repr=False)

    def header_values(self, name: str) -> tuple[str, ...]:
        """Return every value of a header, in order."""
        return tuple(value for key, value in self.headers if key == name)


def parse_json_object(answer: HttpResponse) -> dict[str, Any]:
    """Return the body as a JSON object; raises `RuleBroken`.

    Refuses other media types, duplicate keys, NaN, and too deep or wide a nesting
    (docs/reference/oauth.md#guarded-requests).
    """
    _require_json_type(answer)
    try:
        parsed = json.loads(answer.body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RuleBroken("RFC 8259: not JSON") from error
    if not isinstance(parsed, dict):
        raise RuleBroken("RFC 8259 §4: not an object")
    _require_modest(parsed, _DEPTH)
    return parsed


def _require_json_type(answer: HttpResponse) -> None:
    # A page of HTML with JSON in it, or two types of which parsers choose differently, is no answer to us.
    types = answer.header_values("content-type")
    media = types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise RuleBroken("RFC 8259 §11: content type is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Parsers differ on which of two equal keys wins, so two of them could read two issuers (RFC 8259 §4).
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RuleBroken("RFC 8259 §4: duplicate keys")
    return found


def _no_constant(_name: str) -> float:
    raise RuleBroken("RFC 8259 §6: not a number")


def _require_modest(value: Any, depth: int) -> None:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if depth == 0 or len(children) > _ITEMS:
        raise RuleBroken("RFC 8259 §9: too deep or too wide")
    for child in children:
        _require_modest(child, depth - 1)
