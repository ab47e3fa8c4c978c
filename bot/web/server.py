"""Runs the ASGI app in this process's event loop; `__main__` handles signals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn

from bot.model.errors import ConfigurationError
from bot.web.connection_limits import ConnectionLimits, GuardedProtocol
from bot.web.security_headers import Secured

GRACE_SECONDS = 5
"""Seconds that requests in progress may take when Deputy ends."""
BACKLOG = 512
"""Connections that the operating system queues until they are accepted."""


class WebServer(uvicorn.Server):
    """A server that leaves signals alone: uvicorn would end the process before running turns are stored."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()
        """Set once no request is being answered any more."""

    async def run_at(self, door: socket.socket) -> None:
        """Serve requests on a listening socket until `end` is called."""
        try:
            await self.serve(sockets=[door])
        finally:
            self.ended.set()

    async def end(self) -> None:
        """Stop accepting requests; return once those in progress are answered. Idempotent."""
        self.should_exit = True
        await self.ended.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing, where uvicorn installs its signal handlers."""
        yield


def build_server(app: Secured, entrance: ConnectionLimits | None = None) -> WebServer:
    """Return a server for the app."""
    config = uvicorn.Config(
        app,
        http=partial(GuardedProtocol, entrance or ConnectionLimits(), app.headers),  # type: ignore[arg-type]  # it is only called
        ws="none",
        # Paths and queries of links and callbacks are secrets.
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        # The public address comes from the settings, never from headers that a client can set.
        proxy_headers=False,
    )
    return WebServer(config)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen at an address until the block ends. Raises `ConfigurationError` if that is impossible."""
    try:
        sock = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).partition(" (")[0]
        raise ConfigurationError((f"HOST, PORT: cannot listen at {host}:{port} ({reason}); take another",)) from error
    with sock:
        yield sock
