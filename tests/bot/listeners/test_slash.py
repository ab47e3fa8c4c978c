import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import commands as c
from bot.listeners.slash import parse_command
from store.records import ChannelId, Member, UserId, WorkspaceId

ANA = Member(WorkspaceId("T1"), UserId("U1"), "T1", "ana")
HOOK = "https://hooks.slack.com/commands/x"


def asked(text, **changes):
    body = {"text": text, "user_id": "U1", "channel_id": "C1", "trigger_id": "1.2", "response_url": HOOK} | changes
    return parse_command(body)


def command(text, **changes):
    return asked(text, **changes).build(ANA)


PLACE = c.Place(ChannelId("C1"), response_url=HOOK)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ask what is new?", c.AskAgent(ANA, "what is new?", PLACE)),
        ("ASK what is new?", c.AskAgent(ANA, "what is new?", PLACE)),
        ("ask --private my mail", c.AskAgent(ANA, "my mail", PLACE, is_private=True)),
        ("ask --agent ops restart it", c.AskAgent(ANA, "restart it", PLACE, profile="ops")),
        ("ask --private --agent ops restart it", c.AskAgent(ANA, "restart it", PLACE, is_private=True, profile="ops")),
        ("ask", c.OpenAskForm(ANA, PLACE, "1.2")),
        ("ask   ", c.OpenAskForm(ANA, PLACE, "1.2")),
        ("ask --private", c.OpenAskForm(ANA, PLACE, "1.2")),
        ("ask --loud hello", c.ShowHelp(ANA, PLACE, unknown="--loud")),
        ("connect", c.ConnectService(ANA, None, PLACE)),
        ("connect notion", c.ConnectService(ANA, "notion", PLACE)),
        ("connect notion now", c.ConnectService(ANA, "notion", PLACE)),
        ("disconnect notion", c.DisconnectService(ANA, "notion", PLACE)),
        ("disconnect", c.DisconnectService(ANA, None, PLACE)),
        ("status", c.ShowStatus(ANA, PLACE)),
        ("stop", c.StopTurn(ANA, PLACE)),
        ("", c.ShowHelp(ANA, PLACE)),
        ("help", c.ShowHelp(ANA, PLACE)),
        ("conect notion", c.ShowHelp(ANA, PLACE, unknown="conect")),
    ],
)
def test_what_is_typed_is_what_is_meant(text, expected):
    assert command(text) == expected


def test_slacks_escapes_are_undone_before_the_words_are_used():
    made = command("ask is 1 &lt; 2 &amp;&amp; did <@U2|bob> write <#C2|ops> <https://x.example|this>?")

    assert made.task == "is 1 < 2 && did @bob write #ops this (https://x.example)?"


def test_an_escaped_escape_stays_one():
    assert command("ask &amp;lt;").task == "&lt;"


def test_connecting_asks_slack_afresh_who_that_is():
    assert asked("connect notes").needs_fresh


def test_a_member_named_in_the_text_is_never_the_actor():
    assert asked("ask as <@U2|bob> do it").unverified_user == "U1"


@pytest.mark.parametrize("body", [{}, {"text": None}, {"user_id": None, "text": "ask x"}, {"channel_id": 5}])
def test_a_malformed_command_is_read_without_an_error(body):
    found = parse_command(body)

    assert found.unverified_user in {"", None} or found.build(ANA)


@given(st.text(max_size=200))
def test_any_text_becomes_some_command(text):
    assert isinstance(
        command(text),
        c.AskAgent | c.OpenAskForm | c.ShowHelp | c.ConnectService | c.DisconnectService | c.ShowStatus | c.StopTurn,
    )


@pytest.mark.parametrize(
    "text",
    [
        "connect github ghp_0123456789abcdef",
        "connect github_pat_0123456789abcdef",
        "connect slack xoxp-1234567890-abc",
        "connect stripe rk_live_0123456789",
        "connect wiki Bearer 0123456789ab",
        "connect wiki eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "connect wiki 0123456789abcdef0123456789abcdef",
        "disconnect wiki aB3dEfGh1jKlMn0pQrStUvWx",
        "ghp_0123456789abcdef",
    ],
)
def test_a_token_among_names_is_dropped_and_refused(text):
    assert command(text) == c.RefuseToken(ANA, PLACE)


@pytest.mark.parametrize(
    "text", ["connect google_drive", "connect desk-organiser-for-everybody", "connect Task-Management-System-of-Sales"]
)
def test_a_long_name_is_not_a_token(text):
    assert isinstance(command(text), c.ConnectService)


def test_a_task_may_speak_of_anything():
    assert isinstance(command("ask is ghp_0123456789abcdef still good?"), c.AskAgent)
