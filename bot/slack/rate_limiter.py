"""Keeps to Slack's rate limits: which call goes next and when, and which methods a workspace does not have.

Slack counts per app, workspace and method, and posts per channel too (docs/reference/slack.md#rate-limits). Calls that
must happen wait in line; optional ones are left out if there is no room.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from bot.domain.ports import Clock
from bot.model.retry_policy import SLACK_METHOD

_TIER_2, _TIER_3, _TIER_4 = 20, 50, 100
# Calls a minute; methods that are not listed have Tier 3.
_PER_MINUTE = {
    "chat.appendStream": _TIER_4,
    "chat.postEphemeral": _TIER_4,
    "chat.postMessage": 240,
    "chat.startStream": _TIER_2,
    "chat.stopStream": _TIER_2,
    "conversations.members": _TIER_4,
    "files.completeUploadExternal": _TIER_4,
    "files.getUploadURLExternal": _TIER_4,
    "files.info": _TIER_4,
    "users.info": _TIER_4,
    "views.open": _TIER_4,
    "views.publish": _TIER_4,
    "views.update": _TIER_4,
}
IN_CHANNEL = "chat.postMessage in "
"""Followed by a channel: the budget for posts there."""
# One second more than Slack's minute: a call may take longer on its way than the one after it, and then Slack counts
# both into one minute.
_MINUTE = 61.0
# A message a second on average, a few at once.
_CHANNEL_BURST, _CHANNEL_SECONDS = 3, 3.0
# Seconds after which a waiting call looks again: one before it may have given up.
_LOOK_AGAIN = 5.0
_OFF_FOR = timedelta(minutes=5)
# Seconds between two writes to one message while the budget is full.
_BRISK = 0.25


@dataclass(slots=True)
class _Gauge:
    """One budget: at most `most` calls in any `seconds`."""

    most: int
    seconds: float
    taken: deque[datetime] = field(default_factory=deque)
    held_until: datetime | None = None

    def when(self, now: datetime, ahead: int) -> datetime:
        """Return when a call can be made if `ahead` others go first."""
        window = timedelta(seconds=self.seconds)
        while self.taken and self.taken[0] + window <= now:
            self.taken.popleft()
        first = max(now, self.held_until) if self.held_until else now
        behind = ahead - (self.most - len(self.taken))
        if behind < 0:
            return first
        # Each call that leaves the window makes room for one; after `most` of them the next window begins.
        rounds, place = divmod(behind, self.most)
        freed = self.taken[place] if place < len(self.taken) else now
        return max(first, freed + window * (rounds + 1))

    def use(self, now: datetime) -> float:
        """Return the share of the budget that is used up, 0 to 1."""
        self.when(now, 0)
        return 1.0 if self.held_until and now < self.held_until else len(self.taken) / self.most


@dataclass(slots=True)
class _Outage:
    """A method that fails: how often in a row, and from when on one call may try it again."""

    failures: int
    until: datetime
    is_tried: bool = False
    """True while one call is trying it again."""


@dataclass(frozen=True, slots=True, order=True)
class _Ticket:
    due: datetime
    number: int
    keys: tuple[str, ...]


class RateLimiter:
    """The budgets of each workspace; shared by everything that writes to Slack in one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gauges: dict[tuple[str, str], _Gauge] = {}
        self._lines: dict[str, list[_Ticket]] = {}
        self._numbers = count()
        # For minutes only: an admin may add a scope or turn a feature on meanwhile.
        self._off_until: dict[tuple[str, str], datetime] = {}
        self._outages: dict[tuple[str, str], _Outage] = {}

    def take(self, workspace: str, *keys: str, keep: int = 0) -> float:
        """Take a call from the budget and return 0, or take none and return in how many seconds to ask again.

        It overtakes nobody who waits in line, and leaves `keep` more calls free for others.
        """
        now = self._clock.steady()
        # Everybody in line goes first: calls that may be left out must not delay those that must happen
        # (docs/decisions/0025-what-must-be-said-waits-in-line.md).
        ahead = {key: keep + sum(key in ticket.keys for ticket in self._line(workspace)) for key in keys}
        when = max(self._gauge(workspace, key).when(now, ahead[key]) for key in keys)
        when = max((when, *(known.until for key in keys if (known := self._outages.get((workspace, key))))))
        if when > now:
            return (when - now).total_seconds()
        self._spend(workspace, keys, now)
        return 0.0

    async def turn(self, workspace: str, *keys: str, patience: float = 0.0, instead: tuple[str, ...] = ()) -> bool:
        """Wait in line for a call, and take it. With `patience`, calls that come within so many seconds go first.

        If the calls that `instead` names can be made earlier, those are taken and True is returned.
        """
        line, ticket = self._line(workspace), self._ticket(keys, patience)
        line.append(ticket)
        try:
            while (when := self._when(workspace, ticket, now := self._clock.steady())) > now:
                # An answer streams if a stream can be had soon, and is posted if a post is free before that.
                other = self.take(workspace, *instead) if instead else _LOOK_AGAIN
                if not other:
                    return True
                await self._clock.sleep_until(min(when, now + timedelta(seconds=min(other, _LOOK_AGAIN))))
            self._spend(workspace, keys, now)
        finally:
            # Also if the caller was cancelled, or the line would stand still behind it.
            line.remove(ticket)
        return False

    def waiting(self, workspace: str, *keys: str) -> int:
        """Return how many calls wait in line for one of these budgets."""
        return sum(not set(keys).isdisjoint(ticket.keys) for ticket in self._line(workspace))

    def spacing(self, workspace: str, key: str, *, least: float = _BRISK) -> float:
        """Return how many seconds two writes to one message should be apart: more, the less of the budget is left.

        It balances itself: many writers use up more, which makes each of them slower.
        """
        return least / max(0.01, 1 - self._gauge(workspace, key).use(self._clock.steady()))

    def hold_off(self, workspace: str, method: str, seconds: float) -> None:
        """Make no calls for `seconds`, as Slack's `Retry-After` said."""
        self._gauge(workspace, method).held_until = self._clock.steady() + timedelta(seconds=seconds)

    def failed(self, workspace: str, method: str) -> None:
        """Note that a method failed and may work later; the next call comes after a pause, which grows."""
        known = self._outages.get((workspace, method))
        if known and not known.is_tried and self._clock.steady() < known.until:
            return  # one of several calls that were under way when the first failed: they count as one failure
        failures = known.failures + 1 if known else 1
        self._outages[workspace, method] = _Outage(failures, self._after(failures))

    def worked(self, workspace: str, method: str) -> None:
        """Note that a method answers again."""
        self._outages.pop((workspace, method), None)

    def knock(self, workspace: str, method: str) -> float:
        """Return 0 if a call may be made now, or in how many seconds; while a method fails, one caller at a time may.

        A caller that gets 0 must call, and must report `failed` or `worked`: the others wait for that
        (docs/decisions/0041-what-fails-is-tried-by-one.md).
        """
        known, now = self._outages.get((workspace, method)), self._clock.steady()
        if known is None:
            return 0.0
        if known.until > now:
            return (known.until - now).total_seconds()
        # If this caller never reports (it was cancelled), the next one may try after the pause.
        known.until, known.is_tried = self._after(known.failures), True
        return 0.0

    def turn_off(self, workspace: str, method: str) -> None:
        """Note for five minutes that a workspace does not have this method."""
        self._off_until[workspace, method] = self._clock.steady() + _OFF_FOR

    def is_off(self, workspace: str, method: str) -> bool:
        """Tell whether a workspace was found lately not to have this method."""
        until = self._off_until.get((workspace, method))
        return until is not None and self._clock.steady() < until

    def _when(self, workspace: str, ticket: _Ticket, now: datetime) -> datetime:
        ahead = [other for other in self._line(workspace) if other < ticket]
        return max(
            self._gauge(workspace, key).when(now, sum(key in other.keys for other in ahead)) for key in ticket.keys
        )

    def _after(self, failures: int) -> datetime:
        return self._clock.steady() + timedelta(seconds=SLACK_METHOD.pause_after(failures))

    def _ticket(self, keys: tuple[str, ...], patience: float) -> _Ticket:
        return _Ticket(self._clock.steady() + timedelta(seconds=patience), next(self._numbers), keys)

    def _spend(self, workspace: str, keys: tuple[str, ...], now: datetime) -> None:
        for key in keys:
            self._gauge(workspace, key).taken.append(now)

    def _line(self, workspace: str) -> list[_Ticket]:
        return self._lines.setdefault(workspace, [])

    def _gauge(self, workspace: str, key: str) -> _Gauge:
        known = self._gauges.get((workspace, key))
        if known is None:
            known = self._gauges[workspace, key] = _new_gauge(key)
        return known


def _new_gauge(key: str) -> _Gauge:
    if key.startswith(IN_CHANNEL):
        return _Gauge(_CHANNEL_BURST, _CHANNEL_SECONDS)
    return _Gauge(_PER_MINUTE.get(key, _TIER_3), _MINUTE)
