"""One thing that goes wrong: the nth call that Deputy makes of its peers fails, or it dies after its nth write.

Which, is counted over all peers and all methods in the order in which they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from simulator.agents.faults import RequestFault
from simulator.peers import Peers
from simulator.slack.faults import Fault
from store.database import Database, Tx

CALLS = {
    "before": ("connection_error_before", "connection_error_before"),
    "after": ("connection_error_after", "connection_error_after"),
    "limited": ("ratelimited", "status_429"),
    "broken": ("status_500", "status_500"),
    "timeout": ("timeout", "timeout"),
    "late": ("timeout_after", "timeout_after"),
    "malformed": ("malformed", "malformed"),
}
"""What can happen to a call: connection refused or cut before the send, its answer lost, 429, 500, no answer
before and after it was carried out, a body that is no JSON. Slack's name for it, and the API's."""
CRASH = "crash"
KINDS = (*CALLS, CRASH)


@dataclass
class Anomaly:
    """The nth call or write from `arm` on; `struck` says what it was, None if there were not so many."""

    kind: str
    nth: int
    is_armed: bool = False
    seen: int = 0
    struck: str | None = None

    def arm(self) -> None:
        """Begin to count."""
        self.is_armed = True

    def attach(self, peers: Peers) -> None:
        """Stand between Deputy and its peers."""
        peers.slack.faults.strike = self._of_slack  # type: ignore[method-assign]  # the plan is ours alone
        peers.agents.faults.of_request = self._of_agents  # type: ignore[method-assign]

    def _of_slack(self, method: str) -> Fault | None:
        if self.kind == CRASH or not self._strikes(method):
            return None
        return Fault(method, CALLS[self.kind][0], 0, 1)  # type: ignore[arg-type]  # one of the kinds

    def _of_agents(self, method: str, path: str) -> RequestFault | None:
        if self.kind == CRASH or not self._strikes(f"{method} {path}"):
            return None
        return RequestFault(path, method, 1, CALLS[self.kind][1], None, 1)

    def _strikes(self, what: str) -> bool:
        if not self.is_armed:
            return False
        self.seen += 1
        if self.seen != self.nth:
            return False
        self.struck = what
        return True

    def watch(self, database: Database, died: asyncio.Event, buried: asyncio.Event) -> None:
        """Stand behind the database: after the nth write no task goes any further, and `died` is set.

        Once `buried` is set, those who stand there may leave.
        """
        if self.kind != CRASH:
            return
        original = database.transaction

        @asynccontextmanager
        async def transaction() -> AsyncIterator[Tx]:
            async with original() as tx:
                before = await _changes(tx)
                yield tx
                is_write = await _changes(tx) != before
            if died.is_set() or (is_write and self._strikes("write")):
                died.set()
                await buried.wait()
                raise asyncio.CancelledError

        database.transaction = transaction  # type: ignore[method-assign,assignment]


async def _changes(tx: Tx) -> Any:
    return (await tx.connection.exec_driver_sql("SELECT total_changes()")).scalar_one()
