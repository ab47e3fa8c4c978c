"""The dispatcher as seen through the whole of Deputy: what it accepted is carried out once, or the person is told."""

from sqlalchemy import select

from bot.model.command_codec import dump
from bot.model.commands import Place, ShowStatus
from store import deliveries
from store.deliveries import deliveries as deliveries_table
from store.records import ChannelId, Member, UserId, WorkspaceId
from tests.world import ALICE, GENERAL, World


async def states(world: World) -> list[tuple[str, str, object]]:
    async with world.app.database.transaction() as tx:
        rows = (await tx.connection.execute(select(deliveries_table))).all()
    return [(row.key.partition(":")[0], row.state, row.payload) for row in rows]


async def test_what_is_done_is_marked_done_and_its_words_are_erased(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: a secret of mine")
    await running_world.answered(root)
    await running_world.settled()

    assert await states(running_world) == [("command", "done", None)]


async def test_an_outage_of_slack_is_tried_again_until_the_answer_is_told(running_world: World):
    running_world.slack.faults.add("chat.postEphemeral", kind="status_500", times=2)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent status")

    await running_world.whispered(ALICE, "Services")
    await running_world.settled()
    assert [state for _, state, _ in await states(running_world)] == ["done"]


async def test_an_answer_that_cannot_be_whispered_comes_another_way(running_world: World):
    running_world.slack.faults.add("chat.postEphemeral", kind="error", error="user_not_in_channel", times=9)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent status")

    await running_world.whispered(ALICE, "Services")  # by the command's own response address


async def test_a_member_who_is_gone_at_the_restart_is_served_no_more(deputy_world: World):
    async with deputy_world.deputy() as app:
        member = Member(WorkspaceId("T0DEPUTY0"), UserId("U0NEVER00"), "T0DEPUTY0", "never")
        kind, payload = dump(ShowStatus(member, Place(ChannelId(GENERAL))))
        async with app.database.transaction() as tx:
            await deliveries.claim(tx, "command:left", kind, payload, deputy_world.clock.now())

    async with deputy_world.deputy():
        await deputy_world.settled()

        assert await states(deputy_world) == [("command", "done", None)]
        assert deputy_world.whispers("U0NEVER00") == ""


async def test_a_stored_request_that_opens_a_form_is_not_repeated_after_a_restart(deputy_world: World):
    """A form opens within three seconds of the click or never."""
    deputy_world.slack.latency["views.open"] = 60.0
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, "/agent ask")
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of("views.open"))
    deputy_world.slack.latency.clear()

    async with deputy_world.deputy():
        await deputy_world.settled()

        assert len(deputy_world.slack.calls_of("views.open")) == 1
        assert [state for _, state, _ in await states(deputy_world)] == ["done"]
