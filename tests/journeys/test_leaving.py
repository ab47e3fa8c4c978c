import asyncio

import pytest

from simulator.patience import patience
from simulator.slack.people import BOT, TEAM
from tests.world import ALICE, GENERAL, World


def vaults_of(world: World, user: str):
    owner = f"{TEAM}/{user}"
    return [vault for vault in world.agents.vaults.values() if vault.metadata.get("external_user_id") == owner]


@pytest.mark.fault("C1")
async def test_who_left_is_not_served_on_what_was_known_of_them_minutes_ago(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: hello")
    await running_world.answer_in(root)
    running_world.slack.deactivate(ALICE)
    await running_world.agents.until(lambda _: not vaults_of(running_world, ALICE))
    sessions = len(running_world.agents.sessions)

    # Slack delivers again what it had not got an answer for, up to five minutes later.
    await running_world.slack.post_message(ALICE, GENERAL, f"<@{BOT}> and now?", thread_ts=root.ts, forge=True)

    def is_refused(_):
        calls = running_world.slack.calls
        return any(call.method == "chat.postEphemeral" and call.args["user"] == ALICE for call in calls)

    await running_world.slack.until(is_refused)
    assert vaults_of(running_world, ALICE) == []
    assert len(running_world.agents.sessions) == sessions


@pytest.mark.fault("C1")
async def test_a_turn_that_was_just_beginning_makes_no_vault_for_who_left(running_world: World):
    running_world.slack.latency_after["chat.postMessage"] = 0.3
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask say exactly: hello")
    # The root is there, the line with the Stop button not yet answered for, so no vault was needed so far.
    await running_world.slack.until(lambda _: len(running_world.slack.calls_of("chat.postMessage", ok=True)) == 2)
    assert vaults_of(running_world, ALICE) == []

    running_world.slack.deactivate(ALICE)
    async with patience():
        while running_world.app.supervisor.driven:  # noqa: ASYNC110 - it has no event for this, nobody else waits
            await asyncio.sleep(0.01)

    assert vaults_of(running_world, ALICE) == []
    assert running_world.agents.sessions == {}
