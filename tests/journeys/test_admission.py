"""Who reads along is asked at the act: whatever led to a request, and however long ago it was let in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from bot.domain.turns.guarded_answer import WATCHED_EVERY
from bot.model import action_ids
from simulator.slack import people
from store.approvals import approvals as approvals_table
from tests.world import ALICE, BOB, GENERAL, World

Change = Callable[[World], Awaitable[None]]
MENTION = f"<@{people.BOT}>"


async def shared(world: World) -> None:
    world.slack.workspace.channels[GENERAL].is_ext_shared = True


async def about_to_be_shared(world: World) -> None:
    world.slack.workspace.channels[GENERAL].is_pending_ext_shared = True


async def answers_private(world: World) -> None:
    await world.configure({"channels": {GENERAL: {"answers": "private"}}})


async def left(world: World) -> None:
    world.slack.workspace.channels[GENERAL].members.discard(people.BOT)


async def archived(world: World) -> None:
    world.slack.workspace.channels[GENERAL].is_archived = True


CHANGES: dict[Change, str] = {
    shared: "shared with another organisation",
    about_to_be_shared: "shared with another organisation",
    answers_private: "answered in private now",
}
CLOSED: dict[Change, str] = {left: "I'm not in this channel", archived: "archived"}
changes = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
closings = pytest.mark.parametrize("change", CHANGES | CLOSED, ids=lambda change: change.__name__)


async def told_alone(world: World, words: str) -> None:
    """Return once Alice was told, where nobody else reads it."""

    def found(_):
        alone = [*world.slack.ephemerals(ALICE), *world.slack.dms(ALICE)]
        return any(words in world.slack.text_of(message) for message in alone)

    await world.slack.until(found)


def seen(world: World) -> list[str]:
    """Return what everybody in the channel can read of Deputy's."""
    return [world.slack.text_of(one) for one in world.slack.messages(GENERAL) if one.user == people.BOT]


def states(world: World) -> list[str]:
    """Return what Slack shows of the agent's sessions."""
    return [session.status for session in world.slack.workspace.sessions.values()]


async def an_aside(world: World):
    root = await world.ask(ALICE, "say exactly: one")
    await world.answered(root)
    await world.slack.post_message(BOB, GENERAL, "say exactly: two", thread_ts=root.ts)
    offer = await world.whispered(ALICE, "wrote in your thread")
    return lambda: world.slack.click(ALICE, offer, action_ids.PASS_ASIDE)


async def a_failure(world: World):
    root = await world.ask(ALICE, "please fail")
    button = await world.button(ALICE, root, action_ids.ASK_AGAIN)
    await world.settled()
    return lambda: world.slack.click(ALICE, button, action_ids.ASK_AGAIN)


async def words_for_a_failure(world: World):
    root = await world.ask(ALICE, "please fail")
    await world.button(ALICE, root, action_ids.ASK_AGAIN)
    await world.settled()
    return lambda: world.slack.post_message(ALICE, GENERAL, "try again", thread_ts=root.ts)


async def a_thread(world: World):
    root = await world.ask(ALICE, "say exactly: one")
    await world.answered(root)
    await world.settled()
    return lambda: world.slack.post_message(ALICE, GENERAL, "say exactly: two", thread_ts=root.ts)


async def a_form(world: World):
    await world.slack.type_command(ALICE, GENERAL, "/agent ask")
    form = await world.slack.until(lambda _: world.slack.modal_of(ALICE))
    values = {action_ids.ASK_FIELD_BLOCK: {action_ids.ASK_FIELD: "say exactly: two"}}
    return lambda: world.slack.submit_view(ALICE, form, values)


WAYS = [an_aside, a_failure, words_for_a_failure, a_thread]


@pytest.mark.fault("S3", "S15", "C2")
@changes
@pytest.mark.parametrize("way", [*WAYS, a_form], ids=lambda way: way.__name__)
async def test_whatever_leads_to_a_request_who_reads_along_is_asked_then(running_world: World, way, change: Change):
    if (way, change) == (a_form, answers_private):
        pytest.skip("what is asked in a form then is answered in private")
    act = await way(running_world)
    before = running_world.requests()
    await change(running_world)

    await act()
    await told_alone(running_world, CHANGES[change])
    await running_world.settled()

    assert running_world.requests() == before


