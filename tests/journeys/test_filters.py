"""Filters, as people meet them: what is asked, what is shown, who is told, and what is recorded of it."""

import json
import re

import pytest

from bot.model import action_ids
from bot.model.errors import Refusal
from bot.renderers.refusals import REFUSALS
from tests.journeys.test_admin import listed, menu, open_settings, press, send
from tests.world import ALICE, BOB, CAROL, GENERAL, World

TOKEN = "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4xY7z"
FALCON = {"pattern": "(?i)falcon", "description": "Secret projects"}


def written(world: World, before: int) -> str:
    """Return all that was written to the thread since: not the root message, which quotes what was asked."""
    calls = [call for call in world.slack.calls[before:] if call.method.startswith("chat.")]
    return "".join(repr(call.args) for call in calls if "asked:" not in repr(call.args))


async def test_a_secret_in_a_request_reaches_neither_the_agent_nor_the_database(running_world: World):
    root = await running_world.ask(ALICE, f"say exactly: I use {TOKEN} here")
    await running_world.answered(root)

    assert running_world.requests() == ["say exactly: I use [GitHub token removed] here"]
    await running_world.whispered(ALICE, "I took something out of your request")
    assert "GitHub token" in running_world.whispers(ALICE)
    assert running_world.leaks(TOKEN) == []
    (asked,) = await running_world.audited("turn.asked")
    assert asked.details == {"masked": "secrets"}


async def test_what_a_filter_refuses_is_not_sent_and_given_back_to_who_typed_it(running_world: World):
    await running_world.configure({"filters": {"projects": {**FALCON, "asked": "refuse"}}})
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask what about project falcon?")
    await running_world.whispered(ALICE, REFUSALS[Refusal.FILTERED])

    assert "Secret projects" in running_world.whispers(ALICE)
    assert "what about project falcon?" in running_world.whispers(ALICE)
    assert running_world.sent() == []
    (entry,) = await running_world.audited("request.filtered")
    assert (entry.actor, entry.details) == (ALICE, {"filter": "projects"})


async def test_replies_edits_and_passed_words_go_through_the_filters_too(running_world: World):
    await running_world.configure({"filters": {"projects": {**FALCON, "asked": "refuse"}}})
    root = await running_world.ask(ALICE, "say exactly: hello")
    await running_world.answered(root)

    await running_world.slack.post_message(ALICE, GENERAL, f"say exactly: {TOKEN}", thread_ts=root.ts)
    await running_world.answered(root, 2)
    assert running_world.requests()[-1] == "say exactly: [GitHub token removed]"

    await running_world.slack.post_message(ALICE, GENERAL, "and the falcon?", thread_ts=root.ts)
    await running_world.whispered(ALICE, REFUSALS[Refusal.FILTERED])

    await running_world.slack.post_message(BOB, GENERAL, f"use my {TOKEN}", thread_ts=root.ts)
    offer = await running_world.whispered(ALICE, "Bob") if "Bob" in running_world.whispers(ALICE) else None
    offer = offer or await running_world.slack.until(
        lambda _: next(
            (m for m in running_world.slack.ephemerals(ALICE) if action_ids.PASS_ASIDE in str(m.blocks)), None
        )
    )
    await running_world.slack.click(ALICE, offer, action_ids.PASS_ASIDE)
    await running_world.answered(root, 3)
    assert "use my [GitHub token removed]" in running_world.requests()[-1]
    assert TOKEN not in str(running_world.sent())


@pytest.mark.fault("C6")
async def test_a_secret_in_an_answer_is_never_shown_not_even_for_a_moment(running_world: World):
    await running_world.configure({"filters": {"secrets": {"asked": "off"}}})
    running_world.agents.pace = 0.01
    root = await running_world.ask(ALICE, f"say exactly: the key is {TOKEN} and more words follow it")
    before = len(running_world.slack.calls)
    await running_world.answered(root)
    await running_world.settled()

    shown = [running_world.slack.text_of(m) for m in running_world.slack.thread(root.channel, root.ts) if m is not root]
    assert "the key is [GitHub token removed] and more words follow it" in "\n".join(shown)
    told_since = written(running_world, before)
    assert "the key is" in told_since
    assert TOKEN not in told_since
    assert TOKEN[:12] not in told_since
    (entry,) = await running_world.audited("answer.filtered")
    assert entry.details == {"filters": "secrets", "did": "masked"}


@pytest.mark.fault("S10", "C6")
@pytest.mark.parametrize(
    "written_as",
    [
        *("ghp_aB3dE{U+200B}", "ghp_aB3dE{U+00AD}", "ghp_aB3dE{U+0007}", "ghp_aB3dE{U+202E}", "ghp_aB3dE{U+E0041}"),
        *(
            "ghp\\_aB3dE",
            "ghp&#95;aB3dE",
            "**ghp_**aB3dE",
            "*ghp_aB3dE*",
            "_ghp_aB3dE",
            "[ghp_](https://a.example)aB3dE",
        ),
    ],
)
async def test_a_secret_that_is_written_so_that_only_people_read_it_is_not_shown(running_world: World, written_as):
    hidden = TOKEN.replace("ghp_aB3dE", written_as)
    falcon = {**FALCON, "asked": "off", "answered": "mask"}
    await running_world.configure({"filters": {"secrets": {"asked": "off"}, "projects": falcon}})
    root = await running_world.ask(ALICE, f"say exactly: {hidden} opens the fal{{U+00AD}}con and the **fal**con.")
    before = len(running_world.slack.calls)
    await running_world.answered(root)
    await running_world.settled()

    read = re.sub(r"[^A-Za-z0-9_ ]|u200b|xad", "", written(running_world, before))
    assert "GitHub token removed" in read
    assert TOKEN[9:] not in read
    assert "falcon" not in read
    assert read.count("projects removed") >= 2


