"""Owns running the migrations on a given connection; the migrations themselves are in `store/migrations`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from store.errors import SchemaUnknown

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Upgrade inside the connection's own transaction, which the caller commits."""
    try:
        command.upgrade(_config(connection), revision)
    except CommandError as error:
        raise SchemaUnknown from error


def downgrade(connection: Connection, revision: str) -> None:
    """Downgrade inside the connection's own transaction, which the caller commits."""
    command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
