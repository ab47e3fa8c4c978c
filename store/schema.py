"""The MetaData, the column types and the constraints that several tables share; each table is in its noun's file.

Constraints hold whatever the code does: no session with another member's vault, no second running turn in a thread, no
second decision. Actors named only for the record (who stopped, who decided, who wrote an aside) are plain ids: an admin
may act who owns nothing here.
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
    """An aware time as microseconds since 1970: exact, ordered and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Refuse naive times: they would be some machine's local ones."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Return the time in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def states_sql(column: str, states: tuple[StrEnum, ...] | type[StrEnum]) -> str:
    """Return SQL that says that a column is one of these states."""
    listed = ", ".join(f"'{state}'" for state in states)
    return f"{column} IN ({listed})"


def within(column: ColumnElement[str], states: tuple[StrEnum, ...]) -> ColumnElement[bool]:
    """Say `column IN (states)` with the states spelled out: a partial index is found by its own words only."""
    return column.in_([literal_column(f"'{state}'") for state in states])


def states_check(enum: type[StrEnum], column: str = "state") -> CheckConstraint:
    """Return the constraint that a column is a state of an enum."""
    return CheckConstraint(states_sql(column, enum), name=column)


def message_columns(prefix: str) -> tuple[Column[str], Column[str], CheckConstraint]:
    """Two columns for a `MessageRef`, both or none."""
    return (
        Column(f"{prefix}_channel", String),
        Column(f"{prefix}_ts", String),
        CheckConstraint(f"({prefix}_channel IS NULL) = ({prefix}_ts IS NULL)", name=prefix),
    )


def owner_key() -> ForeignKeyConstraint:
    """Return the key to the member whose row it is."""
    return ForeignKeyConstraint(["workspace_id", "owner_id"], ["members.workspace_id", "members.user_id"])


def own_vault_key(column: str) -> ForeignKeyConstraint:
    """The vault must be the row owner's own: the invariant that the whole product stands on."""
    return ForeignKeyConstraint(
        [column, "workspace_id", "owner_id"], ["vaults.vault_id", "vaults.workspace_id", "vaults.owner_id"]
    )
