from bot.model import action_ids
from tests.world import ALICE, BOB, World


async def test_a_member_gets_an_answer_made_of_their_own_notes(running_world: World):
    await running_world.connect_notes(ALICE)

    root = await running_world.ask(ALICE, "summarise my notes")
    thread = await running_world.answer_in(root)

    text = running_world.slack.text_of(thread[-1])
    assert "Offsite plan" in text
    assert {call.account for call in running_world.notes.calls} == {"alice@example.com"}


async def test_the_line_with_the_stop_button_is_gone_once_the_answer_is_there(running_world: World):
    root = await running_world.ask(ALICE, "what can you do?")
    await running_world.answer_in(root)

    await running_world.slack.until(
        lambda _: (
            not any(
                "Working on it" in running_world.slack.text_of(m)
                for m in running_world.slack.thread(root.channel, root.ts)
            )
        )
    )


async def test_an_approved_call_is_carried_out_once(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.answer_in(root)

    assert running_world.notes.accounts["alice@example.com"]["Lunch"] == "soup at noon"
    assert [call.tool for call in running_world.notes.calls].count("write_note") == 1


async def test_a_denied_call_is_not_carried_out_and_the_turn_goes_on(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    card = await running_world.button(ALICE, root, action_ids.DENY)

    await running_world.slack.click(ALICE, card, action_ids.DENY)
    await running_world.answer_in(root)

    assert "Lunch" not in running_world.notes.accounts["alice@example.com"]


async def test_another_members_click_decides_nothing(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    value = running_world.slack.buttons_of(card, ALICE)[action_ids.APPROVE]["value"]

    await running_world.slack.forge_click(BOB, card, action_ids.APPROVE, value=value)
    await running_world.slack.until(lambda _: running_world.slack.ephemerals(BOB))

    assert "Lunch" not in running_world.notes.accounts["alice@example.com"]
    assert action_ids.APPROVE in running_world.slack.buttons_of(card, ALICE)


async def test_a_follow_up_goes_to_the_same_session_and_waits_its_turn(running_world: World):
    root = await running_world.ask(ALICE, "write a long text of 400 words")
    await running_world.slack.post_message(ALICE, root.channel, "what did I ask before?", thread_ts=root.ts)
    await running_world.slack.until(
        lambda _: (
            sum(
                "AI-generated" in running_world.slack.text_of(m)
                for m in running_world.slack.thread(root.channel, root.ts)
            )
            == 2
        ),
    )

    assert len(running_world.agents.sessions) == 1


async def test_a_stopped_turn_says_so_and_stops_at_the_session(running_world: World):
    running_world.agents.pace = 0.05
    root = await running_world.ask(ALICE, "write a long text of 2000 words")
    control = await running_world.button(ALICE, root, action_ids.STOP)

    await running_world.slack.click(ALICE, control, action_ids.STOP)
    thread = await running_world.answer_in(root, "stopped")

    assert not any(message.streaming_state == "open" for message in thread)


async def test_a_restart_in_the_middle_of_a_turn_loses_and_doubles_nothing(deputy_world: World):
    deputy_world.agents.pace = 0.02
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 300 words")
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of("chat.appendStream"))
    async with deputy_world.deputy():
        thread = await deputy_world.answer_in(root)

    sent = [
        event
        for session in deputy_world.agents.sessions.values()
        for event in session.events
        if event["type"] == "user.message"
    ]
    assert len({event["id"] for event in sent}) == 1
    assert sum("AI-generated" in deputy_world.slack.text_of(message) for message in thread) == 1
