"""What Slack takes and refuses as blocks, per type and surface."""

from __future__ import annotations

import pytest

from simulator.slack.blockkit import HOME, MESSAGE, MODAL, parse_blocks
from simulator.slack.errors import SlackError


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict:
    return {"type": "mrkdwn", "text": text}


def rich(text: str) -> dict:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def button(**more) -> dict:
    return {"type": "button", "action_id": "a", "text": plain("Go")} | more


def actions(*elements: dict) -> dict:
    return {"type": "actions", "elements": list(elements)}


def confirm(**more) -> dict:
    return {"title": plain("Sure?"), "text": plain("Really?"), "confirm": plain("Yes"), "deny": plain("No")} | more


def options(count: int) -> list[dict]:
    return [{"text": plain(f"o{number}"), "value": str(number)} for number in range(count)]


def task(number: int = 1, **more) -> dict:
    return {"task_id": str(number), "title": "Search", "status": "complete"} | more


FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "f",
    "positive_button": {"text": plain("Good"), "value": "g"},
    "negative_button": {"text": plain("Bad"), "value": "b"},
}
FIELD = {"type": "input", "label": plain("L"), "element": {"type": "plain_text_input", "action_id": "t"}}

TAKEN = [
    (MESSAGE, {"type": "section", "text": mrkdwn("x" * 3000), "expand": True}),
    (MESSAGE, {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10}),
    (MESSAGE, {"type": "section", "text": plain("x"), "accessory": button(url="https://a.example")}),
    (MESSAGE, {"type": "header", "text": plain("x" * 150)}),
    (MESSAGE, {"type": "context", "elements": [mrkdwn("x")] * 10}),
    (MESSAGE, {"type": "markdown", "text": "x" * 12_000}),
    (MESSAGE, actions(button(style="primary", confirm=confirm(style="danger"), visible_to_user_ids=["U1"]))),
    (MESSAGE, {"type": "context_actions", "elements": [FEEDBACK]}),
    (MESSAGE, {"type": "plan", "title": "Plan", "tasks": [task(n, details=rich("d")) for n in range(50)]}),
    (MESSAGE, {"type": "task_card", **task(sources=[{"type": "url", "url": "https://a.example", "text": "A"}])}),
    (MESSAGE, {"type": "container", "title": plain("More"), "child_blocks": [rich("x")], "is_collapsible": True}),
    (MESSAGE, {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}),
    (MESSAGE, {"type": "table", "rows": [[rich("x" * 5_000)] * 2]}),
    (HOME, {"type": "data_table", "caption": "C", "rows": [[{"type": "raw_text", "text": "x"}]]}),
    (MESSAGE, {"type": "carousel", "elements": [{"type": "card", "title": mrkdwn("T"), "actions": [button()]}]}),
    (MODAL, {"type": "alert", "text": plain("x" * 200), "level": "success"}),
    (MODAL, FIELD),
    (HOME, actions({"type": "static_select", "action_id": "s", "options": options(100)})),
]
REFUSED = [
    (MESSAGE, {"type": "poem", "text": plain("x")}),
    (MESSAGE, {"text": plain("x")}),
    (MESSAGE, {"type": "section"}),
    (MESSAGE, {"type": "section", "text": mrkdwn("")}),
    (MESSAGE, {"type": "section", "text": mrkdwn("x" * 3001)}),
    (MESSAGE, {"type": "section", "text": {"type": "markdown", "text": "x"}}),
    (MESSAGE, {"type": "section", "fields": [mrkdwn("x")] * 11}),
    (MESSAGE, {"type": "section", "text": mrkdwn("x"), "surprise": 1}),
    (MESSAGE, {"type": "section", "text": mrkdwn("x"), "block_id": "b" * 256}),
    (MESSAGE, {"type": "section", "text": mrkdwn("x"), "accessory": FIELD["element"]}),
    (MESSAGE, {"type": "header", "text": mrkdwn("x")}),
    (MESSAGE, {"type": "header", "text": plain("x" * 151)}),
    (MESSAGE, {"type": "context", "elements": []}),
    (MESSAGE, {"type": "context", "elements": [mrkdwn("x")] * 11}),
    (MESSAGE, {"type": "context", "elements": [button()]}),
    (MESSAGE, {"type": "markdown", "text": "x" * 12_001}),
    (MESSAGE, actions()),
    (MESSAGE, actions(*[button(action_id=str(n)) for n in range(26)])),
    (MESSAGE, actions(button(), button())),
    (MESSAGE, actions(button(text=plain("x" * 76)))),
    (MESSAGE, actions(button(text=mrkdwn("x")))),
    (MESSAGE, actions(button(value="v" * 2001))),
    (MESSAGE, actions(button(url="u" * 3001))),
    (MESSAGE, actions(button(style="huge"))),
    (MESSAGE, actions(button(confirm=confirm(title=plain("t" * 101))))),
    (MESSAGE, actions(button(confirm={"title": plain("t")}))),
    (MESSAGE, actions(button(visible_to_user_ids=["alice"]))),
    (MESSAGE, actions({"type": "overflow", "action_id": "o", "options": options(6)})),
    (MESSAGE, actions({"type": "checkboxes", "action_id": "o", "options": options(11)})),
    (MESSAGE, actions({"type": "static_select", "action_id": "o", "options": options(101)})),
    (
        MESSAGE,
        actions({"type": "static_select", "action_id": "o", "options": [{"text": plain("x" * 76), "value": "v"}]}),
    ),
    (
        MESSAGE,
        actions({"type": "static_select", "action_id": "o", "options": [{"text": plain("x"), "value": "v" * 151}]}),
    ),
    (
        MESSAGE,
        actions({"type": "radio_buttons", "action_id": "o", "options": options(2), "initial_option": options(3)[2]}),
    ),
    (
        MESSAGE,
        actions({"type": "static_select", "action_id": "o", "options": [{"text": plain("x"), "value": ""}]}),
    ),
    (MESSAGE, actions({"type": "overflow", "action_id": "o", "options": [options(1)[0] | {"url": "u" * 3001}]})),
    (MESSAGE, actions({"type": "static_select", "action_id": "o", "placeholder": plain("p" * 151)})),
    (MESSAGE, {"type": "context_actions", "elements": [FEEDBACK] * 6}),
    (MESSAGE, {"type": "context_actions", "elements": [button()]}),
    (MESSAGE, {"type": "context_actions", "elements": [FEEDBACK | {"positive_button": None}]}),
    (MESSAGE, {"type": "plan", "title": "P", "tasks": [task(n) for n in range(51)]}),
    (MESSAGE, {"type": "plan", "title": "P", "tasks": [task(1), task(1)]}),
    (MESSAGE, {"type": "plan", "title": "P", "tasks": [task(1, type="task_card")]}),
    (MESSAGE, {"type": "task_card", **task(output="a string")}),
    (MESSAGE, {"type": "task_card", **task(status="cancelled")}),
    (MESSAGE, {"type": "container", "child_blocks": [rich("x")]}),
    (MESSAGE, {"type": "container", "title": plain("x"), "child_blocks": [{"type": "markdown", "text": "x"}]}),
    (MESSAGE, {"type": "container", "title": plain("x"), "child_blocks": [rich("x")], "default_collapsed": True}),
    (MESSAGE, {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}),
    (MESSAGE, {"type": "table", "rows": [[{"type": "raw_text", "text": "x" * 5_001}] * 2]}),
    (MESSAGE, {"type": "table", "rows": [[rich("x" * 5_001)] * 2]}),
    (MESSAGE, {"type": "data_table", "rows": [[{"type": "raw_text", "text": "x"}]]}),
    (MESSAGE, {"type": "alert", "text": plain("x")}),
    (MESSAGE, rich("")),
    (MODAL, {"type": "markdown", "text": "x"}),
    (MODAL, {"type": "context_actions", "elements": [FEEDBACK]}),
    (MODAL, {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}),
    (MODAL, {"type": "alert", "text": plain("x" * 201)}),
    (MODAL, {"type": "input", "label": plain("L")}),
    (MODAL, {"type": "input", "label": plain("L"), "element": button()}),
    (MODAL, FIELD | {"element": {"type": "plain_text_input", "max_length": 3001}}),
    (HOME, {"type": "plan", "title": "P"}),
    (HOME, {"type": "task_card", **task()}),
    (HOME, {"type": "container", "title": plain("x"), "child_blocks": [{"type": "file", "external_id": "f"}]}),
    (HOME, {"type": "container", "title": plain("x" * 151), "child_blocks": [rich("x")]}),
    (HOME, {"type": "container", "title": plain("x"), "child_blocks": [rich("x")] * 11}),
    (MODAL, {"type": "container", "title": plain("x"), "child_blocks": [rich("x")]}),
    (MODAL, {"type": "input", "label": plain("L" * 2001), "element": FIELD["element"]}),
]