@pytest.mark.fault("S3")
@closings
async def test_a_queued_request_is_not_shown_where_others_read_along_by_the_time_it_begins(
    running_world: World, change: Change
):
    root = await running_world.ask(ALICE, "think for 1 seconds")
    await running_world.agents.until(lambda _: running_world.sent())
    await running_world.slack.post_message(ALICE, GENERAL, "say exactly: two", thread_ts=root.ts)
    await running_world.answer_in(root, "Queued")
    await change(running_world)
    await told_alone(running_world, (CHANGES | CLOSED)[change])
    await running_world.settled()

    assert running_world.requests() == ["think for 1 seconds"]
    assert not any("two" in text for text in seen(running_world))


@pytest.mark.fault("S3")
@closings
async def test_after_hours_of_waiting_for_a_decision_who_reads_along_is_asked_again(
    running_world: World, change: Change
):
    root = await running_world.ask(ALICE, "run `echo abracadabra`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    value = running_world.slack.buttons_of(card, ALICE)[action_ids.APPROVE]["value"]
    await change(running_world)

    await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE, value=value)
    await told_alone(running_world, (CHANGES | CLOSED)[change])

    assert running_world.sent("user.tool_confirmation") == []


@pytest.mark.fault("S3")
@changes
async def test_what_nobody_decides_is_not_answered_where_others_read_along_by_then(
    running_world: World, change: Change
):
    root = await running_world.ask(ALICE, "run `echo abracadabra`")
    await running_world.button(ALICE, root, action_ids.APPROVE)
    before = len(seen(running_world))
    await change(running_world)
    running_world.turn(15 * 60 + 1)
    await told_alone(running_world, CHANGES[change])
    await running_world.settled()

    assert len(seen(running_world)) == before - 1, "the line with the Stop button goes, and nothing comes"
    assert running_world.slack.workspace.open_streams() == []
    assert set(states(running_world)) <= {"active"}


@pytest.mark.fault("S3", "C2")
async def test_an_answer_that_is_being_written_is_not_gone_on_with_once_others_read_along(running_world: World):
    running_world.agents.pace = 0.02
    root = await running_world.ask(ALICE, "write a long text of 2000 words")
    await running_world.slack.until(lambda ws: ws.is_streaming(root.channel, root.ts))
    await shared(running_world)
    running_world.turn(61)
    await told_alone(running_world, "shared with another organisation")
    await running_world.settled()

    assert running_world.slack.workspace.open_streams() == []
    assert len(running_world.sent("user.interrupt")) == 1
    assert "AI-generated" not in " ".join(seen(running_world))


@pytest.mark.fault("S3", "S15")
@pytest.mark.parametrize("how", ["slack_says_so", "an_admin_says_so"])
async def test_an_answer_stops_at_once_where_it_is_told_that_its_readers_changed(running_world: World, how: str):
    """Without waiting for the minute after which it is asked anyway."""
    running_world.agents.pace = 0.02
    root = await running_world.ask(ALICE, "write a long text of 4000 words")
    await running_world.slack.until(lambda ws: ws.is_streaming(root.channel, root.ts))
    since = running_world.clock.steady()
    if how == "slack_says_so":
        running_world.slack.share(root.channel)
        words = CHANGES[shared]
    else:
        await answers_private(running_world)
        running_world.turn(7)
        words = CHANGES[answers_private]

    await told_alone(running_world, words)
    assert running_world.clock.steady() - since < WATCHED_EVERY / 2
    await running_world.settled()
    assert running_world.slack.workspace.open_streams() == []
    assert "AI-generated" not in " ".join(seen(running_world))


@pytest.mark.fault("S3")
async def test_after_a_restart_who_reads_along_is_asked_before_anything_is_shown(deputy_world: World):
    async with deputy_world.deputy():
        deputy_world.agents.pace = 0.02
        root = await deputy_world.ask(ALICE, "write a long text of 1000 words")
        await deputy_world.slack.until(lambda ws: ws.is_streaming(root.channel, root.ts))
    await shared(deputy_world)
    deputy_world.agents.pace = 0
    async with deputy_world.deputy():
        await told_alone(deputy_world, "shared with another organisation")
        await deputy_world.settled()

    assert deputy_world.slack.workspace.open_streams() == []
    assert not any("AI-generated" in text for text in seen(deputy_world))


