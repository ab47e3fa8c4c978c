import httpx2

from bot.model import action_ids
from simulator.slack import people
from tests.world import ALICE, BOB, GENERAL, World


async def gone(world: World, user: str = ALICE) -> None:
    world.slack.deactivate(user)
    await world.slack.until(lambda _: any(ack.name == "user_change" for ack in world.slack.acks))
    await world.settled()


async def test_who_is_deactivated_loses_vault_turns_and_links_at_once(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent connect notes")
    url = await running_world.slack.until(lambda _: running_world.link_for(ALICE))
    running_world.agents.pace = 0.05
    root = await running_world.ask(ALICE, "write a long text of 2000 words")
    await running_world.agents.until(lambda _: running_world.sent())

    await gone(running_world)

    assert running_world.agents.vaults == {}
    assert len(running_world.sent("user.interrupt")) == 1
    assert "stopped" in " ".join(
        running_world.slack.text_of(m) for m in running_world.slack.thread(root.channel, root.ts)
    )
    async with httpx2.AsyncClient() as http:
        assert (await http.get(url)).status_code >= 400


async def test_a_held_call_of_who_left_is_never_run(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    value = running_world.slack.buttons_of(card)[action_ids.APPROVE]["value"]

    await gone(running_world)
    await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE, value=value)
    await running_world.settled()

    assert [e for e in running_world.sent("user.tool_confirmation") if e["result"] == "allow"] == []


async def test_one_member_leaving_touches_nobody_else(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.connect_notes(BOB)

    await gone(running_world)
    root = await running_world.ask(BOB, "summarise my notes")
    (answer,) = await running_world.answered(root)

    assert "Server migration" in running_world.slack.text_of(answer)


async def test_an_account_that_only_changed_keeps_everything(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.slack.change_person(ALICE, real_name="Alice Else")
    await running_world.slack.until(lambda _: any(ack.name == "user_change" for ack in running_world.slack.acks))
    await running_world.settled()

    assert len(running_world.agents.vaults) == 1


async def test_a_deactivation_told_by_a_person_is_not_believed(running_world: World):
    """The event names its subject; one for another team is dropped."""
    await running_world.connect_notes(ALICE)
    forged = {
        "type": "event_callback",
        "team_id": "T0EV1L000",
        "api_app_id": people.APP,
        "event_id": "Ev1",
        "event": {"type": "user_change", "user": {"id": ALICE, "deleted": True}},
    }
    await running_world.slack.deliver("events_api", forged).settled.wait()
    await running_world.settled()

    assert len(running_world.agents.vaults) == 1


async def test_a_vault_that_cannot_be_deleted_now_is_deleted_at_the_next_start(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "what can you do")
        await deputy_world.answered(root)
        fault = deputy_world.agents.faults.add("/v1/vaults/*", "DELETE", kind="timeout")
        deputy_world.slack.deactivate(ALICE)
        await deputy_world.agents.until(lambda _: fault.done)
    deputy_world.agents.faults.clear()

    async with deputy_world.deputy():
        await deputy_world.agents.until(lambda world: world.vaults == {})
