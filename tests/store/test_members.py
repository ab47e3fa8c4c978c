"""Members are remembered as they were verified, and forgotten at once when they are gone."""

from __future__ import annotations

from datetime import timedelta

from store import members
from tests.builders import NOON, a_member


async def test_a_remembered_member_comes_back_with_the_newest_name(database):
    async with database.transaction() as tx:
        await members.remember(tx, a_member(name="Ann"), NOON)
        await members.remember(tx, a_member(name="Ann Lee", team_id="T0SUB"), NOON)

        assert await members.find(tx, "T0ACME", "U0ANN") == a_member(name="Ann Lee", team_id="T0SUB")


async def test_the_same_user_id_in_another_workspace_is_somebody_else(database):
    async with database.transaction() as tx:
        await members.remember(tx, a_member(), NOON)

        assert await members.find(tx, "T0OTHER", "U0ANN") is None


async def test_a_deactivated_member_is_given_back_once_and_found_no_more(database):
    async with database.transaction() as tx:
        await members.remember(tx, a_member(), NOON)
        await members.remember(tx, a_member("U0BOB"), NOON)

        gone = await members.deactivate(tx, "T0ACME", "U0ANN", NOON)

        assert gone == a_member()
        assert await members.deactivate(tx, "T0ACME", "U0ANN", NOON) is None
        assert await members.deactivate(tx, "T0ACME", "U0NOBODY", NOON) is None
        assert await members.find(tx, "T0ACME", "U0ANN") is None
        assert await members.list_active(tx) == (a_member("U0BOB"),)


async def test_a_request_verified_before_the_deactivation_does_not_undo_it(database):
    async with database.transaction() as tx:
        await members.remember(tx, a_member(), NOON)
        await members.deactivate(tx, "T0ACME", "U0ANN", NOON + timedelta(seconds=5))

        await members.remember(tx, a_member(), NOON + timedelta(seconds=4))
        late = await members.find(tx, "T0ACME", "U0ANN")
        await members.remember(tx, a_member(), NOON + timedelta(seconds=6))
        returned = await members.find(tx, "T0ACME", "U0ANN")

    assert late is None
    assert returned == a_member()
