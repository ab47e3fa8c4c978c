"""Limits how long a client may take to send its request's head, and how many may be silent at once.

uvicorn waits for a head without limit, and each connection is an open file: hundreds of silent ones would keep
everybody else out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

log = structlog.get_logger(__name__)

HEAD_SECONDS = 10.0
"""From the connection, or the answer before, to the end of a request's head."""
MOST_CONNECTIONS = 200
"""Open at once. A process has 256 files on some systems, and needs some for itself."""


class ConnectionLimits:
    """The connections of one server whose request's head has not come, the longest first."""

    def __init__(self, *, head_seconds: float = HEAD_SECONDS, most: int = MOST_CONNECTIONS) -> None:
        self.head_seconds, self.most = head_seconds, most
        self._waiting: dict[GuardedProtocol, asyncio.TimerHandle] = {}

    def wait(self, one: GuardedProtocol) -> None:
        """Give a connection its time, unless that runs already: a head in crumbs gets no more."""
        if one not in self._waiting:
            self._waiting[one] = one.loop.call_later(self.head_seconds, self._close, one)

    def done(self, one: GuardedProtocol) -> None:
        """The head is there, or the connection is over."""
        if timer := self._waiting.pop(one, None):
            timer.cancel()

    def make_room(self, newest: GuardedProtocol, count: int) -> None:
        """Close one of too many: who has been silent longest, or where nobody is, the newest."""
        if count > self.most:
            log.warning("too_many_connections", most=self.most)
            self._close(next(iter(self._waiting), newest))

    def _close(self, one: GuardedProtocol) -> None:
        self.done(one)
        # Not `close`, which would wait until the client takes what was sent.
        one.transport.abort()


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP, with an `ConnectionLimits`."""

    def __init__(self, entrance: ConnectionLimits, secured: Mapping[str, str], **given: Any) -> None:
        super().__init__(**given)
        self._entrance = entrance
        self._secured = [(name.encode(), value.encode()) for name, value in secured.items()]

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as uvicorn does, with the headers of all our answers; no app sees it."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *self._secured]
        response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=msg.encode("ascii")), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._entrance.make_room(self, len(self.connections))
        if not transport.is_closing():
            self._entrance.wait(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; stop waiting once the head is whole."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next head of a connection that is kept."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._entrance.done(self)
        super().connection_lost(exc)

    def _look(self) -> None:
        # A body that goes on after its answer is nobody's, and is waited for no longer.
        cycle: RequestResponseCycle | None = self.cycle  # None until the first head, whatever uvicorn's type says
        is_answered = cycle is not None and cycle.response_complete
        if (self.conn.their_state is h11.IDLE or is_answered) and not self.transport.is_closing():
            self._entrance.wait(self)
        else:
            self._entrance.done(self)
