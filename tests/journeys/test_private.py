"""Who asks for a private answer gets one, or is told that they do not: whatever way the words came in."""

from __future__ import annotations

import pytest

from bot.model import action_ids
from simulator.slack import people
from simulator.slack.methods.chat import changed_event
from simulator.slack.payloads import message_event
from tests.journeys.test_message_order import held_back
from tests.world import ALICE, BOB, GENERAL, World

MENTION = f"<@{people.BOT}>"
READ = "others can read this thread"
UNSURE = "I'm not sure what you mean by"
PLAIN = ["--private {}", "\u2014private {}", "{} --private", "-- private\n{}", "- - private {}", "*--private* {}"]
UNCLEAR = ["--privat {}", "{} \u2014 private", "my --private {}", "{}\u2014private"]


def said_in(world: World, channel: str) -> str:
    return "\n".join(world.slack.text_of(one) for one in world.slack.messages(channel) if one.user == people.BOT)


@pytest.mark.fault("F1")
@pytest.mark.parametrize("words", PLAIN)
async def test_a_mention_that_asks_for_a_private_answer_gets_one(running_world: World, words: str):
    await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} {words.format('what can you do')}")
    await running_world.whispered(ALICE, "I answer that in our direct messages")
    await running_world.settled()

    assert running_world.requests() == ["what can you do"]
    assert said_in(running_world, GENERAL) == ""
    answer = next(one for one in running_world.slack.dms(ALICE) if "AI-generated" in running_world.slack.text_of(one))
    assert answer.thread_ts in {one.ts for one in running_world.slack.dms(ALICE)}


@pytest.mark.fault("F1")
@pytest.mark.parametrize("words", UNCLEAR)
async def test_a_mention_that_may_have_meant_private_is_asked_nowhere(running_world: World, words: str):
    await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} {words.format('what can you do')}")
    await running_world.whispered(ALICE, UNSURE)
    await running_world.settled()

    assert "what can you do" in running_world.whispers(ALICE)
    assert running_world.requests() == []


@pytest.mark.fault("F1")
@pytest.mark.parametrize("user", [ALICE, BOB])
@pytest.mark.parametrize("mention", [f"{MENTION} ", ""])
async def test_a_reply_in_a_public_thread_that_asks_for_a_private_answer_is_told_so(
    running_world: World, user: str, mention: str
):
    root = await running_world.ask(ALICE, "what can you do")
    await running_world.answered(root)
    await running_world.slack.post_message(user, GENERAL, f"{mention}\u2014private my pay", thread_ts=root.ts)
    await running_world.whispered(user, READ)
    await running_world.settled()

    assert "my pay" in running_world.whispers(user)
    assert running_world.requests() == ["what can you do"]
    assert user == ALICE or "my pay" not in running_world.whispers(ALICE)


@pytest.mark.fault("F1")
@pytest.mark.parametrize("words", ["--private {}", "\u2014private {}", "{} --private"])
async def test_in_direct_messages_the_flag_is_only_taken_off(running_world: World, words: str):
    root = await running_world.slack.post_message(ALICE, ALICE, words.format("what can you do"))
    await running_world.answered(root)

    assert running_world.requests() == ["what can you do"]


@pytest.mark.fault("F1")
async def test_a_direct_message_with_what_is_no_flag_is_asked_as_it_is(running_world: World):
    root = await running_world.slack.post_message(ALICE, ALICE, "-milk -eggs: what can you do")
    await running_world.answered(root)

    assert running_world.requests() == ["-milk -eggs: what can you do"]


async def fill_in(world: World, task: str) -> None:
    form = await world.slack.until(lambda _: world.slack.modal_of(ALICE))
    await world.slack.submit_view(ALICE, form, {action_ids.ASK_FIELD_BLOCK: {action_ids.ASK_FIELD: task}})


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    ("typed", "task"),
    [
        ("/agent ask --private", "what can you do"),
        ("/agent ask \u2014private", "what can you do"),
        ("/agent ask", "--private what can you do"),
        ("/agent ask", "what can you do \u2014private"),
    ],
)
async def test_a_form_that_is_to_be_answered_in_private_is(running_world: World, typed: str, task: str):
    await running_world.slack.type_command(ALICE, GENERAL, typed)
    await fill_in(running_world, task)
    await running_world.slack.until(lambda _: running_world.requests())
    await running_world.settled()

    assert running_world.requests() == ["what can you do"]
    assert said_in(running_world, GENERAL) == ""


@pytest.mark.fault("F1")
async def test_a_form_that_may_have_meant_private_is_given_back(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask")
    await fill_in(running_world, "--privat what can you do")
    await running_world.whispered(ALICE, UNSURE)

    assert "what can you do" in running_world.whispers(ALICE)
    assert running_world.requests() == []


@pytest.mark.fault("F1")
@pytest.mark.parametrize("words", ["--private what can you do", "--privat what can you do"])
async def test_an_edit_that_asks_for_a_private_answer_takes_the_request_back(running_world: World, words: str):
    running_world.agents.pace = 0.02
    root = await running_world.ask(ALICE, "write a long text of 3000 words")
    await running_world.slack.until(lambda ws: ws.is_streaming(root.channel, root.ts))
    reply = await running_world.slack.post_message(ALICE, GENERAL, "what can you do", thread_ts=root.ts)
    await running_world.answer_in(root, "Queued")
    await running_world.slack.edit_message(ALICE, reply, words)
    await running_world.whispered(ALICE, READ)
    running_world.agents.pace = 0
    await running_world.answered(root)
    await running_world.settled()

    assert running_world.requests() == ["write a long text of 3000 words"]


@pytest.mark.fault("F1")
async def test_an_edit_that_comes_before_its_message_decides_who_reads_the_answer(running_world: World):
    message, workspace = held_back(running_world, ALICE, GENERAL, f"{MENTION} hi"), running_world.slack.workspace
    first, previous = message_event(workspace, message), message.as_json()
    message.text, message.blocks = f"{MENTION} \u2014private what can you do", []
    message.edited = {"user": ALICE, "ts": workspace.next_ts()}
    running_world.slack.emit(changed_event(workspace, message, previous))
    await running_world.settled()
    running_world.slack.emit(first)
    await running_world.whispered(ALICE, "I answer that in our direct messages")
    await running_world.settled()

    assert running_world.requests() == ["what can you do"]
    assert said_in(running_world, GENERAL) == ""
