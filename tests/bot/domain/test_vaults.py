"""Vaults as the API sees them: one per member, whatever happens at once or to an answer."""

import pytest

from tests.world import ALICE, BOB, World


async def test_many_requests_at_once_make_one_vault(running_world: World):
    roots = [await running_world.ask(ALICE, f"say exactly: {number}") for number in range(3)]
    for root in roots:
        await running_world.answered(root)

    assert len(running_world.agents.vaults) == 1
    assert len(running_world.agents.sessions) == 3


async def test_each_member_has_a_vault_that_says_whose_it_is(running_world: World):
    for user in (ALICE, BOB):
        await running_world.answered(await running_world.ask(user, "what can you do"))

    owners = sorted(vault.metadata["external_user_id"] for vault in running_world.agents.vaults.values())
    assert [owner.endswith(user) for owner, user in zip(owners, sorted([ALICE, BOB]), strict=True)] == [True, True]


@pytest.mark.parametrize("kind", ["connection_error_after", "timeout_after"])
async def test_a_vault_whose_making_was_never_confirmed_is_found_after_a_restart(deputy_world: World, kind: str):
    fault = deputy_world.agents.faults.add("/v1/vaults", "POST", kind=kind)
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "what can you do")
        await deputy_world.agents.until(lambda _: fault.done)
    async with deputy_world.deputy():
        await deputy_world.answered(root)

        assert len(deputy_world.agents.vaults) == 1


async def test_a_session_found_with_another_vault_is_never_used(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: one")
    await running_world.answered(root)
    await running_world.settled()
    (session,) = running_world.agents.sessions.values()
    session.vault_ids = ["vlt_01SomebodyElse"]

    await running_world.slack.post_message(ALICE, root.channel, "say exactly: two", thread_ts=root.ts)
    await running_world.answered(root, 2)

    sent = [event["content"][-1]["text"] for event in session.events if event["type"] == "user.message"]
    assert sent == ["say exactly: one"]
    assert len(await running_world.audited("session.refused")) == 1
