"""Vaults as the API sees them: one per member, whatever happens at once or to an answer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from store.connections import connections as connections_table
from store.tickets import tickets as tickets_table
from tests.world import ALICE, BOB, GENERAL, World


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


CREDENTIALS = "/v1/vaults/*/credentials"


def active(world: World) -> list:
    (vault,) = world.agents.vaults.values()
    return [credential for credential in vault.credentials.values() if credential.archived_at is None]


async def told(world: World, words: str) -> None:
    await world.slack.until(lambda _: any(words in world.slack.text_of(m) for m in world.slack.dms(ALICE)))


async def failing_connect(world: World) -> None:
    await world.slack.type_command(ALICE, GENERAL, "/agent connect notes")
    page = await world.walk(await world.slack.until(lambda _: world.link_for(ALICE)), ALICE, ends_well=False)
    assert page.status_code == 502


async def status(world: World) -> str:
    await world.slack.type_command(ALICE, GENERAL, "/agent status")
    return world.slack.text_of(await world.whispered(ALICE, "Services\n"))


async def test_a_reconnect_of_which_half_failed_says_that_the_old_one_is_gone(running_world: World):
    """Archived, not created: the record must not say that it works (72 of docs/oauth-threats.md#g-vault)."""
    await running_world.connect_notes(ALICE)
    running_world.agents.faults.add(CREDENTIALS, "POST", kind="status_500", times=9)

    await failing_connect(running_world)

    await told(running_world, "Claude did not store the access")
    assert active(running_world) == []
    assert "Needs a reconnect" in await status(running_world)


async def test_a_reconnect_that_failed_before_anything_changed_leaves_the_old_one(running_world: World):
    await running_world.connect_notes(ALICE)
    before = active(running_world)
    running_world.agents.faults.add(CREDENTIALS, "GET", kind="status_500", times=3)

    await failing_connect(running_world)

    await told(running_world, "Claude did not store the access")
    assert active(running_world) == before
    assert "Needs a reconnect" not in await status(running_world)


async def test_a_credential_that_nobody_knows_of_is_removed_after_a_crash(deputy_world: World):
    """Created at the API, not recorded here: what the next start cannot tell the member of must not stay."""
    async with deputy_world.deputy() as app:
        await deputy_world.connect_notes(ALICE)
        await deputy_world.slack.type_command(ALICE, GENERAL, "/agent connect notes")
        await deputy_world.slack.until(lambda _: deputy_world.link_for(ALICE))
        await deputy_world.settled()
        async with app.database.transaction() as tx:
            await tx.connection.execute(
                update(tickets_table).where(tickets_table.c.state == "new").values(state="exchanging")
            )
            await tx.connection.execute(update(connections_table).values(credential_id="vcrd_01Archived"))
    deputy_world.turn(60)
    async with deputy_world.deputy():
        await told(deputy_world, "didn't complete the connection")

        assert active(deputy_world) == []
        assert "Needs a reconnect" in await status(deputy_world)


async def test_a_full_vault_is_told_before_anything_is_stored(running_world: World):
    await running_world.connect_notes(ALICE)
    (vault,) = running_world.agents.vaults.values()
    (real,) = vault.credentials.values()
    for number in range(20):
        auth = {"type": "static_bearer", "token": "canary-x", "mcp_server_url": f"https://s{number}.example/mcp"}
        vault.credentials[f"vcrd_01{number:06}"] = replace(real, id=f"vcrd_01{number:06}", auth=auth)
    del vault.credentials[real.id]

    await failing_connect(running_world)

    await told(running_world, "twenty connections")


async def test_two_vaults_made_at_once_become_the_older_one(running_world: World):
    """As when two processes make one for the same member: nothing is in the younger yet, and it goes."""
    agents = running_world.agents

    def twin(vault) -> None:
        older = replace(vault, id="vlt_01Twin22222222222222", created_at=vault.created_at - timedelta(seconds=1))
        agents.vaults[older.id] = older

    agents.on_vault = twin
    await running_world.connect_notes(ALICE)

    assert list(agents.vaults) == ["vlt_01Twin22222222222222"]
    assert len(active(running_world)) == 1
