"""Tells an outage of the database, which callers wait out, from a mistake, which they must not (docs/decisions/0033).

An outage is whatever may succeed on another try: locked, full, read-only, gone, restarting.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DatabaseError, DataError, InterfaceError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

Trouble = DatabaseError | InterfaceError | PoolTimeoutError | sqlite3.DatabaseError
MISTAKES = (DataError, NotSupportedError, ProgrammingError)
"""What both drivers raise for a statement or a value that is wrong, and stays wrong."""
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
# By their words: psycopg has no SQLSTATE for a connection that was never made.
_PASSING = ("starting up", "shutting down", "too many clients", "recovery", "connection slots")
"""Words of PostgreSQL's refusals that end by themselves."""
_PRIMARY = 0xFF
"""The low byte of SQLite's extended result code is the primary code."""


def is_outage(error: Trouble) -> bool:
    """Say whether the same transaction may succeed later."""
    if isinstance(error, MISTAKES):
        return False
    # SQLite's driver raises OperationalError for both kinds, so its result code decides.
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorcode", None)
    return code is None or code & _PRIMARY not in SQLITE_MISTAKES


def is_passing(error: Trouble) -> bool:
    """Say whether an outage probably ends by itself: a lock, or a server that is not up yet."""
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(cause, sqlite3.Error):
        return code is not None and code & _PRIMARY in SQLITE_CROWDED
    # A `FATAL` (wrong password, no such database) comes from a server that is up: somebody must act, unless it says
    # that it is only starting or full.
    words = str(cause)
    return "FATAL" not in words or any(passing in words for passing in _PASSING)


def is_of_connection(error: Trouble) -> bool:
    """Say whether a new connection may help; it does not where the file itself is busy or full."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code is None or code & _PRIMARY not in SQLITE_CROWDED


def name_cause(error: Trouble) -> str:
    """Return what is wrong, as it may be logged."""
    # SQLite's messages name no row. PostgreSQL's may, and they name the server's address.
    cause = getattr(error, "orig", error)
    return str(cause) if isinstance(cause, sqlite3.OperationalError) else type(error).__name__
