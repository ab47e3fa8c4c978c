"""Slack's rate tiers in their strictest reading: no minute has more calls of a method than its tier.

After docs/reference/slack.md#rate-limits; `SlackSimulator.enforce_rate_limits` switches them on.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from simulator.clock import SimulatorClock
from simulator.slack.methods.registry import Args, Method

MINUTE = 60.0
CHANNEL_BURST, CHANNEL_PER_SECOND = 4.0, 1.0
"""Messages to one channel: about one a second, with short bursts."""


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """One window per method, one bucket per channel for posting."""

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock
        self._windows: dict[str, deque[float]] = {}
        self._channels: dict[str, _Bucket] = {}

    def take(self, method: Method, args: Args) -> int | None:
        """Count the call; None if it may be made, else the whole seconds to wait."""
        if method.per_minute is None:
            return None
        channel = str(args.get("channel")) if method.name == "chat.postMessage" else None
        wait = max(self._full(method.name, method.per_minute), self._dry(channel) if channel else 0.0)
        if wait:
            return max(1, math.ceil(wait))
        self._windows[method.name].append(self._clock.now())
        if channel:
            self._channels[channel].tokens -= 1
        return None

    def _full(self, name: str, most: int) -> float:
        now, window = self._clock.now(), self._windows.setdefault(name, deque())
        while window and window[0] + MINUTE <= now:
            window.popleft()
        return 0.0 if len(window) < most else window[0] + MINUTE - now

    def _dry(self, channel: str) -> float:
        now = self._clock.now()
        bucket = self._channels.setdefault(channel, _Bucket(CHANNEL_BURST, now))
        bucket.tokens = min(CHANNEL_BURST, bucket.tokens + (now - bucket.at) * CHANNEL_PER_SECOND)
        bucket.at = now
        return 0.0 if bucket.tokens >= 1 else (1 - bucket.tokens) / CHANNEL_PER_SECOND
