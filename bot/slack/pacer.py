"""Slack's rate budget, kept on our side: how long each method must wait, and what a workspace cannot do.

Slack counts per app, workspace and method (slack-platform.md §1.3, §6). Waiting, or doing something
else instead, is the caller's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.ports import Clock

_TIER_2, _TIER_3, _TIER_4 = 20, 50, 100
_PER_MINUTE = {
    "agents.sessions.setStatus": _TIER_3,
    "chat.appendStream": _TIER_4,
    "chat.delete": _TIER_3,
    "chat.postEphemeral": _TIER_4,
    "chat.postMessage": 60,
    "chat.startStream": _TIER_2,
    "chat.stopStream": _TIER_2,
    "chat.update": _TIER_3,
    "views.open": _TIER_4,
    "views.publish": _TIER_4,
}
IN_CHANNEL = "chat.postMessage in "
"""Followed by a channel: the budget for posting there, about a message a second."""
_CHANNEL_BURST, _CHANNEL_PER_SECOND = 3.0, 0.9
_BURST_SHARE = 0.5
"""How much of a minute's calls may go at once; the rest drips, so that no minute has more than its number."""
_OFF_FOR = timedelta(minutes=5)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime


class Pacer:
    """A token bucket for each workspace and method; shared by everything that writes to Slack in one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._off_until: dict[tuple[str, str], datetime] = {}

    def take(self, workspace: str, method: str) -> float:
        """Take a call from the budget and return 0, or return in how many seconds there is one, taking none."""
        now, (burst, rate) = self._clock.now(), _budget(method)
        bucket = self._buckets.setdefault((workspace, method), _Bucket(burst, now))
        if now < bucket.filled_at:
            return (bucket.filled_at - now).total_seconds()
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at).total_seconds() * rate)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / rate
        bucket.tokens -= 1
        return 0.0

    def hold_off(self, workspace: str, method: str, seconds: float) -> None:
        """Let nothing go for `seconds`: Slack said so."""
        until = self._clock.now() + timedelta(seconds=seconds)
        self._buckets[workspace, method] = _Bucket(1, until)

    def turn_off(self, workspace: str, method: str) -> None:
        """Remember for five minutes that a workspace cannot do this."""
        self._off_until[workspace, method] = self._clock.now() + _OFF_FOR

    def is_off(self, workspace: str, method: str) -> bool:
        """Return whether a workspace was found unable to do this lately."""
        until = self._off_until.get((workspace, method))
        return until is not None and self._clock.now() < until


def _budget(method: str) -> tuple[float, float]:
    """Return how many calls may go at once, and how many a second come back."""
    if method.startswith(IN_CHANNEL):
        return _CHANNEL_BURST, _CHANNEL_PER_SECOND
    per_minute = _PER_MINUTE.get(method, _TIER_3)
    return per_minute * _BURST_SHARE, per_minute * (1 - _BURST_SHARE) / 60
