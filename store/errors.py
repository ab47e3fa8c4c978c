"""Everything the store may refuse or fail with; classes carry data, never prose or values.

StoreError
├── NotFound            a `get` for something that is not there, or not this owner's
├── InvariantBroken     a constraint said no: a bug or a lost race, never to be retried blindly
├── StoreUnavailable    the database cannot do it now: gone, locked, full, read-only; it is waited out
├── StatementRefused    the tables are not what we think, or a statement of ours is wrong: waiting does not help
├── StoreTaken          another process holds the database
├── SchemaUnknown       the tables are of a version that this one does not know
├── SealBroken          a sealed value was moved, changed or sealed with a key that we do not have
├── KeysInvalid         the sealing keys cannot be used
└── DatabaseUrlInvalid  the database address cannot be used

What to do about them is the caller's; words for people are the bot's.
"""

from __future__ import annotations

from dataclasses import dataclass


class StoreError(Exception):
    """Base; never raised itself."""


@dataclass(eq=False)
class NotFound(StoreError):
    """There is no such row, or it is somebody else's: the two are not told apart."""

    noun: str
    id: str


class InvariantBroken(StoreError):
    """A constraint refused the transaction, which was rolled back as a whole."""


class StoreUnavailable(StoreError):
    """The database did not do it; the transaction was rolled back as a whole.

    `is_passing`: it is locked, or not up yet, so that a start may wait for it; else somebody has to do something.
    """

    def __init__(self, cause: str = "", *, is_passing: bool = False) -> None:
        super().__init__(cause)
        self.is_passing = is_passing


class StatementRefused(StoreError):
    """The database refuses what we told it: a mistake of ours, or tables of another version; never waited out."""


@dataclass(eq=False)
class StoreTaken(StoreError):
    """Another process drives this database; two would send each request twice."""

    holder: str
    """Its process id where that is known."""


class SchemaUnknown(StoreError):
    """The tables are a later version's: start that one, or restore a copy from before."""


@dataclass(eq=False)
class SealBroken(StoreError):
    """The value at `place` cannot be opened."""

    place: str


@dataclass(eq=False)
class KeysInvalid(StoreError):
    """`problem` is a sentence for the operator; it never holds a key."""

    problem: str


@dataclass(eq=False)
class DatabaseUrlInvalid(StoreError):
    """`problem` is a sentence for the operator; it never holds the address, which may hold a password."""

    problem: str
