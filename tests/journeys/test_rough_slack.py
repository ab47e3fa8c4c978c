"""Asking, mentioning, files, edits and deletions where Slack sends what no document promises."""

import pytest

from bot.model import action_ids
from simulator.roughness import KINDS, Roughness
from simulator.slack import people
from tests.world import ALICE, BOB, GENERAL, World

MENTION = f"<@{people.BOT}>"
CSV = {"name": "r.csv", "content": b"alpha,3", "mimetype": "text/csv"}
FAULTS = ("F11", "F13", "F27", "S17")
ROUGH = (
    ("slack:event_twice",),
    ("slack:events_reordered",),
    ("slack:mention_without_files",),
    ("slack:file_stub",),
    ("slack:org_payload",),
    ("slack:event_twice", "slack:events_reordered", "slack:mention_without_files", "slack:file_stub"),
)
pytestmark = [pytest.mark.fault(*FAULTS), pytest.mark.parametrize("kinds", ROUGH, ids="+".join)]


def roughen(world: World, kinds) -> Roughness:
    assert set(kinds) <= set(KINDS)
    rough = Roughness(kinds)
    world.peers.roughen(rough)
    return rough


async def told_all(world: World, count: int) -> None:
    """Return once Deputy has answered for so many different events, and done what they ask."""
    log = world.slack.deliveries.log
    await world.slack.until(
        lambda _: len({one.payload["event_id"] for one in log if one.is_acked and "event_id" in one.payload}) >= count
    )
    await world.settled()


async def test_a_mention_asks_once(running_world: World, kinds):
    roughen(running_world, kinds)
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} what can you do")
    await running_world.answered(root)
    await told_all(running_world, 2)

    assert running_world.requests() == ["what can you do"]
    assert len(running_world.answers(root)) == 1


async def test_a_mention_with_a_file_brings_the_file_once(running_world: World, kinds):
    rough = roughen(running_world, kinds)
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[CSV, CSV | {"name": "link", "mode": "canvas"}]
    )
    (answer,) = await running_world.answered(root)
    await told_all(running_world, 2)

    assert "alpha,3" in running_world.slack.text_of(answer)
    assert len(running_world.requests()) == 1
    assert running_world.whispers(ALICE).count("“link”: a link or document of another kind") == 1
    assert rough.struck or kinds == ("slack:org_payload",)


async def test_a_direct_message_with_a_file_only_is_a_request(running_world: World, kinds):
    roughen(running_world, kinds)
    root = await running_world.slack.post_message(ALICE, ALICE, "", files=[CSV])
    (answer,) = await running_world.answered(root)
    await told_all(running_world, 1)

    assert "alpha,3" in running_world.slack.text_of(answer)
    assert len(running_world.requests()) == 1


async def test_a_reply_of_another_with_a_file_is_offered_and_passed_on_once(running_world: World, kinds):
    roughen(running_world, kinds)
    root = await running_world.ask(ALICE, "what can you do")
    await running_world.answered(root)
    await running_world.slack.post_message(BOB, GENERAL, "", thread_ts=root.ts, files=[CSV])
    offer = await running_world.whispered(ALICE, "wrote in your thread")
    await running_world.slack.click(ALICE, offer, action_ids.PASS_ASIDE)
    await running_world.answered(root, 2)
    await running_world.settled()

    assert len(running_world.requests()) == 2
    assert running_world.requests()[1].endswith("-r.csv")


async def test_the_form_asks(running_world: World, kinds):
    rough = roughen(running_world, kinds)
    root = await running_world.slack.post_message(BOB, GENERAL, "lunch?", files=[CSV])
    await running_world.slack.use_shortcut(ALICE, root, "ask_about_message")
    form = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))
    values = {action_ids.ASK_FIELD_BLOCK: {action_ids.ASK_FIELD: "read the attached files"}}
    await running_world.slack.submit_view(ALICE, form, values)
    await running_world.agents.until(lambda _: running_world.sent())
    await running_world.settled()

    assert len(running_world.requests()) == 1
    assert "lunch?" in running_world.requests()[0]
    assert rough.struck or kinds == ("slack:mention_without_files",)


async def test_what_is_edited_and_deleted_at_once_is_not_asked_as_it_was(running_world: World, kinds):
    roughen(running_world, kinds)
    edited = await running_world.slack.post_message(ALICE, ALICE, "say exactly: one")
    await running_world.slack.edit_message(ALICE, edited, "say exactly: two")
    deleted = await running_world.slack.post_message(ALICE, ALICE, "think for 9 seconds")
    await running_world.slack.delete_message(ALICE, deleted)
    await told_all(running_world, 4)
    await running_world.settled()

    # Where the message comes first its turn may have begun: then its owner is told, or it is stopped.
    asked = [words for words in running_world.requests() if words.startswith("say")]
    assert len(asked) == 1
    assert asked == ["say exactly: two"] or "before you edited that" in running_world.whispers(ALICE)
    is_stopped = running_world.sent("user.interrupt") or "think for 9 seconds" not in running_world.requests()
    assert is_stopped


async def test_a_guest_is_refused_once(running_world: World, kinds):
    roughen(running_world, kinds)
    await running_world.slack.post_message(people.GUEST, GENERAL, f"{MENTION} summarise", files=[CSV])
    await told_all(running_world, 2)

    assert running_world.whispers(people.GUEST).count("can't work with guest accounts") == 1
