"""Lets one process at a time drive an SQLite file, by a lock on a file beside it.

The operating system releases the lock when the process dies, so nobody has to clean up.
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
    """Hold the lock until the block ends. Raises `StoreTaken`, naming the holder, or `StoreUnavailable`."""
    # Not the database itself: closing it would release SQLite's own locks (sqlite.org/howtocorrupt.html §2.2). With
    # symbolic links resolved, since two names of one database must share one lock.
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
        # The file stays: if it were deleted, two processes could each hold a lock on a file of this name.
        os.close(descriptor)


def _lock(descriptor: int, beside: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace")
        raise StoreTaken(holder if holder.isdecimal() else "unknown") from error
    except OSError as error:
        # A network file system may have no locks; SQLite's own would not work there either.
        raise StoreUnavailable(f"{beside.name}: {error.strerror}") from error
