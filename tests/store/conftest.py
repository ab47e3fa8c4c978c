"""A real database in a file, migrated, for the tests of the store."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.database import Database
from store.records import Secret


@pytest.fixture
def key() -> Secret:
    return Secret(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deputy.db"


@pytest.fixture
async def database(path: Path, key: Secret) -> AsyncIterator[Database]:
    database = Database.open(f"sqlite:///{path}", (key,))
    await database.migrate()
    yield database
    await database.close()
