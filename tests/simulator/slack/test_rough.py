"""The simulated Slack sends what the world sends, and only where its switch is on."""

from __future__ import annotations

import pytest

from simulator.roughness import Roughness
from simulator.slack import people
from simulator.slack.people import TEAM
from simulator.slack.rough import SISTER_TEAM, roughened_event, roughened_interaction

FILE = {"id": "F1", "name": "a.csv", "size": 3, "mode": "hosted"}
MESSAGE = {"type": "message", "subtype": "file_share", "user": "U1", "files": [FILE]}
MENTION = MESSAGE | {"type": "app_mention"}
FORM = {"type": "view_submission", "team": {"id": TEAM}, "user": {"id": "U1", "team_id": TEAM}, "view": {"id": "V1"}}


def test_a_smooth_world_changes_nothing():
    assert roughened_event(Roughness(), MENTION) == MENTION
    assert roughened_interaction(Roughness(), FORM) == FORM


def test_a_mention_comes_without_its_files_and_its_message_with_them():
    rough = Roughness({"slack:mention_without_files"})

    assert roughened_event(rough, MENTION) == {"type": "app_mention", "user": "U1"}
    assert roughened_event(rough, MESSAGE) == MESSAGE


def test_a_file_is_only_named():
    (file,) = roughened_event(Roughness({"slack:file_stub"}), MESSAGE)["files"]

    assert (file["id"], file["file_access"], "name" in file) == ("F1", "check_file_info", False)


def test_a_form_comes_from_a_sister_workspace_and_says_where_its_app_is():
    rough = Roughness({"slack:org_payload"})
    sent = roughened_interaction(rough, FORM)

    assert (sent["team"]["id"], sent["user"]["team_id"]) == (SISTER_TEAM, SISTER_TEAM)
    assert sent["view"]["app_installed_team_id"] == TEAM
    assert roughened_interaction(rough, {"type": "block_actions"}) == {"type": "block_actions"}


@pytest.mark.parametrize(
    ("kinds", "texts"),
    [
        ([], ["one", "two"]),
        (["slack:event_twice"], ["one", "one", "two", "two"]),
        (["slack:events_reordered"], ["two", "one"]),
        (["slack:event_twice", "slack:events_reordered"], ["two", "two", "one", "one"]),
    ],
)
async def test_events_come_twice_or_the_later_one_first(slack, bot, kinds, texts):
    slack.workspace.rough = Roughness(kinds)
    for text in ("one", "two"):
        await slack.post_message(people.ALICE, people.ALICE, text)
    await bot.until(lambda _: len(bot.events) >= len(texts))

    assert [event["text"] for event in bot.events] == texts


async def test_what_is_held_back_comes_after_what_follows_it(slack, bot):
    slack.workspace.rough = Roughness({"slack:events_reordered"})
    await slack.post_message(people.ALICE, people.ALICE, "one")
    slack.workspace.rough = Roughness()
    await slack.post_message(people.ALICE, people.ALICE, "two")
    await bot.until(lambda _: len(bot.events) >= 2)

    assert [event["text"] for event in bot.events] == ["two", "one"]
