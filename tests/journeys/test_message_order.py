"""One message asks once, whatever Slack says of it, in whatever order, and whoever is addressed answers."""

import pytest

from bot.model import action_ids
from simulator.slack import people
from simulator.slack.methods.chat import changed_event, deleted_event
from simulator.slack.payloads import mention_event, message_event
from tests.world import ALICE, BOB, GENERAL, World

MENTION = f"<@{people.BOT}>"
CSV = {"name": "r.csv", "content": b"alpha,3", "mimetype": "text/csv"}
POSSIBLE = "In a thread I read what was written before it"


def held_back(world: World, user: str, channel: str, words: str, **fields):
    """Let somebody write a message that Slack does not tell of yet; return it."""
    emit, world.slack.emit = world.slack.emit, lambda _: None
    try:
        coroutine = world.slack.post_message(user, channel, words, **fields)
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    finally:
        world.slack.emit = emit


async def heard(world: World, count: int) -> None:
    """Return once Deputy has answered for so many events, and done what they ask."""
    await world.slack.until(lambda _: len([one for one in world.slack.deliveries.log if one.is_acked]) >= count)
    await world.settled()


def without_files(event: dict) -> dict:
    return {name: value for name, value in event.items() if name not in {"files", "subtype"}}


@pytest.mark.fault("F6")
@pytest.mark.parametrize("is_inside", [True, False])
async def test_a_mention_alone_is_told_what_is_possible_once_and_privately(running_world: World, is_inside):
    root = await running_world.slack.post_message(BOB, GENERAL, "Shall we take the bus?")
    await running_world.slack.post_message(ALICE, GENERAL, MENTION, thread_ts=root.ts if is_inside else None)
    await running_world.whispered(ALICE, POSSIBLE)
    await heard(running_world, 3)

    assert running_world.whispers(ALICE).count(POSSIBLE) == 1
    assert running_world.requests() == []


@pytest.mark.fault("F6")
async def test_a_mention_alone_in_an_own_thread_is_told_so_too(running_world: World):
    root = await running_world.ask(ALICE, "what can you do")
    await running_world.answered(root)
    await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} ", thread_ts=root.ts)

    await running_world.whispered(ALICE, POSSIBLE)


@pytest.mark.fault("F7")
@pytest.mark.parametrize("before", ["what can you do", MENTION])
async def test_a_mention_that_an_edit_adds_is_heard_once(running_world: World, before):
    running_world.slack.deliver_twice = True
    message = await running_world.slack.post_message(ALICE, GENERAL, before)
    await running_world.settled()
    await running_world.slack.edit_message(ALICE, message, f"{MENTION} what can you do")
    await running_world.answered(message)
    await running_world.settled()

    assert running_world.requests() == ["what can you do"]
    await running_world.slack.edit_message(ALICE, message, f"{MENTION} what can you do now")
    await running_world.settled()
    assert running_world.requests() == ["what can you do"]


@pytest.mark.fault("F7")
async def test_a_guest_who_adds_a_mention_is_refused_once(running_world: World):
    message = await running_world.slack.post_message(people.GUEST, GENERAL, "summarise")
    await running_world.slack.edit_message(people.GUEST, message, f"{MENTION} summarise")
    await running_world.slack.edit_message(people.GUEST, message, f"{MENTION} summarise it")
    await heard(running_world, 5)

    assert running_world.whispers(people.GUEST).count("can't work with guest accounts") == 1


@pytest.mark.fault("S17")
@pytest.mark.parametrize(("channel", "words"), [(GENERAL, f"{MENTION} what can you do"), (ALICE, "what can you do")])
async def test_what_was_deleted_before_it_came_is_not_asked(running_world: World, channel, words):
    message = held_back(running_world, ALICE, channel, words)
    workspace = running_world.slack.workspace
    workspace.remove(message)
    running_world.slack.emit(deleted_event(workspace, message))
    await heard(running_world, 1)
    running_world.slack.emit(message_event(workspace, message))
    if channel == GENERAL:
        running_world.slack.emit(mention_event(workspace, message))
    await heard(running_world, 2 + (channel == GENERAL))

    assert running_world.requests() == []


