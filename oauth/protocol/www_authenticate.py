"""Parses `WWW-Authenticate` (RFC 9110 §11); pure.

`oauth/protocol/discovery.py` decides what a challenge means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from oauth.errors import RuleBroken

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105  # RFC 9110 §5.6.2's `token`, not a secret
_QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"'
# A URL must be quoted, but Stripe's `resource_metadata` is not (seen 2026-09); it ends at a blank or comma.
_BARE_URL = r"https?://[!#-+\--\[\]-~]+"
_PARAM = re.compile(rf"({_TOKEN})[ \t]*=[ \t]*({_BARE_URL}|{_TOKEN}|{_QUOTED})")
_SCHEME = re.compile(rf"({_TOKEN})(?=[ \t]*(?:,|$)|[ \t]+)")
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))")
_GAP = re.compile(r"[ \t,]*")
_SPACE = re.compile(r"[ \t]*")
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: scheme and parameter names in lower case, values unquoted."""

    scheme: str
    params: Mapping[str, str]


def parse_challenges(values: Sequence[str]) -> tuple[Challenge, ...]:
    """Return the challenges of all header lines in order (RFC 9110 §11.6.1).

    Raises `RuleBroken` for what does not follow the grammar and for a repeated parameter (RFC 9110 §11.2).
    """
    # By the grammar and not by a pattern: one that looks for `scope=` finds it inside `error_description` too.
    if sum(map(len, values)) > _LONGEST:
        raise RuleBroken("RFC 9110 §11.6.1: WWW-Authenticate too long")
    return tuple(challenge for value in values for challenge in _read_line(value))


def find_bearer(values: Sequence[str]) -> Challenge | None:
    """Return the first `Bearer` challenge (RFC 6750 §3), None if there is none."""
    return next((found for found in parse_challenges(values) if found.scheme == "bearer"), None)


def _read_line(value: str) -> Iterator[Challenge]:
    at = _skip(_GAP, value, 0)
    while at < len(value):
        scheme = _SCHEME.match(value, at)
        if scheme is None:
            raise RuleBroken("RFC 9110 §11.6.1: no scheme")
        params, at = _read_params(value, _skip(_SPACE, value, scheme.end()))
        yield Challenge(scheme[1].lower(), params)


def _read_params(value: str, at: int) -> tuple[dict[str, str], int]:
    params: dict[str, str] = {}
    # A token68 (RFC 9110 §11.2), as `Negotiate` sends, is skipped: no scheme that we read has one. A parameter is
    # tried first, since a name and its `=` look like a token68 as well.
    token68 = None if _PARAM.match(value, at) else _TOKEN68.match(value, at)
    if token68 is not None and value[at - 1 : at] in " \t":
        return params, _skip(_GAP, value, token68.end())
    while found := _PARAM.match(value, at):
        name = found[1].lower()
        if name in params:
            # Of two we could pick the other one than the server's own clients do.
            raise RuleBroken("RFC 9110 §11.2: repeated parameter")
        params[name] = _unquote(found[2])
        at = _require_separator(value, found.end())
    return params, _skip(_GAP, value, at)


def _require_separator(value: str, end: int) -> int:
    at = _skip(_SPACE, value, end)
    if at < len(value) and value[at] != ",":
        raise RuleBroken("RFC 9110 §5.6.1: no comma between parameters")
    return _skip(_GAP, value, at)


def _skip(pattern: re.Pattern[str], value: str, at: int) -> int:
    found = pattern.match(value, at)
    return found.end() if found else at


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
