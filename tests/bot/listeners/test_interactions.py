import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.listeners.interactions import BUTTONS, parse_action, parse_form, parse_shortcut
from bot.model import action_ids
from bot.model import commands as c
from store.records import Member, MessageRef, UserId, WorkspaceId

ANA = Member(WorkspaceId("T1"), UserId("U1"), "T1", "ana")
PLACE = c.Place("C1", "9.0", "https://hooks.slack.com/actions/x")


def click(action_id, value="apr_1:hash", **changes):
    body = {
        "user": {"id": "U1", "team_id": "T1"},
        "channel": {"id": "C1"},
        "container": {"thread_ts": "9.0"},
        "trigger_id": "1.2",
        "response_url": "https://hooks.slack.com/actions/x",
        "actions": [{"action_id": action_id, "value": value}],
    }
    return parse_action(body | changes)


@pytest.mark.parametrize(
    ("action_id", "value", "expected"),
    [
        (action_ids.APPROVE, "apr_1:h", c.DecideApproval(ANA, "apr_1", c.Verdict.ALLOW, "h", PLACE)),
        (action_ids.DENY, "apr_1:h", c.DecideApproval(ANA, "apr_1", c.Verdict.DENY, "h", PLACE)),
        (action_ids.DENY_WITH_REASON, "apr_1:h", c.ExplainDenial(ANA, "apr_1", "h", "1.2", PLACE)),
        (action_ids.SHOW_DETAILS, "apr_1:h", c.ShowApproval(ANA, "apr_1", "1.2", PLACE)),
        (action_ids.STOP, "trn_1", c.StopTurn(ANA, PLACE, "trn_1")),
        (action_ids.FEEDBACK, "trn_1:good", c.RateAnswer(ANA, "trn_1", True, PLACE)),
        (action_ids.FEEDBACK, "trn_1:bad", c.RateAnswer(ANA, "trn_1", False, PLACE)),
        (action_ids.CONNECT, "notes", c.ConnectService(ANA, "notes", PLACE)),
        (action_ids.DISCONNECT, "notes", c.DisconnectService(ANA, "notes", PLACE)),
        (action_ids.PASS_ASIDE, "asd_1", c.PassAside(ANA, "asd_1", True, PLACE)),
        (action_ids.IGNORE_ASIDE, "asd_1", c.PassAside(ANA, "asd_1", False, PLACE)),
        (action_ids.OPEN_ASK_FORM, "", c.OpenAskForm(ANA, PLACE, "1.2")),
        (action_ids.SHOW_STATUS, "", c.ShowStatus(ANA, PLACE)),
    ],
)
def test_a_click_is_what_the_button_says(action_id, value, expected):
    assert click(action_id, value).build(ANA) == expected


def test_a_card_without_a_hash_shows_nothing_that_could_be_decided():
    assert click(action_ids.APPROVE, "apr_1").build(ANA).shown_hash == ""


def test_decisions_and_credentials_ask_slack_afresh_who_clicks():
    fresh = {action_id for action_id in BUTTONS if click(action_id).needs_fresh}

    assert fresh == {
        action_ids.APPROVE,
        action_ids.DENY,
        action_ids.DENY_WITH_REASON,
        action_ids.SHOW_DETAILS,
        action_ids.APPROVE_ALL,
        action_ids.ALWAYS_ALLOW,
        action_ids.REVOKE_ALLOWANCE,
        action_ids.ACCEPT_TOOLS,
        action_ids.RAISE,
        action_ids.NOT_NOW,
        action_ids.CONNECT,
    }


@pytest.mark.parametrize("page", ["", "-1", "1.5", "²", "99999", "x"])
def test_a_page_that_is_no_page_asks_for_nothing(page):
    found = click(action_ids.DETAILS_PAGE, f"apr_1:{'a' * 64}:{page}", view={"id": "V1"})

    assert found.build(ANA) is None


