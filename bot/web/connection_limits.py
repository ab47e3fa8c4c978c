"""Limits how long a client may take to send the head of a request, and how many connections are open at once.

uvicorn waits for a head without limit, and each connection is an open file: a few hundred silent ones would keep
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
"""Seconds from the connection, or from the previous answer, to the end of a request's head."""
MOST_CONNECTIONS = 200
"""Connections open at once: on some systems a process may open 256 files, and it needs some for itself."""


class ConnectionLimits:
    """Keeps one server's connections that wait for a request's head, those that wait longest first."""

    def __init__(self, *, head_seconds: float = HEAD_SECONDS, most: int = MOST_CONNECTIONS) -> None:
        self.head_seconds, self.most = head_seconds, most
        self._waiting: dict[GuardedProtocol, asyncio.TimerHandle] = {}

    def wait(self, one: GuardedProtocol) -> None:
        """Start a connection's time unless it is running: a head that comes byte by byte gets no more of it."""
        if one not in self._waiting:
            self._waiting[one] = one.loop.call_later(self.head_seconds, self._close, one)

    def done(self, one: GuardedProtocol) -> None:
        """Stop a connection's time: its head has come, or it has closed."""
        if timer := self._waiting.pop(one, None):
            timer.cancel()

    def make_room(self, newest: GuardedProtocol, count: int) -> None:
        """If there are too many, close the connection that has been silent longest, or else the newest."""
        if count > self.most:
            log.warning("too_many_connections", most=self.most)
            self._close(next(iter(self._waiting), newest))

    def _close(self, one: GuardedProtocol) -> None:
        self.done(one)
        # Not `close`: it waits until the client has read what was sent, which a silent one never does.
        one.transport.abort()


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP protocol with `ConnectionLimits`."""

    def __init__(self, entrance: ConnectionLimits, secured: Mapping[str, str], **given: Any) -> None:
        super().__init__(**given)
        self._entrance = entrance
        self._secured = [(name.encode(), value.encode()) for name, value in secured.items()]

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP, like uvicorn, but with our security headers: no app sees this one."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *self._secured]
        response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=msg.encode("ascii")), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        """Start waiting for the first head."""
        super().connection_made(transport)
        self._entrance.make_room(self, len(self.connections))
        if not transport.is_closing():
            self._entrance.wait(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; stop waiting once the head is complete."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Start waiting for the next head if the connection is kept alive."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for the connection that has closed."""
        self._entrance.done(self)
        super().connection_lost(exc)

    def _look(self) -> None:
        # Once a request is answered, nobody reads the rest of its body, so its connection is timed like a silent one.
        cycle: RequestResponseCycle | None = self.cycle  # None until the first head, whatever uvicorn's type says
        is_answered = cycle is not None and cycle.response_complete
        if (self.conn.their_state is h11.IDLE or is_answered) and not self.transport.is_closing():
            self._entrance.wait(self)
        else:
            self._entrance.done(self)