@pytest.mark.fault("S17")
async def test_a_reply_that_was_deleted_before_it_came_is_not_offered(running_world: World):
    root = await running_world.ask(ALICE, "what can you do")
    await running_world.answered(root)
    message = held_back(running_world, BOB, GENERAL, "never mind this", thread_ts=root.ts)
    workspace = running_world.slack.workspace
    workspace.remove(message)
    running_world.slack.emit(deleted_event(workspace, message))
    await running_world.settled()
    running_world.slack.emit(message_event(workspace, message))
    await running_world.settled()

    assert "never mind this" not in running_world.whispers(ALICE)


@pytest.mark.fault("S17")
async def test_what_its_author_took_back_cannot_be_passed_on(running_world: World):
    root = await running_world.ask(ALICE, "what can you do")
    await running_world.answered(root)
    message = await running_world.slack.post_message(BOB, GENERAL, "say exactly: hacked", thread_ts=root.ts)
    offer = await running_world.whispered(ALICE, "say exactly: hacked")
    await running_world.slack.delete_message(BOB, message)
    await running_world.slack.until(lambda _: "message_deleted" in str(running_world.slack.deliveries.acks[-1].payload))
    await running_world.settled()
    await running_world.slack.click(ALICE, offer, action_ids.PASS_ASIDE)
    await running_world.whispered(ALICE, "no longer there")

    assert running_world.requests() == ["what can you do"]


@pytest.mark.fault("S17")
@pytest.mark.parametrize(("channel", "before"), [(GENERAL, f"{MENTION} "), (ALICE, "")])
async def test_what_was_edited_before_it_came_is_asked_as_it_is_by_now(running_world: World, channel, before):
    message = held_back(running_world, ALICE, channel, f"{before}say exactly: one")
    workspace = running_world.slack.workspace
    first = message_event(workspace, message)
    previous = message.as_json()
    for words in ("two", "three"):
        message.text, message.blocks = f"{before}say exactly: {words}", []
        message.edited = {"user": ALICE, "ts": workspace.next_ts()}
        running_world.slack.emit(changed_event(workspace, message, previous))
        await running_world.settled()
    running_world.slack.emit(first)
    await running_world.answered(message)
    await running_world.settled()

    assert running_world.requests() == ["say exactly: three"]


@pytest.mark.fault("F11")
@pytest.mark.parametrize("comes", ["at once", "late", "never"])
async def test_a_file_is_had_also_where_the_mention_without_it_comes_first(running_world: World, comes):
    message = held_back(running_world, ALICE, GENERAL, f"{MENTION} read the attached files", files=[CSV])
    workspace = running_world.slack.workspace
    whole = message_event(workspace, message) | {"subtype": "file_share"}
    running_world.slack.emit(without_files(mention_event(workspace, message)))
    if comes == "at once":
        running_world.slack.emit(whole)
    (answer,) = await running_world.answered(message)
    if comes == "late":
        running_world.slack.emit(whole)
    await running_world.settled()

    assert "alpha,3" in running_world.slack.text_of(answer)
    assert len(running_world.requests()) == 1


@pytest.mark.fault("F11")
async def test_a_mention_whose_message_cannot_be_read_is_heard_all_the_same(running_world: World):
    message = held_back(running_world, ALICE, GENERAL, f"{MENTION} what can you do")
    running_world.slack.faults.add("conversations.replies", error="missing_scope", times=9)
    running_world.slack.emit(mention_event(running_world.slack.workspace, message))
    await running_world.answered(message)

    assert running_world.requests() == ["what can you do"]


@pytest.mark.fault("F20")
@pytest.mark.parametrize(("channel", "words"), [(ALICE, "stop"), (ALICE, "Cancel!"), (GENERAL, f"{MENTION} stop")])
async def test_stop_as_a_message_of_its_own_stops_and_says_what(running_world: World, channel, words):
    running_world.agents.pace = 0.02
    await running_world.slack.post_message(ALICE, ALICE, "write a long text of 300 words")
    await running_world.agents.until(lambda _: running_world.sent())
    await running_world.slack.post_message(ALICE, channel, words)
    await running_world.agents.until(lambda _: running_world.sent("user.interrupt"))
    running_world.agents.pace = 0
    await running_world.settled()

    assert running_world.requests() == ["write a long text of 300 words"]
    assert "Stopping “write a long text of 300 words”." in running_world.whispers(ALICE)


@pytest.mark.fault("F20")
async def test_stop_where_nothing_runs_says_so_and_asks_nobody(running_world: World):
    await running_world.slack.post_message(ALICE, ALICE, "stop")
    await running_world.whispered(ALICE, "Nothing of yours is running")
    await running_world.settled()

    assert running_world.requests() == []
