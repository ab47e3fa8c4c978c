"""Who is served, and who reads along."""

from __future__ import annotations

from simulator.slack import people
from tests.world import ALICE, GENERAL, World

ANSWERS_PRIVATELY = {"channels": {GENERAL: {"answers": "private"}}}
PRIVATE_NOTES = {"services": {"notes": {"results": "private"}}}


async def direct_answers(world: World, count: int = 1) -> list[str]:
    def found(_):
        told = [world.slack.text_of(message) for message in world.slack.dms(ALICE)]
        answers = [text for text in told if "AI-generated" in text]
        return told if len(answers) >= count else None

    return await world.slack.until(found)


async def test_the_root_says_how_many_read_along(running_world: World):
    root = await running_world.ask(ALICE, "what can you do?")

    assert "readable by everyone here (7 people)" in running_world.slack.text_of(root)


async def test_who_begins_a_thread_by_a_mention_is_told_who_reads_along_once(running_world: World):
    await running_world.configure({"audience": {"shared_channels": True}})
    slack = running_world.slack
    root = await slack.post_message(ALICE, people.SHARED, f"<@{people.BOT}> run `ls`")

    def lines(_=None) -> list[str]:
        thread = [slack.text_of(message) for message in slack.thread(people.SHARED, root.ts)]
        return [text for text in thread if "Working on it" in text or "Queued" in text]

    [line] = await slack.until(lambda _: lines())
    assert f"acts as <@{ALICE}>" in line and "also at Partners Ltd" in line

    await slack.post_message(ALICE, people.SHARED, "and `pwd`", thread_ts=root.ts)
    [_, queued] = await slack.until(lambda _: len(found := lines()) == 2 and found)
    assert "acts as" not in queued


async def test_guests_and_shared_channels_are_served_once_admins_allow_it_and_outsiders_never(running_world: World):
    await running_world.configure({"audience": {"guests": True, "shared_channels": True}})

    guests = await running_world.ask(people.GUEST, "what can you do?")
    shared = await running_world.ask(ALICE, "what can you do?", people.SHARED)
    await running_world.slack.post_message(people.STRANGER, people.SHARED, f"<@{people.BOT}> summarise my notes")
    await running_world.whispered(people.STRANGER, "only work with members of this workspace")
    await running_world.answered(guests)
    await running_world.answered(shared)

    assert "also at Partners Ltd" in running_world.slack.text_of(shared)
    assert len(running_world.sent()) == 2


async def test_an_organisation_that_slack_does_not_name_is_warned_of_all_the_same(running_world: World):
    await running_world.configure({"audience": {"shared_channels": True}})
    running_world.slack.faults.add("team.info", kind="error", error="missing_scope", times=9)

    root = await running_world.ask(ALICE, "what can you do?", people.SHARED)

    assert "also at another organisation" in running_world.slack.text_of(root)


async def test_what_is_asked_in_a_channel_with_private_answers_is_answered_in_private(running_world: World):
    await running_world.configure(ANSWERS_PRIVATELY)
    before = len(running_world.slack.messages(GENERAL))

    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask what can you do?")
    await running_world.whispered(ALICE, "I answer that in our direct messages")
    await running_world.slack.post_message(ALICE, GENERAL, f"<@{people.BOT}> what can you do?")
    told = await direct_answers(running_world, 2)

    assert len(running_world.slack.messages(GENERAL)) == before + 1
    assert all("only you can read this" in text for text in told if "asked:" in text)


async def test_a_thread_that_was_public_is_not_gone_on_with_once_answers_are_private(running_world: World):
    root = await running_world.ask(ALICE, "what can you do?")
    await running_world.answered(root)
    await running_world.configure(ANSWERS_PRIVATELY)

    await running_world.slack.post_message(ALICE, GENERAL, "and now?", thread_ts=root.ts)
    await running_world.whispered(ALICE, "answered in private now")

    assert len(running_world.sent()) == 1


async def test_results_that_are_private_are_not_read_where_others_read_along(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.configure(PRIVATE_NOTES)

    root = await running_world.ask(ALICE, "summarise my notes")
    await running_world.answered(root)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask --private summarise my notes")
    told = await direct_answers(running_world)

    assert "Not used where others read along: Notes" in running_world.slack.text_of(root)
    assert any("Offsite plan" in text for text in told)
    public = [running_world.slack.text_of(message) for message in running_world.slack.thread(GENERAL, root.ts)]
    assert not any("Offsite plan" in text for text in public)


async def test_a_running_thread_loses_a_service_whose_results_become_private(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "what can you do?")
    await running_world.answered(root)
    await running_world.configure(PRIVATE_NOTES)

    await running_world.slack.post_message(ALICE, GENERAL, "summarise my notes", thread_ts=root.ts)
    await running_world.answered(root, 2)

    assert running_world.notes.calls == []
