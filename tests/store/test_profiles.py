"""A profile is where it was last saved."""

from __future__ import annotations

from dataclasses import replace

from store import profiles
from store.records import SavedProfile

SAVED = SavedProfile(name="default", agent_id="agent_1", agent_version=1, environment_id="env_1", fingerprint="f" * 64)


async def test_saving_again_replaces_the_profile_of_that_name_only(database):
    newer, other = replace(SAVED, agent_version=2, fingerprint="e" * 64), replace(SAVED, name="other")
    async with database.transaction() as tx:
        assert await profiles.find(tx, "default") is None
        for saved in (SAVED, other, newer):
            await profiles.save(tx, saved)

        assert await profiles.find(tx, "default") == newer
        assert await profiles.find(tx, "other") == other
