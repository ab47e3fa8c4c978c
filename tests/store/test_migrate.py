"""The migrations make exactly the tables that the queries expect, and unmake them."""

from __future__ import annotations

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect, text

from simulator.patience import patience
from store import migrate
from store.all_tables import metadata
from store.database import Database
from store.errors import InvariantBroken, SchemaUnknown
from store.migrate import upgrade
from tests.builders import store_member


async def in_transaction(database, work):
    async with database.transaction() as tx:
        return await tx.connection.run_sync(work)


def checks_of(connection):
    return {
        (table, check["name"])
        for table in inspect(connection).get_table_names()
        for check in inspect(connection).get_check_constraints(table)
    }


async def test_a_migrated_database_is_what_the_tables_say(database):
    differences = await in_transaction(
        database,
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), metadata
        ),
    )

    assert differences == []


async def test_a_migrated_database_has_every_check_and_partial_index(database):
    made = await in_transaction(database, checks_of)
    partial = await in_transaction(
        database,
        lambda connection: {
            index["name"]
            for table in metadata.tables
            for index in inspect(connection).get_indexes(table)
            if any(option.endswith("_where") for option in index.get("dialect_options", {}))
        },
    )

    assert made == {
        (table.name, f"ck_{table.name}_{check.name}" if not check.name.startswith("ck_") else str(check.name))
        for table in metadata.tables.values()
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }
    assert partial == {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }


async def test_migrating_again_changes_nothing(database):
    async with database.transaction() as tx:
        await store_member(tx)

    await database.migrate()

    async with database.transaction() as tx:
        assert (await tx.connection.execute(text("SELECT count(*) FROM members"))).scalar_one() == 1


async def test_processes_that_start_together_migrate_once(url, key):
    several = [Database.open(url, (key,)) for _ in range(4)]

    async with patience():
        await asyncio.gather(*(database.migrate() for database in several))

    async with several[0].transaction() as tx:
        assert len((await tx.connection.execute(text("SELECT * FROM alembic_version"))).all()) == 1
    for database in several:
        await database.close()


async def test_downgrading_leaves_no_table_of_ours_and_upgrading_works_again(database):
    await in_transaction(database, lambda connection: command.downgrade(migrate._config(connection), "base"))
    left = await in_transaction(database, lambda connection: inspect(connection).get_table_names())
    await in_transaction(database, upgrade)
    back = await in_transaction(database, lambda connection: inspect(connection).get_table_names())

    assert left == ["alembic_version"]
    assert set(back) == {*metadata.tables, "alembic_version"}


async def test_there_is_one_history_with_one_head(database):
    scripts = ScriptDirectory("store/migrations")

    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


async def test_a_database_of_a_later_version_is_refused_and_left_alone(database):
    async with database.transaction() as tx:
        await tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaUnknown):
        await database.migrate()


async def test_foreign_keys_hold_again_after_migrating(database):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(
                text(
                    "INSERT INTO vaults (marker, workspace_id, owner_id, state, created_at)"
                    " VALUES ('m', 'T', 'U', 'creating', 0)"
                )
            )


async def test_references_that_dangle_stop_a_migration(sqlite):
    async with sqlite.transaction() as tx:
        await tx.connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        await tx.connection.execute(text("DELETE FROM members"))
    dangling = (
        "INSERT INTO vaults (marker, workspace_id, owner_id, state, created_at) VALUES ('m','T','U','creating',0)"
    )
    async with sqlite._engine.connect() as connection:
        await connection.execution_options(deputy_rebuilding=True)
        async with connection.begin():
            await connection.execute(text(dangling))
        await connection.invalidate()

    with pytest.raises(InvariantBroken, match="vaults"):
        await sqlite.migrate()
