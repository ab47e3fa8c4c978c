"""A member has at most one living vault, and it is their own."""

from __future__ import annotations

import pytest

from store import vaults
from store.errors import NotFound
from store.records import VaultState
from tests.builders import NOON, a_member, store_member


async def test_an_intent_is_kept_until_the_vault_is_known(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)
        first = await vaults.intend(tx, owner, "m1", NOON)
        again = await vaults.intend(tx, owner, "m2", NOON)

        active = await vaults.activate(tx, "m1", "vlt_1")
        later = await vaults.intend(tx, owner, "m3", NOON)
        found = await vaults.find(tx, owner)

    assert (first.state, first.vault_id, first.owner) == (VaultState.CREATING, None, owner)
    assert again == first
    assert (active.state, active.vault_id, active.marker) == (VaultState.ACTIVE, "vlt_1", "m1")
    assert later == active == found


async def test_activating_twice_with_the_same_id_is_one_activation(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)
        await vaults.intend(tx, owner, "m1", NOON)

        assert await vaults.activate(tx, "m1", "vlt_1") == await vaults.activate(tx, "m1", "vlt_1")


async def test_an_intent_that_has_another_vault_or_is_unknown_cannot_be_activated(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)
        await vaults.intend(tx, owner, "m1", NOON)
        await vaults.activate(tx, "m1", "vlt_1")

        with pytest.raises(NotFound):
            await vaults.activate(tx, "m1", "vlt_2")
        with pytest.raises(NotFound):
            await vaults.activate(tx, "nobody", "vlt_3")


async def test_an_archived_vault_makes_room_for_another(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)
        old = await vaults.intend(tx, owner, "m1", NOON)
        await vaults.archive(tx, old)

        assert await vaults.find(tx, owner) is None
        with pytest.raises(NotFound):
            await vaults.activate(tx, "m1", "vlt_1")
        assert (await vaults.intend(tx, owner, "m2", NOON)).marker == "m2"


async def test_members_have_a_vault_each(database):
    async with database.transaction() as tx:
        ann, bob = await store_member(tx), await store_member(tx, a_member("U0BOB"))
        await vaults.intend(tx, ann, "m1", NOON)

        assert await vaults.find(tx, bob) is None
        assert (await vaults.intend(tx, bob, "m2", NOON)).owner == bob


async def test_only_active_vaults_are_listed(database):
    async with database.transaction() as tx:
        ann, ben = await store_member(tx), await store_member(tx, a_member("U0BEN"))
        for owner, marker in ((ann, "m1"), (ben, "m2")):
            await vaults.intend(tx, owner, marker, NOON)
        assert await vaults.list_active(tx) == ()

        active = await vaults.activate(tx, "m2", "vlt_2")

        assert await vaults.list_active(tx) == (active,)
