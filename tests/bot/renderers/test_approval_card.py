"""The card says what will be done, keeps arguments private in channels, and ends as a record."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot

from bot.model import action_ids
from bot.model.events import ToolCall
from bot.model.notices import Held, SecondAsked
from bot.model.tool_risk import hazard_of
from bot.renderers.approval_card import render_card, render_details, render_reason_form, render_second
from simulator.slack.blockkit import MESSAGE, parse_blocks
from simulator.slack.viewkit import parse_view
from store.records import ApprovalState, Second, SecondView
from tests.builders import a_member, a_thread, an_approval

TITLES = {"notes": "Notes"}
TEN_42 = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)
SECRET = "the quarterly plan"
CALL = ToolCall("sevt_1", "notes", "write_note", {"title": "Plan", "text": SECRET})
ALICE = a_member("U0ALICE", name="Alice")
THREAD = a_thread(ALICE)
PRIVATE = replace(THREAD, is_private=True)
APPROVAL = an_approval(id="apr_1", expires_at=TEN_42)
ROW = [action_ids.APPROVE, action_ids.DENY, action_ids.SHOW_DETAILS, action_ids.DENY_WITH_REASON]


def held(call=CALL, *, may_remember=False, **changes):
    return Held(replace(APPROVAL, tool=call.name, **changes), call, hazard_of(call.name), may_remember)


def card(*calls, thread=THREAD):
    message = render_card(thread, calls or (held(),), TITLES)
    assert parse_blocks(list(message.blocks), MESSAGE)
    return message


def several(count, **changes):
    return [held(id=f"apr_{number}", **changes) for number in range(1, count + 1)]


def words(message):
    return [
        block["text"]["text"] if block["type"] == "section" else block["elements"][0]["text"]
        for block in message.blocks
        if block["type"] in {"section", "context"}
    ]


def buttons(message):
    return {element["action_id"]: element for block in message.blocks for element in block.get("elements", [])
            if element.get("type") == "button"}  # fmt: skip


def test_a_card_in_a_channel_says_what_but_not_with_which_words():
    message = card()

    assert SECRET not in str(message)
    assert message.text == "Approval needed: Use write_note in Notes"
    assert [block["type"] for block in message.blocks] == ["section", "context", "actions"]
    assert words(message) == snapshot(
        [
            "*Use write_note in Notes?*",
            "Uses <@U0ALICE>'s Notes account · <@U0ALICE> decides · expires <!date^1795430520^{time}|10:42 UTC>",
        ]
    )


def test_a_card_in_private_shows_the_words_too_and_does_not_say_who_decides():
    assert SECRET in str(card(thread=PRIVATE))
    assert "decides" not in str(card(thread=PRIVATE))


def test_a_card_that_needs_a_second_yes_says_so_before_the_first():
    asked = words(card(held(second=Second(SecondView.FULL))))[1]

    assert "<@U0ALICE> decides · then a second approver · expires" in asked


def test_every_button_carries_the_approval_and_what_was_shown_and_is_for_the_owner():
    shown = buttons(card())

    assert list(shown) == ROW
    assert {button["value"] for button in shown.values()} == {f"apr_1:{'a' * 64}"}
    assert all(button["visible_to_user_ids"] == ["U0ALICE"] for button in shown.values())
    assert [button.get("style") for button in shown.values()] == ["primary", None, None, None]


@pytest.mark.parametrize("name", ["delete_note", "send-email", "shareDocument", "notes_invite_user", "API-pay-invoice"])
def test_what_cannot_be_undone_or_reaches_others_is_asked_twice(name):
    call = ToolCall("sevt_1", "notes", name, {})

    assert buttons(card(held(call)))[action_ids.APPROVE]["confirm"]["style"] == "danger"


def test_an_ordinary_write_takes_one_click():
    assert "confirm" not in buttons(card())[action_ids.APPROVE]


def test_always_allow_is_offered_where_it_is_permitted_and_says_what_it_means():
    shown = buttons(card(held(may_remember=True)))

    assert list(shown) == [*ROW, action_ids.ALWAYS_ALLOW]
    assert "won't ask again in this thread" in shown[action_ids.ALWAYS_ALLOW]["confirm"]["text"]["text"]


def test_several_calls_are_one_card_each_with_its_own_buttons_and_one_for_all():
    message = card(*several(3))
    shown = buttons(message)

    assert message.text == "Approval needed: 3 calls"
    assert [shown[f"{action_ids.APPROVE}{mark}"]["value"][:5] for mark in ("", "/2", "/3")] == [
        "apr_1",
        "apr_2",
        "apr_3",
    ]
    assert shown[action_ids.APPROVE_ALL]["value"] == ",".join(f"apr_{number}:{'a' * 64}" for number in (1, 2, 3))
    assert shown[action_ids.APPROVE_ALL]["visible_to_user_ids"] == ["U0ALICE"]
    assert "style" not in shown[action_ids.APPROVE_ALL]["confirm"]


def test_all_at_once_is_dangerous_when_one_of_them_is():
    risky = held(ToolCall("sevt_2", "notes", "delete_note", {}), id="apr_2")

    assert buttons(card(held(), risky))[action_ids.APPROVE_ALL]["confirm"]["style"] == "danger"


def test_what_is_decided_on_a_card_with_others_is_one_line():
    decided, waiting = several(2)
    decided = replace(
        decided,
        approval=replace(decided.approval, state=ApprovalState.DENIED, decided_by="U0ALICE", decided_at=TEN_42),
    )
    message = card(decided, waiting)

    assert list(buttons(message)) == ROW
    assert words(message)[-1] == "Use write_note in Notes · Denied by <@U0ALICE> · <!date^1795430520^{time}|10:42 UTC>"


def test_what_was_not_asked_is_a_line_for_each_tool():
    unasked = several(3, state=ApprovalState.ALLOWED, decided_by="U0ALICE", allowance_id="alw_1")

    assert words(card(*unasked)) == [
        "Use write_note in Notes (3 times) · approved without asking: always allowed in this thread"
    ]


@pytest.mark.parametrize(
    ("changes", "record"),
    [
        ({"state": ApprovalState.ALLOWED, "decided_by": "U0ALICE"}, "Approved by <@U0ALICE>"),
        ({"state": ApprovalState.DENIED, "decided_by": "U0ALICE"}, "Denied by <@U0ALICE>"),
        (
            {"state": ApprovalState.DENIED, "decided_by": "U0ALICE", "reason": "no"},
            "Denied by <@U0ALICE> with a reason",
        ),
        ({"state": ApprovalState.EXPIRED}, "Denied: nobody decided in time"),
        ({"state": ApprovalState.WITHDRAWN}, "Withdrawn: the request was stopped"),
        (
            {"state": ApprovalState.ALLOWED, "decided_by": "U0ALICE", "reason": "changed"},
            "Not run: it changed after it was shown",
        ),
        (
            {
                "state": ApprovalState.ALLOWED,
                "decided_by": "U0BOB",
                "second": Second(SecondView.REDACTED, TEN_42, "U0BOB"),
            },
            "Approved by <@U0ALICE> and a second approver",
        ),
        (
            {
                "state": ApprovalState.DENIED,
                "decided_by": "U0BOB",
                "second": Second(SecondView.REDACTED, TEN_42, "U0BOB"),
            },
            "Denied by a second approver",
        ),
    ],
)
def test_a_decision_leaves_a_record_without_buttons(changes, record):
    message = card(held(**changes, decided_at=TEN_42, is_delivered=True))

    assert buttons(message) == {}
    assert words(message)[1] == f"{record} · <!date^1795430520^{{time}}|10:42 UTC>"
    assert SECRET not in str(message)


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    ("is_over", "record"),
    [
        (False, "Approved by <@U0ALICE>, not yet sent to Claude"),
        (True, "Approved by <@U0ALICE>, but it could not be sent to"),
    ],
)
def test_a_yes_that_claude_has_not_heard_says_so(is_over, record):
    decided = held(state=ApprovalState.ALLOWED, decided_by="U0ALICE", decided_at=TEN_42)

    assert words(card(replace(decided, is_over=is_over)))[1].startswith(record)


def test_a_call_that_waits_for_a_second_yes_can_still_be_denied_by_its_owner():
    message = card(held(second=Second(SecondView.REDACTED, TEN_42)))

    assert list(buttons(message)) == ROW[1:]
    assert words(message)[1].startswith("Approved by <@U0ALICE>, waits for a second approver · expires")


@pytest.mark.parametrize("view", SecondView)
def test_a_second_approver_sees_what_the_rule_says_and_no_more(view):
    message = render_second(SecondAsked(THREAD, held(second=Second(view, TEN_42))), TITLES)
    parse_blocks(list(message.blocks), MESSAGE)

    assert (SECRET in str(message)) is (view is SecondView.FULL)
    assert (action_ids.SHOW_DETAILS in buttons(message)) is (view is SecondView.FULL)
    assert "<@U0ALICE> has approved this for their agent" in words(message)[0]


def test_a_second_approver_is_told_what_became_of_it():
    approval = {"state": ApprovalState.DENIED, "decided_by": "U0ALICE", "second": Second(SecondView.FULL, TEN_42)}
    message = render_second(SecondAsked(THREAD, held(**approval)), TITLES)

    assert buttons(message) == {}
    assert message.text == "Use write_note in Notes: Denied by the owner"


def details(call=CALL, page=0):
    return parse_view(render_details(THREAD, held(call), TITLES, page), "modal")


def texts(view):
    """Return the literal texts of the details, in their order."""
    return [
        run["text"]
        for block in view["blocks"]
        if block["type"] == "rich_text"
        for part in block["elements"]
        for run in part["elements"]
    ]


def test_the_details_show_everything_and_hide_nothing():
    call = replace(CALL, arguments={"text": "a\u202eb\u200b <!channel>", "list": [1, {"deep": None}]})
    view = details(call)

    assert texts(view) == snapshot(
        [
            "text",
            ": a\\u202eb\\u200b <!channel>\n",
            "list",
            "\n",
            """\
