"""Ports that are still free when they are used, for servers whose address must be known before they start.

A port that was found by binding number 0 and closing it again may be given to the next connection that any process
opens. These are below the range that systems assign (Linux: 32768 and up), and each process takes them from a block
that no other process of ours uses.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import cycle
from pathlib import Path

FIRST, LAST = 20_000, 32_000
BLOCK = 50
"""How many ports one process has to itself."""


def free_port(preferred: int = 0) -> int:
    """Return the preferred port, or a free one if it is busy or none is preferred.

    Raises `OSError` if no port is free.
    """
    if preferred and _is_free(preferred):
        return preferred
    ports = _own_ports()
    for _ in range(BLOCK):
        if _is_free(port := next(ports)):
            return port
    raise OSError("no free port on 127.0.0.1")


@cache
def _own_ports() -> Iterator[int]:
    """Reserve a block until this process ends, and yield its ports in turn, again and again."""
    blocks = list(range(FIRST, LAST, BLOCK))
    random.shuffle(blocks)  # so that processes that start together seldom try the same block
    for first in blocks:
        if _take(first):
            return cycle(range(first, first + BLOCK))
    raise OSError("no free block of ports on 127.0.0.1")


def _take(first: int) -> bool:
    name = f"deputy-ports-{os.getuid()}-{first}.lock"
    descriptor = os.open(Path(tempfile.gettempdir()) / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system releases it, however the process ends
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
