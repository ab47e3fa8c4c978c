"""How soon, how often and for how long what failed is tried again: the one table of it.

`bot/retry.py` carries a policy out. Where something else happens between two tries, the loop stands at its place and
takes its numbers from here. `docs/limits.md` shows the table (docs/decisions/0052-one-table-of-retries.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Times are in seconds."""

    pauses: tuple[float, ...] = (0.0,)
    """After the first failure, the second, and so on; the last one is repeated."""
    tries: int | None = None
    """In all, the first one too; None: as many as it takes."""
    patience: float = math.inf
    """From the first try until none is begun any more."""
    longest_asked: float = math.inf
    """The most that is waited because the other side says so (`Retry-After`)."""
    obeys_zero: bool = False
    """Whether a `Retry-After` of 0 means at once; else it means nothing."""

    def attempts(self) -> Iterable[int]:
        """Return the numbers of the tries, from 1."""
        return count(1) if self.tries is None else range(1, self.tries + 1)

    def is_over(self, failures: int) -> bool:
        """Return whether so many failures were all the tries."""
        return self.tries is not None and failures >= self.tries

    def pause_after(self, failures: int, asked: float | None = None) -> float:
        """Return how many seconds to wait after so many failures in a row; `asked` for is what the other side did."""
        own = self.pauses[min(failures, len(self.pauses)) - 1]
        if asked is None or (asked == 0 and not self.obeys_zero):
            return own
        return min(asked, self.longest_asked)


ONCE = RetryPolicy(tries=1)
"""Not tried again here: somebody else goes on trying."""

STORE_OUTAGE = RetryPolicy(pauses=(0.5, 1, 2, 4, 8, 15, 30))
"""The store fails a task, which begins anew and finds what it had stored."""
PERIODIC_TASK = RetryPolicy(pauses=(0.5, 1, 2, 4, 8, 15, 30))
"""A round of a periodic task failed; it waits no longer than until its next round."""
DATABASE_AT_START = RetryPolicy(pauses=(0.5, 1, 2, 5, 10))
"""At the start the database is locked or its server is not up yet."""

REQUEST = RetryPolicy(pauses=(1, 2), tries=3, longest_asked=30)
"""A person's request meets an outage; after the last try they are told."""
TELLING = RetryPolicy(pauses=(1, 2, 4, 8, 15, 30, 60), patience=3600)
"""Slack does not take a private notice; later than this it would only surprise."""
TURN_IN_SLACK = RetryPolicy(pauses=(1, 2, 4, 8, 15, 30, 60))
"""Slack does not take the end of a turn; nothing that was asked is given up for an outage."""
HOME = RetryPolicy(pauses=(4.5,), tries=5)
"""Slack does not take an App Home; longer than an older one may still come in (`LATE` in `app_home.py`)."""

SLACK_CALL = RetryPolicy(pauses=(1, 2, 4), tries=4, patience=7, longest_asked=60)
"""A call to Slack failed and is safe to repeat. Where Slack asks for a longer pause, the caller gets the error at once;
patience bounds the pauses of a call whose method is known to fail."""
SLACK_METHOD = RetryPolicy(pauses=(1, 2, 4))
"""One of Slack's methods fails; of the calls that wait for it, one tries it again."""
SLACK_POST = RetryPolicy(tries=3)
"""Nobody knows whether Slack took a post; it is looked for, then posted again."""

SESSION = RetryPolicy(pauses=(0.5, 2, 8, 30), tries=5, longest_asked=60)
"""The agents API does not answer, and the turn's request was not sent; after the last try the turn says so and ends."""
SESSION_AT_WORK = RetryPolicy(pauses=(0.5, 2, 8, 30, 60), tries=14, longest_asked=60)
"""The same, but the session has the request and may be acting on it: some ten minutes in all."""
SESSION_LEFT = RetryPolicy(pauses=(0.5, 2, 8, 30, 60), tries=14)
"""The agents API does not take the interrupt of a session that nobody follows any more."""
SENDING = RetryPolicy(pauses=(0.5, 1, 2), tries=4, longest_asked=60, obeys_zero=True)
"""Nobody knows whether a request reached its session; it is looked for there, then sent again."""
FILE = RetryPolicy(pauses=(2, 4, 8), tries=3)
"""A file did not get from Slack to the session, or back; the last pause comes before whatever is next."""
