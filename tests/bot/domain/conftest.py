"""What the domain's tests share: a database of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.database import Database
from store.sealing import new_key, parse_keys


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path}/deputy.db", parse_keys(new_key()))
    await opened.migrate()
    yield opened
    await opened.close()
