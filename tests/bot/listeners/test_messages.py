import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.listeners.intake import Install
from bot.listeners.messages import parse_message
from bot.model import commands as c
from store.records import Member, MessageRef, UserId, WorkspaceId

HOME = Install(app_id="A1", team_id="T1", enterprise_id=None, bot_user_id="UBOT")
ANA = Member(WorkspaceId("T1"), UserId("U1"), "T1", "ana")


def asked(outer=None, **event):
    known = {"type": "message", "user": "U1", "channel": "C1", "ts": "10.1", "text": "hello", "channel_type": "channel"}
    return parse_message({"event": known | event} | (outer or {}), HOME)


def test_a_mention_is_a_reply_in_the_thread_it_starts():
    found = asked(text="<@UBOT> hello")

    assert found.build(ANA) == c.Reply(ANA, "hello", c.Place("C1", "10.1"), MessageRef("C1", "10.1"), is_mention=True)


def test_a_mention_and_its_message_are_the_same_request():
    assert asked(text="<@UBOT> hi").key == asked(type="app_mention", text="<@UBOT> hi", channel_type=None).key


def test_a_reply_in_a_thread_is_for_us_to_look_at():
    found = asked(thread_ts="9.0")

    assert found.build(ANA).place.thread_ts == "9.0"


def test_a_word_in_a_channel_that_is_not_to_us_is_none_of_our_business():
    assert asked() is None


def test_a_direct_message_starts_its_own_thread():
    found = asked(channel="D1", channel_type="im")

    assert found.build(ANA).place == c.Place("D1", "10.1", is_direct=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B1"},
        {"bot_profile": {"id": "B1"}},
        {"app_id": "A9"},
        {"user": None},
        {"user": "USLACKBOT"},
        {"user": {"id": "U1"}},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"edited": {"user": "U1"}},
        {"channel": ""},
        {"ts": None},
        {"text": "", "thread_ts": "9.0", "files": []},
    ],
)
def test_machines_edits_and_half_messages_start_nothing(changes):
    found = asked(**({"text": "<@UBOT> hello"} | changes))

    assert found is None or found.build(ANA) is None


def test_a_deleted_message_withdraws_its_request():
    previous = {"user": "U1", "ts": "10.1", "text": "hello"}
    found = asked(subtype="message_deleted", deleted_ts="10.1", previous_message=previous)

    assert found.build(ANA) == c.WithdrawRequest(ANA, MessageRef("C1", "10.1"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["user", "channel", "ts", "text", "thread_ts", "subtype", "previous_message", "deleted_ts", "channel_type"]
        ),
        JSON,
    )
)
def test_no_event_whatever_raises(event):
    found = parse_message({"event": event}, HOME)

    assert found is None or found.unverified_user


@given(JSON)
def test_no_body_whatever_raises(event):
    parse_message({"event": event}, HOME)


def test_a_subtype_that_is_no_word_is_not_from_a_person():
    assert asked(subtype=[]) is None


def changed(text="hello", before="hallo", **changes):
    message = {"type": "message", "user": "U1", "ts": "10.1", "text": text, "edited": {"user": "U1", "ts": "11.0"}}
    previous = {"type": "message", "user": "U1", "ts": "10.1", "text": before}
    return asked(subtype="message_changed", user=None, message=message | changes, previous_message=previous)


def test_an_edit_names_the_message_and_has_its_words():
    found = changed("<@UBOT> a &amp; b", "<@UBOT> a")

    at, place = MessageRef("C1", "10.1"), c.Place("C1", "10.1")
    assert found.build(ANA) == c.RewordRequest(ANA, at, "a & b", "11.0", place, is_mention=True)
    assert found.key == "edited:C1:10.1:11.0"
    assert found.place is None


@pytest.mark.fault("F7")
@pytest.mark.parametrize("before", ["what can you do", "<@UBOT>"])
def test_a_mention_that_an_edit_adds_or_gives_words_to_is_heard(before):
    found = changed("<@UBOT> what can you do", before)

    at, place = MessageRef("C1", "10.1"), c.Place("C1", "10.1")
    assert found.build(ANA).heard == c.Reply(ANA, "what can you do", place, at, is_mention=True)
    assert found.place == place


def test_what_people_edit_between_themselves_is_none_of_our_business():
    assert changed("hello", "hallo") is None


@pytest.mark.fault("F6")
@pytest.mark.parametrize("changes", [{"text": "<@UBOT>"}, {"text": "", "channel": "D1", "channel_type": "im"}])
def test_who_addresses_deputy_without_a_word_is_heard(changes):
    assert asked(**changes).build(ANA).text == ""


@pytest.mark.fault("F11")
def test_a_mention_by_itself_stands_in_for_its_message():
    assert asked(type="app_mention", text="<@UBOT> hi").is_stand_in
    assert not asked(text="<@UBOT> hi").is_stand_in


@pytest.mark.parametrize("changes", [{"before": "hello"}, {"edited": None}, {"bot_id": "B1"}, {"user": "USLACKBOT"}])
def test_what_changes_no_words_of_a_person_is_no_edit(changes):
    assert changed(**changes) is None


def test_a_tombstone_is_a_deletion():
    found = changed(subtype="tombstone", user="USLACKBOT")

    assert found.build(ANA) == c.WithdrawRequest(ANA, MessageRef("C1", "10.1"))
