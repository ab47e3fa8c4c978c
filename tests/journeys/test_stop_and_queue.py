from bot.model import action_ids
from simulator.slack import people
from tests.world import ALICE, BOB, CAROL, GENERAL, World

LONG = "write a long text of 2000 words"


async def at_work(world: World, user: str = ALICE, task: str = LONG):
    """Let a turn get as far as text in its thread; return the root."""
    world.agents.pace = 0.05
    root = await world.ask(user, task)
    await world.slack.until(lambda ws: ws.is_streaming(root.channel, root.ts))
    return root


async def stopped(world: World, root) -> None:
    """Wait for the end of a stopped turn, and see that it was one."""
    thread = await world.answer_in(root, "stopped")
    assert not any(message.streaming_state == "in_progress" for message in thread)
    await world.settled()
    assert len(world.sent("user.interrupt")) == 1


async def test_a_turn_is_stopped_by_its_button(running_world: World):
    root = await at_work(running_world)
    control = await running_world.button(ALICE, root, action_ids.STOP)

    await running_world.slack.click(ALICE, control, action_ids.STOP)

    await stopped(running_world, root)


async def test_a_turn_is_stopped_by_the_word(running_world: World):
    root = await at_work(running_world)

    await running_world.slack.post_message(ALICE, root.channel, "Stop!", thread_ts=root.ts)

    await stopped(running_world, root)
    assert len(running_world.requests()) == 1


async def test_a_turn_is_stopped_by_the_command(running_world: World):
    root = await at_work(running_world)

    await running_world.slack.type_command(ALICE, GENERAL, "/agent stop")

    await stopped(running_world, root)


async def test_a_turn_is_stopped_by_slacks_own_stop(running_world: World):
    root = await at_work(running_world)
    stream = next(m for m in running_world.slack.thread(root.channel, root.ts) if m.streaming_state == "in_progress")

    await running_world.slack.press_native_stop(ALICE, stream)
    await running_world.settled()

    assert len(running_world.sent("user.interrupt")) == 1
    assert running_world.slack.workspace.open_streams() == []
    (session,) = running_world.slack.workspace.sessions.values()
    assert session.status == "active"


async def test_slacks_own_stop_pressed_by_another_does_not_stop_the_agent(running_world: World):
    running_world.agents.pace = 0.02
    root = await at_work(running_world, task="write a long text of 60 words")
    stream = next(m for m in running_world.slack.thread(root.channel, root.ts) if m.streaming_state == "in_progress")

    await running_world.slack.press_native_stop(BOB, stream)

    await running_world.whispered(BOB, "Only the person who asked can stop this")
    await running_world.settled()
    assert running_world.sent("user.interrupt") == []


async def test_a_stop_by_a_non_owner_is_refused_privately(running_world: World):
    root = await at_work(running_world)
    control = await running_world.button(ALICE, root, action_ids.STOP)
    value = running_world.slack.buttons_of(control)[action_ids.STOP]["value"]

    assert running_world.slack.buttons_of(control, BOB) == {}
    await running_world.slack.forge_click(BOB, control, action_ids.STOP, value=value)

    await running_world.whispered(BOB, "Only the person who asked can stop this")
    assert running_world.sent("user.interrupt") == []
    assert running_world.whispers(ALICE) == ""


async def test_an_admin_may_stop_any_turn_and_it_is_recorded(running_world: World):
    root = await at_work(running_world)
    control = await running_world.button(ALICE, root, action_ids.STOP)
    value = running_world.slack.buttons_of(control)[action_ids.STOP]["value"]

    await running_world.slack.forge_click(CAROL, control, action_ids.STOP, value=value)
    await stopped(running_world, root)

    (entry,) = await running_world.audited("turn.stopped")
    assert (entry.actor, entry.details["owner"]) == (CAROL, ALICE)


async def test_stopping_what_waits_for_a_decision_runs_nothing(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    value = running_world.slack.buttons_of(card)[action_ids.APPROVE]["value"]

    await running_world.slack.post_message(ALICE, root.channel, "stop", thread_ts=root.ts)
    await running_world.answer_in(root, "stopped")
    await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE, value=value)
    await running_world.whispered(ALICE, "already handled")
    await running_world.settled()

    assert [e["result"] for e in running_world.sent("user.tool_confirmation") if e["result"] == "allow"] == []
    assert "Withdrawn" in running_world.slack.text_of(card)


