"""What goes wrong on purpose: which call of which method, and how.

`webapi.py` asks before and after each call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "connection_error_before",
    "connection_error_after",
    "status_404",
    "status_408",
    "status_413",
    "status_500",
    "status_500_after",
    "status_503",
    "ratelimited",
    "timeout",
    "timeout_after",
    "malformed",
    "error",
]
KINDS = get_args(Kind)


@dataclass
class Fault:
    """A planned failure: after `skip` calls it strikes `times` times."""

    method: str
    kind: Kind
    skip: int
    times: int
    error: str = "internal_error"
    retry_after: int = 1
    struck: int = 0


class Faults:
    """The planned failures; `*` stands for any method."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def add(
        self,
        method: str,
        nth: int = 1,
        kind: Kind = "error",
        error: str = "internal_error",
        *,
        times: int = 1,
        retry_after: int = 1,
    ) -> Fault:
        """Let the `nth` call from now on fail, and `times - 1` after it.

        `…_before` kinds, `status_500`, `ratelimited`, `timeout`, `malformed` and `error` leave the
        workspace untouched; `…_after` kinds carry the call out and then lose the answer.
        """
        if kind not in KINDS:
            raise ValueError(kind)
        fault = Fault(method, kind, nth - 1, times, error, retry_after)
        self._planned.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all planned failures."""
        self._planned.clear()

    def strike(self, method: str) -> Fault | None:
        """Count a call; return the failure that it meets, None for most."""
        for fault in self._planned:
            if fault.method not in {method, "*"} or fault.struck >= fault.times:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.struck += 1
            return fault
        return None
