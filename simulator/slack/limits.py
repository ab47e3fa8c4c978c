"""Slack's rate tiers as token buckets per method (slack-platform.md §1.3, §6).

Whether they are enforced at all is the server's switch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.clock import SimulatorClock
from simulator.slack.methods.registry import Args, Method


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """One bucket per method, one more per channel for posting: about one message a second."""

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def take(self, method: Method, args: Args) -> int | None:
        """Take a token; None if there was one, else the whole seconds to wait."""
        if method.per_minute is None:
            return None
        waits = [self._wait((method.name,), method.per_minute, method.per_minute / 60)]
        if method.name == "chat.postMessage":
            waits.append(self._wait((method.name, str(args.get("channel"))), 4, 1.0))
        if any(waits):
            return max(1, math.ceil(max(waits)))
        for bucket in self._touched(method, args):
            bucket.tokens -= 1
        return None

    def _touched(self, method: Method, args: Args) -> list[_Bucket]:
        keys: list[tuple[str, ...]] = [(method.name,)]
        if method.name == "chat.postMessage":
            keys.append((method.name, str(args.get("channel"))))
        return [self._buckets[key] for key in keys]

    def _wait(self, key: tuple[str, ...], capacity: int, per_second: float) -> float:
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(float(capacity), now))
        bucket.tokens = min(float(capacity), bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        return 0.0 if bucket.tokens >= 1 else (1 - bucket.tokens) / per_second
