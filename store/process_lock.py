"""Lets one process at a time use an SQLite file: a lock beside it, held for the process's life.

The operating system releases it when the process dies, so nobody has to clean up.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import StoreTaken, StoreUnavailable

SUFFIX = ".lock"


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Hold the file until the block ends. Raises `StoreTaken`, naming the holder, or `StoreUnavailable`.

    The file is locked beside the database, not itself: closing it would let SQLite's own locks go
    (sqlite.org/howtocorrupt.html §2.2). It is never deleted: two processes would hold two files of one name.
    """
    beside = Path(f"{os.path.realpath(database)}{SUFFIX}")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"{beside.name}: {error.strerror}") from error
    try:
        _lock(descriptor, beside)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, beside: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace")
        raise StoreTaken(holder if holder.isdecimal() else "unknown") from error
    except OSError as error:
        # A network's file system may know no locks. SQLite's own would not hold there either.
        raise StoreUnavailable(f"{beside.name}: {error.strerror}") from error
