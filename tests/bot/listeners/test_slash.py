import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.listeners.slash import parse_command
from bot.model import commands as c
from store.records import ChannelId, Member, UserId, WorkspaceId

ANA = Member(WorkspaceId("T1"), UserId("U1"), "T1", "ana")
HOOK = "https://hooks.slack.com/commands/x"


def asked(text, **changes):
    body = {"text": text, "user_id": "U1", "channel_id": "C1", "trigger_id": "1.2", "response_url": HOOK} | changes
    return parse_command(body)


def is_public(text):
    made = command(text)
    return isinstance(made, c.AskAgent) and not made.is_private


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
        ("ask --private", c.OpenAskForm(ANA, PLACE, "1.2", is_private=True)),
        ("ask --agent ops", c.OpenAskForm(ANA, PLACE, "1.2", profile="ops")),
        ("ask --loud hello", c.ShowHelp(ANA, PLACE, unknown="--loud", words="ask --loud hello")),
        ("connect", c.ConnectService(ANA, None, PLACE)),
        ("connect notion", c.ConnectService(ANA, "notion", PLACE)),
        ("connect notion now", c.ConnectService(ANA, "notion", PLACE)),
        ("disconnect notion", c.DisconnectService(ANA, "notion", PLACE)),
        ("disconnect", c.DisconnectService(ANA, None, PLACE)),
        ("status", c.ShowStatus(ANA, PLACE)),
        ("stop", c.StopTurn(ANA, PLACE)),
        ("", c.ShowHelp(ANA, PLACE)),
        ("help", c.ShowHelp(ANA, PLACE)),
        ("conect notion", c.ShowHelp(ANA, PLACE, unknown="conect", words="conect notion")),
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


DASHES = [
    "-",
    "--",
    "---",
    "\u2010\u2010",
    "\u2011",
    "\u2012",
    "\u2013",
    "\u2014",
    "\u2015",
    "\u2212",
    "\ufe63",
    "\uff0d",
    "-\u2011",
]


@pytest.mark.fault("F1")
@pytest.mark.parametrize("dashes", DASHES)
@pytest.mark.parametrize(
    "ask", ["ask {}private my pay", "ask my pay {}private", "ask {}PRIVATE, my pay", "ask `{}private` my pay"]
)
def test_each_dash_that_a_phone_makes_is_the_flag(ask, dashes):
    assert command(ask.format(dashes)) == c.AskAgent(ANA, "my pay", PLACE, is_private=True)


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "text",
    [
        "ask -- private my pay",
        "ask \u2014 private my pay",
        "ask --agent ops \u2014private my pay",
        "ask \u200b--private my pay",
        "ask --\uff50\uff52ivate my pay",
    ],
)
def test_what_is_plainly_meant_as_private_is(text):
    assert command(text).is_private


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "text",
    [
        "ask --privat my pay",
        "ask -p my pay",
        "ask --prvate my pay",
        "ask --privately my pay",
        "ask --secret my pay",
        "ask my --private pay",
        "ask my pay -privat",
        "ask my \u2014private pay",
    ],
)
def test_a_flag_that_is_not_plain_makes_nothing_public_and_gives_the_words_back(text):
    built = command(text)

    assert isinstance(built, c.ShowHelp)
    assert built.words == text


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "task",
    [
        "what is the gap \u2014 private or public?",
        "what does --verbose do in git log --oneline",
        "is the repo private",
        "-5 plus 3?",
        "- first point",
        "compare well-known and privately-held",
        "list items 1\u20135",
    ],
)
def test_a_dash_in_a_task_is_only_a_dash(task):
    assert is_public(f"ask {task}")
    assert command(f"ask {task}").task == task


@given(st.sampled_from(DASHES), st.text(max_size=30), st.text(max_size=30))
@pytest.mark.fault("F1")
def test_no_text_with_a_word_that_is_the_flag_is_public(dashes, before, after):
    assert not is_public(f"ask {before} {dashes}private {after}")


@pytest.mark.fault("F1")
@pytest.mark.parametrize("dash", ["\u2e3a", "\u2e3b", "\u058a", "\ufe58", "\u207b"])
def test_a_dash_is_whatever_unicode_calls_one(dash):
    assert command(f"ask {dash}private my pay") == c.AskAgent(ANA, "my pay", PLACE, is_private=True)


@pytest.mark.fault("F1")
def test_the_flag_that_is_not_known_is_the_one_that_is_named():
    assert command("ask --private --loud hello").unknown == "--loud"


SPACES = ["\n", "\t", "\u00a0", "\r\n", "\u3000", "\u2003", " \n "]


@pytest.mark.fault("F2")
@pytest.mark.parametrize("space", SPACES)
def test_any_white_space_ends_a_word(space):
    assert command(f"ask{space}fix this") == c.AskAgent(ANA, "fix this", PLACE)
    assert command(f"ask{space}--private{space}fix this") == c.AskAgent(ANA, "fix this", PLACE, is_private=True)
    assert command(f"ask --agent{space}ops{space}fix this") == c.AskAgent(ANA, "fix this", PLACE, profile="ops")
    assert command(f"connect{space}notion") == c.ConnectService(ANA, "notion", PLACE)
    assert not is_public(f"ask{space}--private{space}fix")


@pytest.mark.fault("F2")
def test_lines_of_a_task_stay():
    assert command("ask\tfix\nthat").task == "fix\nthat"


@pytest.mark.fault("F2")
@pytest.mark.parametrize("text", ["fix this", "fix\nthis", "asl what is new?", "ask --loud hello"])
def test_words_that_nobody_knows_are_given_back(text):
    assert command(text).words == text


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    "text",
    [
        "summarise https://docs.google.com/document/d/1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789/edit",
        "find order 0123456789abcdef0123456789abcdef",
        "explain bearer authentication",
        "what is a Bearer token2",
        "look at secret_santa_2026 and sk_buff",
        "review commit 9adff97af883f958d2d564bb2c66f2b3a7da73b9 of Deputy-Long-Name-2026-Version12",
        "connect pat-management-tool",
        "connect https://docs.google.com/document/d/1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789/edit",
    ],
)
def test_words_links_and_hashes_are_no_tokens(text):
    assert not isinstance(command(text), c.RefuseToken)


@pytest.mark.fault("D14")
@pytest.mark.parametrize("name", ["directmessage", "privategroup", "ana", "", None])
def test_a_direct_message_is_one_by_its_id_whatever_it_is_called(name):
    assert command("ask x", channel_id="D1", channel_name=name).place.is_direct


def test_what_nobody_sees_in_a_task_stays_for_its_details_to_show():
    assert command("ask run `echo \u202etxt`").task == "run `echo \u202etxt`"
