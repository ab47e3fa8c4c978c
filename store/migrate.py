"""Runs the migrations of `store/migrations` on a connection."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
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


def is_current(connection: Connection) -> bool:
    """Tell whether the tables are of this version. Raises `SchemaUnknown` for those of a later one."""
    scripts = ScriptDirectory.from_config(_config(connection))
    found = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision for script in scripts.walk_revisions()}
    if set(found) - known:
        raise SchemaUnknown
    return set(found) == set(scripts.get_heads())


def is_empty(connection: Connection) -> bool:
    """Tell whether no migration has ever run."""
    return not MigrationContext.configure(connection).get_current_heads()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
