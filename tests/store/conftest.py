"""A real database, migrated, for the tests of the store: SQLite always, PostgreSQL where psycopg is installed."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from store.database import Database
from store.records import Secret
from tests.postgresql import HAS_POSTGRESQL, postgresql_server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for `database` on every database there is."""
    if "url" in metafunc.fixturenames:
        metafunc.parametrize("url", ["sqlite", "postgresql"] if HAS_POSTGRESQL else ["sqlite"], indirect=True)


@pytest.fixture
def key() -> Secret:
    return Secret(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deputy.db"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with postgresql_server() as address:
        yield address


@pytest.fixture
def url(request: pytest.FixtureRequest, path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{path}"
        return
    import psycopg  # noqa: PLC0415  # not everywhere

    server = request.getfixturevalue("postgresql")
    name = f"test_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(url: str, key: Secret) -> AsyncIterator[Database]:
    database = Database.open(url, (key,))
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
async def sqlite(path: Path, key: Secret) -> AsyncIterator[Database]:
    """For what only SQLite has: a file to look into."""
    database = Database.open(f"sqlite:///{path}", (key,))
    await database.migrate()
    yield database
    await database.close()
