"""The card says what will be done, keeps arguments private in channels, and ends as a record."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot

from bot import actions
from bot.events import ToolCall
from bot.renderers.approval import render_approval, render_decision, render_details, render_reason_form
from simulator.slack.blockkit import MESSAGE, parse_blocks
from simulator.slack.viewkit import parse_view
from store.records import ApprovalState
from tests.builders import a_member, a_thread, an_approval

TITLES = {"notes": "Notes"}
TEN_42 = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)
SECRET = "the quarterly plan"
CALL = ToolCall("sevt_1", "notes", "write_note", {"title": "Plan", "text": SECRET})
ALICE = a_member("U0ALICE", name="Alice")
THREAD = a_thread(ALICE)
APPROVAL = an_approval(id="apr_1", expires_at=TEN_42)


def buttons(message):
    return {element["action_id"]: element for block in message.blocks for element in block.get("elements", [])
            if element.get("type") == "button"}  # fmt: skip


def test_a_card_in_a_channel_says_what_but_not_with_which_words():
    message = render_approval(THREAD, APPROVAL, CALL, TITLES)

    assert SECRET not in str(message)
    assert message.text == "Approval needed: Write note in Notes"
    assert [block["type"] for block in message.blocks] == ["section", "context", "actions"]
    assert message.blocks[0]["text"]["text"] == "*Write note in Notes?*"
    assert message.blocks[1]["elements"][0]["text"] == snapshot(
        "Uses Alice's Notes account · expires <!date^1795430520^{time}|10:42 UTC> · requested by the agent"
    )


def test_a_card_in_private_shows_the_words_too():
    message = render_approval(replace(THREAD, is_private=True), APPROVAL, CALL, TITLES)

    assert SECRET in str(message)
    assert parse_blocks(list(message.blocks), MESSAGE)


def test_every_button_carries_the_approval_and_what_was_shown_and_is_for_the_owner():
    shown = buttons(render_approval(THREAD, APPROVAL, CALL, TITLES))

    assert list(shown) == [actions.APPROVE, actions.DENY, actions.DENY_WITH_REASON, actions.SHOW_DETAILS]
    assert {button["value"] for button in shown.values()} == {f"apr_1:{'a' * 64}"}
    assert all(button["visible_to_user_ids"] == ["U0ALICE"] for button in shown.values())
    assert [button.get("style") for button in shown.values()] == ["primary", None, None, None]


@pytest.mark.parametrize("name", ["delete_note", "send-email", "shareDocument", "notes_invite_user", "API-pay-invoice"])
def test_what_cannot_be_undone_is_asked_twice(name):
    call = ToolCall("sevt_1", "notes", name, {})

    assert buttons(render_approval(THREAD, APPROVAL, call, TITLES))[actions.APPROVE]["confirm"]["style"] == "danger"


def test_an_ordinary_write_takes_one_click():
    assert "confirm" not in buttons(render_approval(THREAD, APPROVAL, CALL, TITLES))[actions.APPROVE]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": ApprovalState.ALLOWED, "decided_by": "U0ALICE"}, "Approved by @Alice"),
        ({"state": ApprovalState.DENIED, "decided_by": "U0ALICE"}, "Denied by @Alice"),
        ({"state": ApprovalState.DENIED, "decided_by": "U0ALICE", "reason": "no"}, "Denied by @Alice with a reason"),
        ({"state": ApprovalState.EXPIRED}, "Denied: nobody decided in time"),
        ({"state": ApprovalState.WITHDRAWN}, "Withdrawn: the request was stopped"),
    ],
)
def test_a_decision_leaves_a_record_without_buttons(changes, words):
    message = render_decision(THREAD, replace(APPROVAL, **changes), CALL, TITLES, TEN_42)

    assert buttons(message) == {}
    assert message.blocks[1]["elements"][0]["text"] == f"{words} · <!date^1795430520^{{time}}|10:42 UTC>"
    assert SECRET not in str(message)


def test_the_details_show_everything_and_hide_nothing():
    call = replace(CALL, arguments={"text": "a\u202eb\u200b <!channel>", "list": [1, {"deep": None}]})
    view = parse_view(render_details(APPROVAL, call, TITLES), "modal")
    shown = view["blocks"][2]["elements"][0]["elements"][0]["text"]

    assert shown == snapshot(
        """\
{
  "text": "a\\u202eb\\u200b <!channel>",
  "list": [
    1,
    {
      "deep": null
    }
  ]
}\
"""
    )
    assert "a" * 64 in view["blocks"][-1]["elements"][0]["text"]


def test_details_of_any_size_are_a_view_that_slack_takes():
    call = replace(CALL, arguments={"text": "€" * 300_000})
    view = parse_view(render_details(APPROVAL, call, TITLES), "modal")

    assert "Too long to show in full" in str(view)


def test_the_form_for_a_reason_carries_the_approval():
    view = parse_view(render_reason_form(APPROVAL), "modal")

    assert view["private_metadata"] == f"apr_1:{'a' * 64}"
    assert view["callback_id"] == actions.DENY_FORM
