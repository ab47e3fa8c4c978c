"""Tells a database outage, which is waited out, from a mistake, which is not.

An outage is whatever may succeed on another try: locked, full, read-only, gone, restarting.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DatabaseError, DataError, InterfaceError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

Trouble = DatabaseError | InterfaceError | PoolTimeoutError | sqlite3.DatabaseError
MISTAKES = (DataError, NotSupportedError, ProgrammingError)
"""What both drivers raise for a statement or a value that is wrong and stays so."""
SQLITE_MISTAKES = frozenset(
    {
        sqlite3.SQLITE_ERROR,  # no such table, a syntax error: the tables are not ours, or the statement is wrong
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
        sqlite3.SQLITE_TOOBIG,
    }
)
"""Result codes that no waiting helps against (sqlite.org/rescode.html); the others are of the file or the machine."""
SQLITE_CROWDED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
_PASSING = ("starting up", "shutting down", "too many clients", "recovery", "connection slots")
"""What PostgreSQL says no with for a while only."""
_PRIMARY = 0xFF
"""The low byte of an extended result code is the code that it is a kind of."""


def is_outage(error: Trouble) -> bool:
    """Tell whether the same transaction may succeed later."""
    if isinstance(error, MISTAKES):
        return False
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorcode", None)
    return code is None or code & _PRIMARY not in SQLITE_MISTAKES


def is_passing(error: Trouble) -> bool:
    """Tell whether an outage ends by itself, as far as can be told: a lock, or a server that is not up yet.

    Where PostgreSQL answers with a `FATAL`, it is up and means it, unless it says that it is only starting or full.
    """
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(cause, sqlite3.Error):
        return code is not None and code & _PRIMARY in SQLITE_CROWDED
    words = str(cause)
    return "FATAL" not in words or any(passing in words for passing in _PASSING)


def is_of_connection(error: Trouble) -> bool:
    """Tell whether another connection may get over it sooner: not where the file itself is busy or full."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code is None or code & _PRIMARY not in SQLITE_CROWDED


def name_cause(error: Trouble) -> str:
    """Say what is wrong. SQLite's words name no row; PostgreSQL's may, and its addresses are nobody's business."""
    cause = getattr(error, "orig", error)
    return str(cause) if isinstance(cause, sqlite3.OperationalError) else type(error).__name__
