"""The errors of the store. Classes carry data, never values of rows; words for people are the bot's.

StoreError
├── NotFound            a `get` for something that is not there, or not this owner's
├── InvariantBroken     a constraint was violated: a bug or a lost race, never to be retried blindly
├── StoreUnavailable    the database cannot do it now: gone, locked, full, read-only; callers wait for it to end
├── StatementRefused    the tables are not what we expect, or a statement is wrong: waiting does not help
├── StoreTaken          another process holds the database
├── SchemaUnknown       the tables are of a version that this one does not know
├── SealBroken          a sealed value was moved, changed or sealed with a key that we do not have
├── KeysInvalid         the sealing keys cannot be used
└── DatabaseUrlInvalid  the database address cannot be used
"""

from __future__ import annotations

from dataclasses import dataclass


class StoreError(Exception):
    """The base class; never raised itself."""


@dataclass(eq=False)
class NotFound(StoreError):
    """There is no such row for this owner."""

    # Somebody else's row is the same error: nobody learns from it which ids exist.
    noun: str
    id: str


class InvariantBroken(StoreError):
    """A constraint was violated; the transaction was rolled back as a whole."""


class StoreUnavailable(StoreError):
    """The database cannot do it now; the transaction was rolled back as a whole, unless its answer was lost.

    `is_passing`: it is locked or not up yet, so a start may wait for it; otherwise somebody must act.
    """

    def __init__(self, cause: str = "", *, is_passing: bool = False) -> None:
        super().__init__(cause)
        self.is_passing = is_passing


class StatementRefused(StoreError):
    """The database rejects the statement: it is wrong, or the tables are another version's. Waiting does not help."""


@dataclass(eq=False)
class StoreTaken(StoreError):
    """Another process drives this database; two would send each request twice (docs/decisions/0014)."""

    holder: str
    """Its process id, or a word where that is not known."""


class SchemaUnknown(StoreError):
    """The tables are a later version's: start that version, or restore a copy from before its migration."""


@dataclass(eq=False)
class SealBroken(StoreError):
    """The sealed value at `place` (`table.column:row`) cannot be opened."""

    place: str


@dataclass(eq=False)
class KeysInvalid(StoreError):
    """`problem` is a sentence for the operator; it never holds a key."""

    problem: str


@dataclass(eq=False)
class DatabaseUrlInvalid(StoreError):
    """`problem` is a sentence for the operator; it never holds the address, which may hold a password."""

    problem: str
