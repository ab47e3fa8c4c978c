"""The MetaData, column types and constraints that several tables share; each table is in its noun's file.

Constraints hold whatever the code does: no session with another member's vault, no second running turn in a thread, no
second decision. Columns that only record who acted (stopped, decided, wrote) have no foreign key: an admin may act who
owns nothing here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Dialect,
    ForeignKeyConstraint,
    MetaData,
    String,
    TypeDecorator,
    literal_column,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored as microseconds since 1970."""

    # A number is exact, sorts and compares the same in both databases; SQLite has no type for times.

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Return the microseconds; raises `ValueError` for a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:  # some machine's local time, and which one nobody knows later
            raise ValueError("a time without a zone cannot be stored")
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Return the time in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = MetaData(
    # A constraint needs a name that both databases agree on, or a migration cannot drop it.
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def states_sql(column: str, states: tuple[StrEnum, ...] | type[StrEnum]) -> str:
    """Return `column IN (states)` as SQL, for a constraint or a partial index."""
    listed = ", ".join(f"'{state}'" for state in states)
    return f"{column} IN ({listed})"


def within(column: ColumnElement[str], states: tuple[StrEnum, ...]) -> ColumnElement[bool]:
    """Return `column IN (states)` for a query, with the states as literals."""
    # Not as parameters: a planner uses a partial index only where the query repeats its condition literally.
    return column.in_([literal_column(f"'{state}'") for state in states])


def states_check(enum: type[StrEnum], column: str = "state") -> CheckConstraint:
    """Return the constraint that a column holds a value of this enum."""
    return CheckConstraint(states_sql(column, enum), name=column)


def message_columns(prefix: str) -> tuple[Column[str], Column[str], CheckConstraint]:
    """Return two columns for a `MessageRef`, with the constraint that both are set or neither."""
    return (
        Column(f"{prefix}_channel", String),
        Column(f"{prefix}_ts", String),
        CheckConstraint(f"({prefix}_channel IS NULL) = ({prefix}_ts IS NULL)", name=prefix),
    )


def owner_key() -> ForeignKeyConstraint:
    """Return the foreign key to the member who owns the row."""
    return ForeignKeyConstraint(["workspace_id", "owner_id"], ["members.workspace_id", "members.user_id"])


def own_vault_key(column: str) -> ForeignKeyConstraint:
    """Return the foreign key by which a row's vault belongs to the row's owner."""
    # The invariant that the whole product stands on: nobody's agent ever gets somebody else's credentials.
    return ForeignKeyConstraint(
        [column, "workspace_id", "owner_id"], ["vaults.vault_id", "vaults.workspace_id", "vaults.owner_id"]
    )
