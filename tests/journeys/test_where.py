"""Where Deputy cannot answer: its owner is told elsewhere, with the true reason, and nothing acts on unseen."""

from __future__ import annotations

import pytest

from simulator.slack import people
from simulator.slack.people import Channel
from tests.journeys.test_admission import told_alone
from tests.world import ALICE, BOB, GENERAL, World

MENTION = f"<@{people.BOT}>"
GROUP = "G0GR0VP00"
RESTRICTED = ["restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel"]
PRIVATELY = "I answer that in our direct messages"


def told(world: World, user: str = ALICE) -> str:
    alone = [*world.slack.ephemerals(user), *world.slack.dms(user)]
    return "\n".join(world.slack.text_of(message) for message in alone)


def group(world: World, *, with_deputy: bool) -> None:
    members = {ALICE, BOB} | ({people.BOT} if with_deputy else set())
    world.slack.workspace.channels[GROUP] = Channel(GROUP, "alice--bob", members, is_mpim=True)


@pytest.mark.fault("F9")
@pytest.mark.parametrize("code", RESTRICTED)
async def test_a_channel_that_takes_no_posts_is_named_as_one_and_the_words_are_given_back(
    running_world: World, code: str
):
    running_world.slack.workspace.channels[GENERAL].restricted = code
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask what can you do about it")
    await told_alone(running_world, "Slack lets only some people post in this channel")
    await running_world.settled()

    assert "what can you do about it" in told(running_world)
    assert "/invite" not in told(running_world)
    assert running_world.requests() == []


@pytest.mark.fault("F9")
async def test_an_answer_that_the_channel_does_not_take_is_told_to_its_owner(running_world: World):
    running_world.slack.workspace.channels[GENERAL].restricted = RESTRICTED[1]
    await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} what can you do about it")
    await told_alone(running_world, "Slack lets only some people post in this channel")
    await running_world.settled()

    assert "what can you do about it" in told(running_world)
    assert "/invite" not in told(running_world)


@pytest.mark.fault("F9")
async def test_where_only_threads_may_be_written_in_a_mention_is_answered(running_world: World):
    running_world.slack.workspace.channels[GENERAL].restricted = RESTRICTED[2]
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} what can you do about it")

    await running_world.answered(root)


@pytest.mark.fault("F9", "S5")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda channel: setattr(channel, "is_archived", True), "archived"),
        (lambda channel: channel.members.discard(people.BOT), "I'm not in this channel"),
        (lambda channel: setattr(channel, "restricted", RESTRICTED[1]), "Slack lets only some people post"),
    ],
    ids=["archived", "removed", "restricted"],
)
async def test_who_is_not_heard_in_the_middle_of_an_answer_is_told_and_the_session_stopped(
    running_world: World, change, words: str
):
    running_world.agents.pace = 0.02
    root = await running_world.ask(ALICE, "write a long text of 3000 words")
    await running_world.slack.until(lambda ws: ws.is_streaming(root.channel, root.ts))
    change(running_world.slack.workspace.channels[GENERAL])
    running_world.turn(241)  # a message of an answer is closed after four minutes, and the next one begun
    await told_alone(running_world, words)
    await running_world.settled()

    assert "write a long text" in told(running_world)
    assert len(running_world.sent("user.interrupt")) == 1


@pytest.mark.fault("F9")
async def test_what_is_asked_in_peoples_own_messages_is_answered_in_ours(running_world: World):
    ws = running_world.slack.workspace
    ws.channels["D0ALICEB0"] = Channel("D0ALICEB0", "bob", {ALICE, BOB}, is_private=True, is_im=True, user=BOB)
    await running_world.slack.type_command(ALICE, "D0ALICEB0", "/agent ask what can you do about it")
    await running_world.whispered(ALICE, PRIVATELY)
    await told_alone(running_world, "AI-generated")
    await running_world.settled()

    assert "/invite" not in told(running_world)
    assert running_world.slack.messages("D0ALICEB0") == []


@pytest.mark.fault("F9")
async def test_what_is_asked_in_a_groups_messages_without_deputy_is_answered_in_ours(running_world: World):
    group(running_world, with_deputy=False)
    await running_world.slack.type_command(ALICE, GROUP, "/agent ask what can you do about it")
    await running_world.whispered(ALICE, PRIVATELY)
    await told_alone(running_world, "AI-generated")

    assert "/invite" not in told(running_world)
    assert running_world.slack.messages(GROUP) == []


@pytest.mark.fault("F9")
async def test_a_group_that_deputy_was_added_to_is_served_like_a_private_channel(running_world: World):
    group(running_world, with_deputy=True)
    root = await running_world.slack.post_message(ALICE, GROUP, f"{MENTION} what can you do about it")
    await running_world.answered(root)
    await running_world.slack.post_message(ALICE, GROUP, "and now?", thread_ts=root.ts)

    await running_world.answered(root, 2)


@pytest.mark.fault("F9")
async def test_a_deputy_without_the_scope_for_groups_says_that_and_not_to_invite_it(running_world: World):
    group(running_world, with_deputy=True)
    running_world.slack.faults.add("conversations.info", error="missing_scope", times=9)
    await running_world.slack.post_message(ALICE, GROUP, f"{MENTION} what can you do about it")
    await told_alone(running_world, "I don't have Slack's permission")

    assert "/invite" not in told(running_world)
