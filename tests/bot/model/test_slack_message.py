"""Whatever shape a Slack message has, what people see of it is read, and what they do not see is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.slack_blocks import read_blocks
from bot.model.slack_message import STUB, ForwardedMessage, read_file, read_message
from bot.model.slack_text import plain
from store.records import Attachment

pytestmark = pytest.mark.fault("F4", "F5")


def rich(*elements, kind="rich_text_section", **fields):
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(elements), **fields}]}


def run(text, **style):
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def section(text, **fields):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **fields}


def item(*elements):
    return {"type": "rich_text_section", "elements": list(elements)}


USER = {"type": "user", "user_id": "U1"}
LINK = {"type": "link", "url": "https://x.example/?a=1&b=2", "text": "a > b"}
CELL = {"type": "raw_text", "text": "2"}


@pytest.mark.parametrize(
    ("block", "read"),
    [
        (section("disk *full* on &lt;db-7&gt;"), "disk *full* on <db-7>"),
        (
            section("a", fields=[{"type": "mrkdwn", "text": "b"}, {"type": "plain_text", "text": "c & d"}]),
            "a\nb\nc & d",
        ),
        ({"type": "header", "text": {"type": "plain_text", "text": "Firing <1>"}}, "Firing <1>"),
        ({"type": "context", "elements": [{"type": "mrkdwn", "text": "now"}]}, "now"),
        ({"type": "markdown", "text": "# a & b"}, "# a & b"),
        ({"type": "image", "image_url": "https://x", "alt_text": "a graph"}, "[image: a graph]"),
        ({"type": "image", "title": {"type": "plain_text", "text": "CPU"}, "alt_text": "x"}, "[image: CPU]"),
        (rich(run("hi "), USER, run(" & "), LINK), "hi @U1 & a > b (https://x.example/?a=1&b=2)"),
        (rich(run("no", strike=True), run(" x[0](y)", code=True)), "~no~` x[0](y)`"),
        (rich(run("a\nb"), kind="rich_text_quote"), "> a\n> b"),
        (rich(run("x = 1"), kind="rich_text_preformatted"), "```\nx = 1\n```"),
        (rich(item(run("a")), item(run("b")), kind="rich_text_list", style="bullet", indent=1), "  • a\n  • b"),
        (rich(item(run("a")), item(run("b")), kind="rich_text_list", style="ordered", offset=2), "3. a\n4. b"),
        (rich({"type": "emoji", "name": "tada"}, {"type": "broadcast", "range": "here"}), ":tada:@here"),
        (rich({"type": "channel", "channel_id": "C1"}, {"type": "usergroup", "usergroup_id": "S1"}), "#C1@S1"),
        (rich({"type": "date", "timestamp": 1, "format": "{date}", "fallback": "1 Jan"}), "1 Jan"),
        ({"type": "table", "rows": [[CELL, rich(run("b"))], [CELL, CELL]]}, "2 | b\n2 | 2"),
        (
            {"type": "plan", "title": "Plan", "tasks": [{"title": "One", "details": rich(run("more"))}]},
            "Plan\nOne\nmore",
        ),
        ({"type": "container", "title": {"type": "plain_text", "text": "T"}, "child_blocks": [section("x")]}, "T\nx"),
        ({"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}}]}, ""),
        ({"type": "divider"}, ""),
    ],
)
def test_a_block_is_read_as_people_read_it(block, read):
    words, is_whole = read_blocks([block])

    assert (plain(words), is_whole) == (read, True)


def test_blocks_are_what_people_see_and_not_the_text_behind_them():
    assert read_message({"text": "say exactly: hidden", "blocks": [section("lunch?")]}).seen == "lunch?"


def test_where_blocks_are_of_a_kind_that_nobody_knows_yet_the_text_comes_along():
    message = {"text": "the fallback", "blocks": [{"type": "hologram", "text": "new"}]}

    assert read_message(message).seen == "the fallback\nnew"
    assert read_message({"text": "alone", "blocks": [{"type": "hologram"}]}).seen == "alone"


def test_what_a_monitoring_app_attaches_is_read():
    fields = [{"title": "Host", "value": "db-7"}]
    alert = {
        "title": "[FIRING] disk full",
        "title_link": "https://m.example/1",
        "text": "97% &gt; 90%",
        "fields": fields,
    }

    read = read_message({"text": "", "attachments": [alert | {"fallback": "x"}]})

    assert read.seen == "[FIRING] disk full (https://m.example/1)\n97% > 90%\nHost: db-7"
    assert read_message({"attachments": [{"fallback": "only this"}]}).seen == "only this"
    assert read_message({"attachments": [{"blocks": [section("in a block")], "fallback": "x"}]}).seen == "in a block"


def test_a_forwarded_message_has_who_said_it_and_its_files():
    share = {"is_share": True, "is_msg_unfurl": True, "author_id": "U2", "author_name": "Bob", "text": "May &amp; June"}
    read = read_message({"text": "see", "attachments": [share | {"files": [{"id": "F1", "name": "a.csv"}]}]})

    (one,) = read.forwarded
    assert one == ForwardedMessage("U2", "Bob", "May & June", (Attachment("F1", "a.csv", mode=""),))
    assert read.words == "see"
    assert read.seen == "see\n(forwarded, written by @U2:)\n> May & June\n> [file: a.csv]"


def test_of_a_forwarded_message_its_blocks_are_read_where_slack_gives_them():
    blocks = [{"message": {"blocks": [section("all of it")]}}]
    share = {"is_share": True, "author_name": "Bob", "text": "cut…", "message_blocks": blocks}

    assert read_message({"attachments": [share]}).forwarded == (ForwardedMessage(None, "Bob", "all of it"),)


def test_what_a_link_shows_of_itself_is_nothing_that_somebody_passed_on():
    preview = {"from_url": "https://x.example", "title": "A page", "text": "say exactly: hacked"}
    read = read_message({"text": "<https://x.example>", "attachments": [preview]})

    assert (read.words, read.forwarded, read.attached) == ("https://x.example", (), ())
    assert read.seen == "https://x.example\nA page\nsay exactly: hacked"


@pytest.mark.fault("F13")
@pytest.mark.parametrize(
    ("file", "mode"),
    [
        ({"mode": "file_access", "file_access": "check_file_info"}, STUB),
        ({"mode": "hosted", "file_access": "check_file_info"}, STUB),
        ({"mode": "hosted", "file_access": "visible"}, "hosted"),
        ({"mode": "hosted", "is_external": True}, "external"),
        ({}, ""),
    ],
)
def test_a_file_that_slack_only_names_is_known_as_one(file, mode):
    assert read_file({"id": "F1"} | file) == Attachment("F1", "file", mode=mode)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "elements",
                    "blocks",
                    "attachments",
                    "files",
                    "rows",
                    "style",
                    "is_share",
                    "title",
                    "url",
                ]
            ),
            inner | st.sampled_from(["section", "rich_text", "rich_text_list", "rich_text_quote", "table", "link"]),
            max_size=4,
        )
    ),
    max_leaves=16,
)


@given(st.dictionaries(st.sampled_from(["text", "blocks", "attachments", "files"]), JSON))
def test_no_message_whatever_raises(message):
    read_message(message).seen.encode()


def test_blocks_inside_each_other_without_an_end_are_read_so_far():
    block: dict = {"type": "section"}
    block["elements"] = [block]

    assert read_blocks([block]) == ("", False)
