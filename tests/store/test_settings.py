"""A setting has a version; of two who change it at once, one is told."""

from __future__ import annotations

from store import settings
from store.records import Setting
from store.settings import By
from tests.builders import NOON

BY = By("T0ACME", "U0ANN", NOON)


def a_setting(version: int = 0, **changes) -> Setting:
    return Setting(
        **{"kind": "profile", "name": "research", "body": {"preset": "careful"}, **changes, "version": version}
    )


async def test_each_change_is_the_next_version(database):
    async with database.transaction() as tx:
        assert await settings.put(tx, a_setting(), BY)
        assert await settings.put(tx, a_setting(1, body={"preset": "trusted"}), BY)

        assert await settings.list_all(tx, "T0ACME") == (a_setting(2, body={"preset": "trusted"}),)


async def test_a_change_of_a_version_that_is_over_changes_nothing(database):
    async with database.transaction() as tx:
        await settings.put(tx, a_setting(), BY)

        assert not await settings.put(tx, a_setting(0, body={}), BY)
        assert not await settings.put(tx, a_setting(2, body={}), BY)
        assert await settings.list_all(tx, "T0ACME") == (a_setting(1),)


async def test_what_was_taken_back_and_made_again_is_not_the_version_before(database):
    async with database.transaction() as tx:
        await settings.put(tx, a_setting(), BY)
        await settings.put(tx, a_setting(1, body=None), BY)

        assert await settings.list_all(tx, "T0ACME") == (a_setting(2, body=None),)
        assert not await settings.put(tx, a_setting(), BY)
        assert await settings.put(tx, a_setting(2), BY)


async def test_every_change_makes_another_revision_of_that_workspace_only(database):
    async with database.transaction() as tx:
        revisions = [await settings.revision(tx, "T0ACME")]
        for setting in (a_setting(), a_setting(1, body=None), a_setting(2), a_setting(name="other")):
            await settings.put(tx, setting, BY)
            revisions.append(await settings.revision(tx, "T0ACME"))

        assert len(set(revisions)) == len(revisions)
        assert await settings.revision(tx, "T0OTHER") == 0
        assert await settings.list_all(tx, "T0OTHER") == ()