async def test_a_stopped_thread_goes_on_with_the_next_request(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    await running_world.button(ALICE, root, action_ids.APPROVE)
    await running_world.slack.post_message(ALICE, root.channel, "stop", thread_ts=root.ts)
    await running_world.answer_in(root, "stopped")

    await running_world.slack.post_message(ALICE, root.channel, "what can you do", thread_ts=root.ts)
    await running_world.answer_in(root, "I can read, search")

    assert running_world.requests() == ["run `ls`", "what can you do"]
    assert len(running_world.agents.sessions) == 1


async def test_nothing_to_stop_is_said_privately(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent stop")

    await running_world.whispered(ALICE, "Nothing of yours is running")


async def test_with_several_running_the_command_lets_choose(running_world: World):
    first = await at_work(running_world)
    second = await running_world.ask(ALICE, "write a long text of 1999 words")
    await running_world.agents.until(lambda _: len(running_world.sent()) == 2)

    await running_world.slack.type_command(ALICE, GENERAL, "/agent stop")
    picker = await running_world.whispered(ALICE, "Which request should I stop?")
    labels = [b["accessory"] for b in picker.blocks if b.get("accessory")]
    value = next(b["value"] for b in labels if "1999" in b["accessibility_label"])
    await running_world.slack.click(ALICE, picker, action_ids.STOP, value=value)
    await running_world.answer_in(second, "stopped")

    assert running_world.slack.workspace.is_streaming(first.channel, first.ts)


async def test_anothers_running_turns_are_not_offered_for_stopping(running_world: World):
    await at_work(running_world)

    await running_world.slack.type_command(BOB, GENERAL, "/agent stop")

    await running_world.whispered(BOB, "Nothing of yours is running")


async def test_follow_ups_are_shown_as_queued_and_answered_in_order(running_world: World):
    root = await running_world.ask(ALICE, "think for 1 seconds")
    await running_world.agents.until(lambda _: running_world.sent())
    for words in ("say exactly: one", "say exactly: two"):
        await running_world.slack.post_message(ALICE, root.channel, words, thread_ts=root.ts)

    def queued(_):
        thread = running_world.slack.thread(root.channel, root.ts)
        return sum("Queued" in running_world.slack.text_of(message) for message in thread) == 2

    await running_world.slack.until(queued)
    await running_world.answered(root, 3)
    await running_world.settled()

    assert running_world.requests() == ["think for 1 seconds", "say exactly: one", "say exactly: two"]
    assert len(running_world.agents.sessions) == 1
    thread = running_world.slack.thread(root.channel, root.ts)
    assert not any(action_ids.STOP in running_world.slack.buttons_of(message) for message in thread)


async def test_a_queued_request_whose_message_is_deleted_is_withdrawn(running_world: World):
    root = await running_world.ask(ALICE, "think for 1 seconds")
    await running_world.agents.until(lambda _: running_world.sent())
    message = await running_world.slack.post_message(ALICE, root.channel, "say exactly: one", thread_ts=root.ts)
    await running_world.answer_in(root, "Queued")

    await running_world.slack.delete_message(ALICE, message)
    await running_world.answered(root)
    await running_world.settled()

    assert running_world.requests() == ["think for 1 seconds"]
    thread = running_world.slack.thread(root.channel, root.ts)
    assert not any("Queued" in running_world.slack.text_of(message) for message in thread)


async def test_an_edited_message_is_not_asked_again(running_world: World):
    message = await running_world.slack.post_message(ALICE, GENERAL, f"<@{people.BOT}> say exactly: one")
    await running_world.answer_in(message)

    await running_world.slack.edit_message(ALICE, message, f"<@{people.BOT}> say exactly: two")
    await running_world.slack.until(lambda _: sum(ack.name == "app_mention" for ack in running_world.slack.acks) == 2)
    await running_world.settled()

    assert running_world.requests() == ["say exactly: one"]


async def test_a_mention_and_its_message_are_one_turn(running_world: World):
    message = await running_world.slack.post_message(ALICE, GENERAL, f"<@{people.BOT}> say exactly: one")
    await running_world.answer_in(message)
    await running_world.settled()

    assert {ack.name for ack in running_world.slack.acks} >= {"app_mention", "message"}
    assert running_world.requests() == ["say exactly: one"]


async def test_events_that_come_twice_are_done_once(running_world: World):
    running_world.slack.deliver_twice = True
    message = await running_world.slack.post_message(ALICE, GENERAL, f"<@{people.BOT}> say exactly: one")
    await running_world.answer_in(message)
    await running_world.slack.post_message(ALICE, GENERAL, "say exactly: two", thread_ts=message.ts)
    await running_world.answered(message, 2)
    await running_world.settled()

    assert running_world.requests() == ["say exactly: one", "say exactly: two"]


async def test_a_command_that_comes_twice_is_done_once(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: one")
    await running_world.answered(root)
    first = next(delivery for delivery in running_world.slack.deliveries.log if delivery.kind == "slash_commands")

    again = running_world.slack.deliver("slash_commands", first.payload)
    await again.settled.wait()
    await running_world.settled()

    assert running_world.requests() == ["say exactly: one"]


async def test_a_dm_is_a_request_and_its_thread_goes_on(running_world: World):
    message = await running_world.slack.post_message(ALICE, ALICE, "say exactly: one")
    await running_world.answer_in(message)
    await running_world.slack.post_message(ALICE, ALICE, "what did I ask before?", thread_ts=message.ts)
    await running_world.answered(message, 2)

    assert len(running_world.agents.sessions) == 1


async def test_plain_talk_in_a_channel_is_none_of_our_business(running_world: World):
    root = await running_world.slack.post_message(BOB, GENERAL, "lunch?")
    await running_world.slack.post_message(ALICE, GENERAL, "yes", thread_ts=root.ts)
    await running_world.slack.until(lambda _: len(running_world.slack.acks) == 2)
    await running_world.settled()

    assert running_world.agents.sessions == {}
    assert running_world.whispers(ALICE) == running_world.whispers(BOB) == ""


async def test_two_answers_at_once_do_not_mix(running_world: World):
    running_world.agents.pace = 0.005
    first = await running_world.ask(ALICE, "say exactly: " + "apples " * 60)
    second = await running_world.ask(BOB, "say exactly: " + "pears " * 60)
    (one,), (other,) = await running_world.answered(first), await running_world.answered(second)

    assert "pears" not in running_world.slack.text_of(one)
    assert "apples" not in running_world.slack.text_of(other)