async def test_a_withheld_answer_is_said_to_be_withheld_and_why(running_world: World):
    await running_world.configure({"filters": {"projects": {**FALCON, "asked": "off", "answered": "withhold"}}})
    root = await running_world.ask(ALICE, "say exactly: it is the falcon")
    before = len(running_world.slack.calls)
    await running_world.answer_in(root, "This answer isn't shown")
    await running_world.settled()

    since = written(running_world, before)
    assert "it is the falcon" not in since
    assert "Secret projects" in since
    (entry,) = await running_world.audited("answer.filtered")
    assert entry.details == {"filters": "projects", "did": "withheld"}

    await running_world.slack.post_message(ALICE, GENERAL, "say exactly: it is a dove", thread_ts=root.ts)
    await running_world.answered(root)
    await running_world.answer_in(root, "it is a dove")


async def test_an_edited_request_goes_through_the_filters_again(running_world: World):
    root = await running_world.ask(ALICE, "think for 1 seconds")
    message = await running_world.slack.post_message(ALICE, GENERAL, "say exactly: one", thread_ts=root.ts)
    await running_world.answer_in(root, "Queued")
    await running_world.slack.edit_message(ALICE, message, f"say exactly: {TOKEN}")
    await running_world.answered(root, 2)

    assert running_world.requests()[-1] == "say exactly: [GitHub token removed]"


async def test_files_of_a_withheld_answer_are_withheld_too(running_world: World):
    done = {"pattern": "Done:", "asked": "off", "answered": "withhold"}
    await running_world.configure({"filters": {"done": done}})
    root = await running_world.ask(ALICE, "write a file called report.csv")
    await running_world.answer_in(root, "This answer isn't shown")
    await running_world.settled()

    assert [file for one in running_world.slack.thread(root.channel, root.ts) for file in one.files] == []


async def test_a_request_that_waits_when_a_filter_comes_is_not_sent(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    await running_world.slack.post_message(ALICE, GENERAL, "say exactly: the falcon", thread_ts=root.ts)
    await running_world.answer_in(root, "Queued")
    await running_world.configure({"filters": {"projects": {**FALCON, "asked": "refuse"}}})
    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.answer_in(root, "a filter of your admins")

    assert running_world.requests() == ["run `ls`"]


async def test_an_admin_adds_changes_and_removes_a_filter_in_slack(running_world: World):
    await open_settings(running_world)
    await press(running_world, CAROL, "list filters")
    await listed(running_world, CAROL, "keys, tokens and passwords")
    await press(running_world, CAROL, "new filters")
    wrong = await send(running_world, CAROL, {"name": "projects", "pattern": "(falcon"})
    assert "RE2" in wrong.errors["settings.pattern"]
    wrong = await send(running_world, CAROL, {"name": "projects", "pattern": "x*"})
    assert "everywhere" in wrong.errors["settings.pattern"]
    await send(
        running_world,
        CAROL,
        {"name": "projects", "pattern": "(?i)falcon", "description": "Secret projects", "asked": "refuse"},
    )
    await listed(running_world, CAROL, "requests refused")
    await menu(running_world, CAROL, "secrets secrets")
    await send(running_world, CAROL, {"asked": "refuse", "answered": "withhold"})
    await listed(running_world, CAROL, "answers withheld")

    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask about falcon")
    await running_world.whispered(ALICE, REFUSALS[Refusal.FILTERED])

    await menu(running_world, CAROL, "remove filter projects")
    await running_world.slack.submit_view(CAROL, running_world.slack.modal_of(CAROL))
    await listed(running_world, CAROL, "Done.")
    changed = [
        (row.subject, json.loads(row.details["after"] or "{}"))
        for row in await running_world.audited("setting.changed")
    ]
    assert changed == [
        ("filter/projects", {"pattern": "(?i)falcon", "description": "Secret projects", "asked": "refuse"}),
        ("filter/secrets", {"asked": "refuse", "answered": "withhold"}),
        ("filter/projects", {}),
    ]


async def test_the_reason_of_a_denial_goes_through_the_filters_and_arrives(running_world: World):
    await running_world.configure({"filters": {"projects": {**FALCON, "asked": "refuse"}}})
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.DENY_WITH_REASON)
    await running_world.slack.click(ALICE, card, action_ids.DENY_WITH_REASON)
    form = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))
    block = next(b["block_id"] for b in form.payload["blocks"] if b["type"] == "input")
    await running_world.slack.submit_view(ALICE, form, {block: f"not falcon, nor {TOKEN}"})
    await running_world.answered(root)

    (decision,) = running_world.sent("user.tool_confirmation")
    assert decision["deny_message"] == "not [projects removed], nor [GitHub token removed]"
