"""Messages that cannot be in Slack yet, since this process started them and has not tried to post them. Pure memory.

It saves searching for a message before its first post. Any other message is searched for.
"""

from __future__ import annotations

KNOWN_AT_MOST = 10_000


class UnpostedMessages:
    """The requests of this process, and which messages named after them it has tried to post."""

    def __init__(self) -> None:
        self._requests: dict[str, None] = {}
        self._tried: dict[str, None] = {}

    def add(self, request_id: str) -> None:
        """Remember a request that is new: all that is named after it was made by this process."""
        _keep(self._requests, _name(request_id))

    def try_to_post(self, marker: str) -> None:
        """Remember that a message may be there from now on."""
        _keep(self._tried, marker)

    def may_exist(self, marker: str) -> bool:
        """Tell whether somebody, or an earlier try, may have posted the message."""
        return marker in self._tried or _name(marker) not in self._requests


def _name(given: str) -> str:
    """Return what a request, its thread, its turn and their messages have in common."""
    return given.rpartition("_")[2]


def _keep(memory: dict[str, None], key: str) -> None:
    if len(memory) >= KNOWN_AT_MOST:
        # Then it is looked for, as what an earlier process began.
        memory.pop(next(iter(memory)))
    memory[key] = None
