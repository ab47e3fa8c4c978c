"""One process at a time drives a database, and its death frees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from store.database import Database
from store.errors import StoreTaken, StoreUnavailable
from store.process_lock import held
from tests.postgresql import drop_the_lock

HOLD = """
import sys, time
from pathlib import Path
from store.process_lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.fault("S21")
async def test_who_comes_second_is_refused_until_the_first_has_let_go(url, key, database):
    second = Database.open(url, (key,))
    async with database.held():
        with pytest.raises(StoreTaken):
            async with second.held():
                pass
    async with second.held(), second.transaction():
        pass
    await second.close()


@pytest.mark.fault("S21")
@pytest.mark.parametrize("name", ["deputy.db", "link.db"])
def test_a_process_that_is_killed_frees_it_and_a_link_is_the_same_file(path: Path, name: str):
    path.with_name("link.db").symlink_to(path)
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreTaken) as taken, held(path.with_name(name)):
            pass
        holder.kill()

    assert taken.value.holder == str(holder.pid)
    with held(path.with_name(name)):
        assert path.with_name("deputy.db.lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.fault("S21")
def test_a_place_where_nothing_can_be_held_is_an_outage(tmp_path: Path):
    with pytest.raises(StoreUnavailable), held(tmp_path / "nowhere" / "deputy.db"):
        pass


@pytest.mark.fault("S21")
async def test_a_database_in_memory_is_nobody_elses(key):
    database = Database.open("sqlite://", (key,))
    async with database.held():
        pass
    await database.close()


@pytest.fixture
def postgresql_only(url: str) -> str:
    if url.startswith("sqlite"):
        pytest.skip("a lock of a file is the process's, and cannot drop before it")
    return url


@pytest.mark.fault("S21")
async def test_a_lock_whose_connection_dropped_is_taken_again(postgresql_only, url, key, database):
    second = Database.open(url, (key,))
    async with database.held():
        drop_the_lock(url)
        await database.keep_hold()
        with pytest.raises(StoreTaken):
            async with second.held():
                pass
        async with database.transaction():
            pass
    async with second.held():
        pass
    await second.close()


@pytest.mark.fault("S21")
async def test_who_lost_the_lock_to_another_process_writes_nothing_until_that_one_ends(
    postgresql_only, url, key, database
):
    second = Database.open(url, (key,))
    async with database.held():
        drop_the_lock(url)
        async with second.held():
            for _ in range(2):
                with pytest.raises(StoreTaken):
                    await database.keep_hold()
                with pytest.raises(StoreUnavailable):
                    async with database.transaction():
                        pass
        await database.keep_hold()
        async with database.transaction():
            pass
    await second.close()