def test_a_page_is_turned_in_the_view_that_was_clicked():
    found = click(f"{action_ids.DETAILS_PAGE}/next", f"apr_1:{'a' * 64}:2", view={"id": "V1"})
    command = found.build(ANA)

    assert (command.approval_id, command.page, command.view_id) == ("apr_1", 2, "V1")
    assert found.needs_fresh
    assert click(action_ids.DETAILS_PAGE, f"apr_1:{'a' * 64}:2").build(ANA) is None


@pytest.mark.parametrize("action_id", [action_ids.OPEN_LINK, "somebody.elses", "", None])
def test_links_and_unknown_buttons_ask_for_nothing(action_id):
    assert click(action_id) is None


def test_a_click_in_app_home_is_answered_in_the_direct_messages():
    found = click(action_ids.STOP, "trn_1", channel=None, container={"type": "view"})

    assert found.place.is_direct


def form(callback_id, metadata, block, field, value):
    state = {"values": {block: {field: {"value": value}}}}
    view = {"id": "V1", "hash": "h", "callback_id": callback_id, "private_metadata": metadata, "state": state}
    return parse_form({"user": {"id": "U1"}, "view": view})


def test_a_submitted_task_is_asked_where_the_form_was_opened_in_a_thread_of_its_own():
    kept = json.dumps({"channel": "C1", "thread_ts": "9.0", "is_direct": False, "quoted": "their words"})
    found = form(action_ids.ASK_FORM, kept, action_ids.ASK_FIELD_BLOCK, action_ids.ASK_FIELD, " do it ")

    assert found.build(ANA) == c.AskAgent(ANA, "do it", c.Place("C1"), quoted="their words")


@pytest.mark.fault("F15")
def test_a_form_names_the_message_that_it_was_opened_about():
    kept = json.dumps({"channel": "C1", "quote": "qte_1", "about": {"channel": "C1", "ts": "9.0"}})
    found = form(action_ids.ASK_FORM, kept, action_ids.ASK_FIELD_BLOCK, action_ids.ASK_FIELD, "do it")

    about = MessageRef("C1", "9.0")
    assert found.build(ANA) == c.AskAgent(ANA, "do it", c.Place("C1"), quote_id="qte_1", about=about)


@pytest.mark.parametrize("kept", ["", "{", "[]", "5", '{"channel": 7}', '{"quoted": {}}'])
def test_a_form_with_odd_metadata_is_asked_in_the_direct_messages(kept):
    found = form(action_ids.ASK_FORM, kept, action_ids.ASK_FIELD_BLOCK, action_ids.ASK_FIELD, "do it")

    assert found.build(ANA).task == "do it"


def test_a_reason_goes_with_the_denial_and_is_bounded():
    found = form(action_ids.DENY_FORM, "apr_1:h", action_ids.DENY_FIELD_BLOCK, action_ids.DENY_FIELD, "no " * 1000)
    made = found.build(ANA)

    assert (made.verdict, made.shown_hash, len(made.reason)) == (c.Verdict.DENY, "h", 500)


def test_the_details_approve_what_they_showed():
    found = form(action_ids.DETAILS_VIEW, "apr_1:h", "", "", "")

    made = found.build(ANA)
    assert (made.approval_id, made.verdict, made.shown_hash) == ("apr_1", c.Verdict.ALLOW, "h")
    assert not made.is_remembered
    assert found.needs_fresh


def test_the_shortcut_quotes_the_message():
    body = {"user": {"id": "U1"}, "channel": {"id": "C1"}, "trigger_id": "1.2", "message": {"text": "a &amp; b"}}

    assert parse_shortcut(body).build(ANA).quoted == "a & b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(["user", "channel", "container", "message", "actions", "view", "trigger_id", "response_url"])


@given(st.dictionaries(NAMES, JSON))
def test_no_interaction_whatever_raises(body):
    for parse in (parse_action, parse_form, parse_shortcut):
        found = parse(body)
        assert found is None or found.key


@given(st.sampled_from(sorted(BUTTONS)), JSON)
def test_no_value_whatever_raises(action_id, value):
    found = click(action_id, value)

    found.build(ANA)
