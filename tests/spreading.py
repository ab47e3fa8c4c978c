"""The order of tests by which workers are done at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(items: Sequence[T], workers: int, minutes_of: Callable[[T], float]) -> list[T]:
    """Return the items so that each worker begins with its share of the long ones, the longest first.

    Workers are first given parts of equal length, one after the other (`xdist`'s worksteal), and later take from
    each other's ends: what stands first in one part is done by one worker, one after the other.
    """
    long = sorted((item for item in items if minutes_of(item)), key=minutes_of, reverse=True)
    rest = [item for item in items if not minutes_of(item)]
    ordered: list[T] = []
    for number in range(workers):
        size = (len(items) - len(ordered)) // (workers - number)
        part = long[number::workers]
        wanted = max(0, size - len(part))
        ordered += [*part, *rest[:wanted]]
        rest = rest[wanted:]
    return [*ordered, *rest]
