"""Messages that cannot be in Slack yet, since this process started them and has not tried to post them. Pure memory.

It saves searching for a message before its first post. Any other message is searched for.
"""

from __future__ import annotations

from cachetools import FIFOCache

KNOWN_AT_MOST = 10_000


class UnpostedMessages:
    """The requests of this process, and which messages named after them it has tried to post."""

    def __init__(self) -> None:
        # What is forgotten is looked for, like what an earlier process began.
        self._requests = FIFOCache[str, None](KNOWN_AT_MOST)
        self._tried = FIFOCache[str, None](KNOWN_AT_MOST)

    def add(self, request_id: str) -> None:
        """Remember a request that is new: all that is named after it was made by this process."""
        self._requests[_name(request_id)] = None

    def try_to_post(self, marker: str) -> None:
        """Remember that a message may be there from now on."""
        self._tried[marker] = None

    def may_exist(self, marker: str) -> bool:
        """Tell whether somebody, or an earlier try, may have posted the message."""
        return marker in self._tried or _name(marker) not in self._requests


def _name(given: str) -> str:
    """Return what a request, its thread, its turn and their messages have in common."""
    return given.rpartition("_")[2]
