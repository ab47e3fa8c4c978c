"""Ports that are still free when they are used, for servers whose address must be known before they start.

A port found by binding number 0 and letting go of it is one that the system hands to the next who asks, an
outgoing connection of a test next door for one. These lie below what systems hand out by themselves (Linux:
32768 and up), and each process takes them from a block that no other process of ours takes from.
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
"""Ports a process has to itself, handed out in turn."""


def free_port(preferred: int = 0) -> int:
    """Return the preferred port, or a free one where it is busy or none is preferred.

    Raises `OSError` where there is none.
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
    """Take a block until this process ends, and go round in it."""
    blocks = list(range(FIRST, LAST, BLOCK))
    random.shuffle(blocks)  # so that processes seldom meet at the same block
    for first in blocks:
        if _take(first):
            return cycle(range(first, first + BLOCK))
    raise OSError("no free block of ports on 127.0.0.1")


def _take(first: int) -> bool:
    name = f"deputy-ports-{os.getuid()}-{first}.lock"
    descriptor = os.open(Path(tempfile.gettempdir()) / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go of by the system, however the process ends
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
