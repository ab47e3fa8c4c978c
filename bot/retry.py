"""Does again what failed, as a policy of `bot/model/retry_policy.py` says."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

from bot.domain.ports import Clock
from bot.model.errors import Unavailable
from bot.model.retry_policy import RetryPolicy

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


async def retry(
    act: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    clock: Clock,
    *,
    on: type[E],
    before_rest: Callable[[E, float], Awaitable[None]] | None = None,
    rest: Callable[[float], Awaitable[None]] | None = None,
) -> T:
    """Return what `act` does, done again while it raises `on`. Raises the last of those once the policy is used up.

    `before_rest` gets each failure that another try follows, and the seconds until then. `rest` waits them in place of
    the clock. What these two raise ends it.
    """
    began = clock.steady() if policy.patience < math.inf else None
    for failures in count(1):
        try:
            return await act()
        except on as error:
            pause = policy.pause_after(failures, error.retry_after if isinstance(error, Unavailable) else None)
            is_late = began is not None and (clock.steady() - began).total_seconds() + pause > policy.patience
            if is_late or policy.is_over(failures):
                raise
            if before_rest is not None:
                await before_rest(error, pause)
            await (rest or clock.sleep)(pause)
    raise AssertionError("the last try returns or raises")