@pytest.mark.fault("S3", "S2")
async def test_who_became_a_guest_while_their_request_waited_in_line_is_not_served(running_world: World):
    root = await running_world.ask(ALICE, "think for 1 seconds")
    await running_world.agents.until(lambda _: running_world.sent())
    await running_world.slack.post_message(ALICE, GENERAL, "say exactly: two", thread_ts=root.ts)
    await running_world.answer_in(root, "Queued")
    running_world.slack.workspace.people[ALICE].is_restricted = True
    await told_alone(running_world, "can't work with guest accounts")
    await running_world.settled()

    assert running_world.requests() == ["think for 1 seconds"]


@pytest.mark.fault("S15")
async def test_who_reads_along_is_said_as_it_is_when_the_thread_begins(running_world: World):
    await running_world.configure({"audience": {"shared_channels": True}})
    await running_world.answered(await running_world.ask(ALICE, "what can you do?"))
    channel = running_world.slack.workspace.channels[GENERAL]
    channel.is_ext_shared, channel.connected_teams = True, {people.OTHER_TEAM: "Partners Ltd"}

    root = await running_world.ask(ALICE, "what can you do?")

    assert "also at Partners Ltd" in running_world.slack.text_of(root)


@pytest.mark.fault("S16")
async def test_of_two_mentions_under_one_message_the_second_is_offered_a_thread_of_its_own(running_world: World):
    root = await running_world.slack.post_message(people.CAROL, GENERAL, "Shall we take the bus?")
    running_world.slack.latency["conversations.replies"] = 0.3
    for user, words in ((ALICE, "say exactly: one"), (BOB, "say exactly: two")):
        await running_world.slack.post_message(user, GENERAL, f"{MENTION} {words}", thread_ts=root.ts)

    def offered(_):
        told = [*running_world.slack.ephemerals(ALICE), *running_world.slack.ephemerals(BOB)]
        return any("This thread acts as" in running_world.slack.text_of(message) for message in told)

    await running_world.slack.until(offered)
    await running_world.settled()

    assert len(running_world.requests()) == 1
    assert "Something broke" not in running_world.whispers(ALICE) + running_world.whispers(BOB)


@pytest.mark.fault("S16")
async def test_two_requests_of_one_person_under_one_message_are_both_heard(running_world: World):
    root = await running_world.slack.post_message(people.CAROL, GENERAL, "Shall we take the bus?")
    running_world.slack.latency["conversations.replies"] = 0.3
    for words in ("say exactly: one", "say exactly: two"):
        await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} {words}", thread_ts=root.ts)
    await running_world.answered(root, 2)
    await running_world.settled()

    assert len(running_world.requests()) == 2


@pytest.mark.fault("S18")
async def test_what_is_answered_in_private_counts_against_the_channel_it_was_asked_in(running_world: World):
    await running_world.configure({"channels": {GENERAL: {"answers": "private", "budget_per_month": 0.01}}})
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask what can you do?")
    await running_world.agents.until(lambda _: running_world.sent())
    await running_world.settled()

    await running_world.slack.post_message(BOB, GENERAL, f"{MENTION} what can you do?")
    await running_world.whispered(BOB, "This channel's budget for the month is used up")
    await running_world.settled()

    assert len(running_world.requests()) == 1


async def refuses_to_show_the_thread(world: World) -> None:
    world.slack.faults.add("conversations.replies", kind="error", error="channel_not_found", times=1000)


@pytest.mark.fault("S8")
@pytest.mark.parametrize("change", [answers_private, archived, refuses_to_show_the_thread])
async def test_nobody_decides_any_more_about_a_turn_that_has_no_place_to_be_shown(deputy_world: World, change: Change):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "run `echo abracadabra`")
        await deputy_world.button(ALICE, root, action_ids.APPROVE)
        await change(deputy_world)
    async with deputy_world.deputy():
        await deputy_world.settled()
        async with deputy_world.app.database.transaction() as tx:
            [approval] = (await tx.connection.execute(select(approvals_table))).all()

    assert approval.state == "withdrawn"
    assert deputy_world.sent("user.tool_confirmation") == []