[
  1,
  {
    "deep": null
  }
]\
""",
        ]
    )
    assert view["blocks"][-1]["elements"][0]["text"] == snapshot(
        "Uses <@U0ALICE>'s Notes account · expires <!date^1795430520^{time}|10:42 UTC> · fingerprint aaaaaaaaaaaa"
    )


def test_the_details_of_a_decided_call_say_how_it_was_decided():
    decided = held(state=ApprovalState.DENIED, decided_by="U0ALICE")
    view = parse_view(render_details(THREAD, decided, TITLES), "modal")

    assert "Denied by <@U0ALICE>" in view["blocks"][-1]["elements"][0]["text"]
    assert "expires" not in str(view)


@pytest.mark.parametrize(
    ("changes", "reader", "is_offered"),
    [
        ({}, "U0ALICE", True),
        ({}, "U0BOB", False),
        ({}, None, False),
        ({"state": ApprovalState.ALLOWED}, "U0ALICE", False),
        ({"second": Second(SecondView.FULL, TEN_42)}, "U0ALICE", False),
        ({"second": Second(SecondView.FULL, TEN_42)}, "U0BOB", True),
    ],
)
def test_the_details_approve_where_the_readers_yes_is_wanted(changes, reader, is_offered):
    view = parse_view(render_details(THREAD, held(**changes), TITLES, 0, reader), "modal")

    assert view.get("submit", {}).get("text") == ("Approve" if is_offered else None)
    assert view["close"]["text"] == "Close"
    assert view["private_metadata"] == f"apr_1:{'a' * 64}"


def test_the_details_of_what_is_asked_twice_do_not_approve():
    risky = held(ToolCall("sevt_1", "notes", "delete_note", {}))

    assert "submit" not in render_details(THREAD, risky, TITLES, 0, "U0ALICE")


def test_a_value_with_lines_cannot_pass_for_another_argument():
    view = details(replace(CALL, arguments={"text": "hello\nto: nobody", "to": "everyone@example.com"}))

    boxed = [part for block in view["blocks"] for part in block.get("elements", []) if "preformatted" in part["type"]]
    assert [run["text"] for part in boxed for run in part["elements"]] == ["hello\nto: nobody"]
    assert texts(view)[-2:] == ["to", ": everyone@example.com\n"]


def test_details_of_any_size_are_pages_that_slack_takes_with_nothing_missing():
    call = replace(CALL, arguments={"text": "€" * 300_000, "to": "x"})
    first = details(call)
    count = int(str(first).split("Page 1 of ")[1].split("'")[0])
    pages = [details(call, page) for page in range(count)]

    assert sum(text.count("€") for page in pages for text in texts(page)) == 300_000
    assert list(buttons_of(first)) == [f"{action_ids.DETAILS_PAGE}/next"]
    assert buttons_of(first)[f"{action_ids.DETAILS_PAGE}/next"]["value"] == f"apr_1:{'a' * 64}:1"
    assert list(buttons_of(pages[1])) == [f"{action_ids.DETAILS_PAGE}/previous", f"{action_ids.DETAILS_PAGE}/next"]
    assert details(call, 9_999)["blocks"] == pages[-1]["blocks"] or texts(details(call, 9_999)) == texts(pages[-1])


def buttons_of(view):
    return {element["action_id"]: element for block in view["blocks"] if block["type"] == "actions"
            for element in block["elements"]}  # fmt: skip


def test_the_form_for_a_reason_carries_the_approval_and_says_what_is_denied():
    view = parse_view(render_reason_form(APPROVAL, TITLES), "modal")

    assert view["blocks"][0]["text"]["text"] == "*Use write_note in Notes*"
    assert view["private_metadata"] == f"apr_1:{'a' * 64}"
    assert view["callback_id"] == action_ids.DENY_FORM
