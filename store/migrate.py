"""Runs the migrations of `store/migrations` on the caller's connection."""

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
    """Upgrade the tables inside the caller's transaction. Raises `SchemaUnknown`."""
    try:
        command.upgrade(_config(connection), revision)
    except CommandError as error:  # what Alembic raises for a revision that it does not know: a later version's
        raise SchemaUnknown from error


def is_current(connection: Connection) -> bool:
    """Say whether the tables are of this version. Raises `SchemaUnknown` for those of a later one."""
    scripts = ScriptDirectory.from_config(_config(connection))
    found = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision for script in scripts.walk_revisions()}
    if set(found) - known:
        raise SchemaUnknown
    return set(found) == set(scripts.get_heads())


def is_empty(connection: Connection) -> bool:
    """Say whether no migration has ever run."""
    return not MigrationContext.configure(connection).get_current_heads()


def _config(connection: Connection) -> Config:
    config = Config()
    # Alembic interpolates `%` in its options, and a folder's name may hold one.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
