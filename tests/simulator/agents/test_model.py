"""What the scripted model understands; the list in docs/demo.md is this one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from simulator.agents.model import PHRASES, decide
from simulator.agents.moves import Fail, Inject, Reschedule, Result, Say, Spend, Stop, Tool, Use, View, Wait
from simulator.agents.notes import as_titles

TOOLS = {
    name: Tool(name, "notes", arguments)
    for name, arguments in {
        "list_notes": (),
        "read_note": ("title",),
        "write_note": ("title", "text"),
        "delete_note": ("title",),
        "search_notes": ("query",),
        "whoami": (),
    }.items()
} | {name: Tool(name, None) for name in ("bash", "web_search")}


def moves(words, **more):
    return decide(View(words, tools=TOOLS, **more))


@pytest.mark.parametrize(
    ("words", "tool", "arguments"),
    [
        ("Please summarize my notes", "list_notes", {}),
        ("list my notes", "list_notes", {}),
        ("write a note Groceries: milk, bread", "write_note", {"title": "Groceries", "text": "milk, bread"}),
        ("add a note called “To do”: call Bob: today", "write_note", {"title": "To do", "text": "call Bob: today"}),
        (
            "write a note buy some more milk",
            "write_note",
            {"title": "buy some more milk", "text": "buy some more milk"},
        ),
        ("delete the note Old plan.", "delete_note", {"title": "Old plan"}),
        ("read the note Plan", "read_note", {"title": "Plan"}),
        ("search my notes for cake", "search_notes", {"query": "cake"}),
        ("search the web for otters", "web_search", {"query": "otters"}),
        ("run `rm -rf /`", "bash", {"command": "rm -rf /"}),
        ("who am I?", "whoami", {}),
        ('call the tool zap with {"a": 1}', "zap", {"a": 1}),
    ],
)
def test_a_phrase_becomes_a_call(words, tool, arguments):
    used = [move for move in moves(words) if isinstance(move, Use)]

    assert [(use.tool, dict(use.arguments)) for use in used] == [(tool, arguments)]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("fail", Fail),
        ("terminate", Fail),
        ("refuse", Stop),
        ("reschedule", Reschedule),
        ("think for 2 seconds", Wait),
        ("unknown event", Inject),
        ("unknown error", Inject),
        ("unknown stop reason", Stop),
    ],
)
def test_a_phrase_becomes_a_scenario(words, kind):
    assert any(isinstance(move, kind) for move in moves(words))


def test_what_is_to_be_said_exactly_is_said_exactly():
    words = "say exactly: **Hi** <!channel> <@U1>\n\n```js\nlet x = 1\n```"

    assert moves(words) == [Say("**Hi** <!channel> <@U1>\n\n```js\nlet x = 1\n```")]


def test_a_long_text_has_the_number_of_words_asked_for_and_is_the_same_every_time():
    first, second = (moves("write a long text of 250 words")[-1].text for _ in range(2))

    assert (first, len(first.split())) == (second, 250)


def test_the_budget_is_spent_only_where_there_is_one():
    assert not any(isinstance(move, Spend) for move in moves("reach the budget"))
    assert any(isinstance(move, Spend) for move in moves("reach the budget", has_budget=True))


def test_a_refused_call_is_told_with_its_reason_and_nothing_of_its_contents():
    denied = Result(
        "write_note", {"title": "A", "text": "s3cret"}, "no", is_error=True, is_denied=True, deny_message="no"
    )

    said = moves("write a note A: s3cret", results=(denied,))[0].text

    assert "The reason given: no" in said
    assert "s3cret" not in said


def test_without_the_tool_it_says_so():
    assert "no tool `list_notes`" in decide(View("summarise my notes"))[0].text


def test_anything_else_is_answered_with_the_words():
    assert "what a day" in moves("what a day")[-1].text


@pytest.mark.parametrize(
    "listing",
    [
        json.dumps([{"title": "A"}, {"title": "B: c"}]),
        json.dumps({"notes": [{"name": "A"}, {"name": "B: c"}]}),
        json.dumps(["A", "B: c"]),
        '{"title": "A"}\n{"title": "B: c"}',
        "A\nB: c",
        "Your notes:\n- A: first\n- B: c — second",
    ],
)
def test_titles_are_found_in_any_listing(listing):
    assert as_titles(listing)[0] == "A"
    assert len(as_titles(listing)) == 2


def documented():
    page = Path("docs/demo.md").read_text("utf-8")
    table = page.partition("| say |")[2].partition("\n\n")[0]
    return [
        found.strip("`").strip() if "``" in found else found.strip("`")
        for found in re.findall(r"\n\| (`+.+?`+) \|", table)
    ]


def test_every_documented_phrase_is_understood():
    misunderstood = [words for words in documented() if not any(understands(pattern, words) for pattern, _ in PHRASES)]

    assert misunderstood == []


def test_every_phrase_is_documented():
    missing = [pattern for pattern, _ in PHRASES if not any(understands(pattern, words) for words in documented())]

    assert missing == []


def understands(pattern, words):
    return re.search(pattern, words, re.IGNORECASE | re.DOTALL)