@pytest.mark.parametrize(("surface", "block"), TAKEN)
def test_block_is_taken_and_gets_its_ids(surface, block):
    (taken,) = parse_blocks([block], surface)
    assert taken["block_id"]


@pytest.mark.parametrize(("surface", "block"), REFUSED)
def test_block_is_refused_with_a_pointer_to_what_is_wrong(surface, block):
    with pytest.raises(SlackError) as caught:
        parse_blocks([block], surface)
    assert caught.value.code == "invalid_blocks"
    assert caught.value.extra["errors"]
    assert all(
        "[json-pointer:/blocks/0" in error or "[json-pointer:/blocks]" in error
        for error in caught.value.extra["errors"]
    )


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "divider"}] * 51,
        [{"type": "markdown", "text": "x" * 7_000}] * 2,
        [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}] * 2,
        [{"type": "divider", "block_id": "b"}] * 2,
    ],
)
def test_what_holds_across_blocks(blocks):
    with pytest.raises(SlackError) as caught:
        parse_blocks(blocks)
    assert caught.value.code == "invalid_blocks"


@pytest.mark.parametrize("nonsense", ["{", "[1]", 1, {"type": "divider"}, [None]])
def test_what_is_no_list_of_blocks(nonsense):
    with pytest.raises(SlackError) as caught:
        parse_blocks(nonsense)
    assert caught.value.code == "invalid_blocks_format"
