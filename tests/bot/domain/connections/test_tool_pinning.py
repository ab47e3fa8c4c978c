"""A tool keeps its rule only while it is exactly what was trusted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.connections.tool_pinning import (
    LISTED_WITHIN,
    cautious,
    change_of,
    digest_of,
    is_trusted,
    page_of,
    untrusted,
)
from bot.domain.ports import ServiceTools
from bot.model.notices import ToolsChanged
from bot.renderers.tool_alert import render_tools_changed
from oauth.mcp.tool_definitions import HINTS, build_records, compare_tools, parse_tool
from store.records import ServiceTool
from store.tool_pins import Pin
from tests.builders import NOON

SECOND = timedelta(seconds=1)
RULES = ("allowed", "auto", "user_approved", "denied")
names = st.sampled_from("abcdef")
hashes = st.sampled_from("123")


def a_tool(name, definition="1"):
    return ServiceTool("notes", name, None, "", "s", {}, definition, NOON, None, NOON)


def a_pin(name, definition="1", accepted_at=NOON, accepted_by=None):
    return Pin(name, "", "s", {}, definition, accepted_at, accepted_by)


def a_service(rules, default="denied"):
    return ServiceTools("notes", "https://notes.example/mcp", rules, default)


def rule_of(service, name):
    return service.rules.get(name, service.default_rule)


@given(
    rules=st.dictionaries(names, st.sampled_from(RULES)),
    default=st.sampled_from(RULES[1:]),
    known=st.dictionaries(names, hashes),
    pinned=st.dictionaries(names, hashes),
)
def test_nothing_is_unasked_but_what_is_listed_as_it_was_trusted_and_nothing_else_changes(
    rules, default, known, pinned
):
    tools = [a_tool(name, definition) for name, definition in known.items()]
    pins = {name: a_pin(name, definition) for name, definition in pinned.items()}
    service = a_service(rules, default)

    after = cautious(service, tools, pins, NOON)

    for name in (*"abcdef", "never seen anywhere"):
        is_trusted = name in known and known[name] == pinned.get(name)
        before = rule_of(service, name)
        expected = "user_approved" if before in {"allowed", "auto"} and not is_trusted else before
        assert rule_of(after, name) == expected


@pytest.mark.fault("S12")
@pytest.mark.parametrize("default", RULES)
def test_of_a_service_that_was_never_listed_nothing_runs_unasked(default):
    service = a_service({"a": "allowed", "b": "auto", "c": "denied"}, default)

    after = cautious(service, [], {}, NOON)

    assert (after.rules["a"], after.rules["b"], after.rules["c"]) == ("user_approved", "user_approved", "denied")
    assert after.default_rule not in {"allowed", "auto"}


@pytest.mark.fault("S12")
@pytest.mark.parametrize(
    ("accepted_by", "accepted_after", "after", "is_so"),
    [
        (None, 0, LISTED_WITHIN, True),
        (None, 0, LISTED_WITHIN + SECOND, False),
        (None, 1, LISTED_WITHIN + SECOND, False),
        ("U0CAROL", 0, LISTED_WITHIN + SECOND, False),
        ("U0CAROL", 1, LISTED_WITHIN + SECOND, True),
        ("U0CAROL", 1, LISTED_WITHIN + 2 * SECOND, False),
    ],
)
def test_a_listing_says_for_a_while_what_a_tool_is(accepted_by, accepted_after, after, is_so):
    pin = a_pin("a", accepted_at=NOON + accepted_after * SECOND, accepted_by=accepted_by)

    assert is_trusted(pin, a_tool("a"), NOON + after) is is_so


@pytest.mark.fault("S12")
def test_what_is_unknown_is_not_trusted():
    assert not is_trusted(None, a_tool("a"), NOON)
    assert not is_trusted(a_pin("a"), None, NOON)


def test_an_alert_has_what_differs_before_what_was_only_not_seen():
    tools = [a_tool(name, "2" if name in "def" else "1") for name in "abcdef"]
    pins = {name: a_pin(name) for name in "abcdef"}
    late = NOON + LISTED_WITHIN + SECOND

    assert [tool.name for tool in page_of(pins, untrusted(pins, tools, late))] == ["d", "e", "f"]
    assert [tool.name for tool in page_of(pins, untrusted(pins, tools[:3], late))] == ["a", "b", "c"]


def test_a_digest_names_the_tools_their_definitions_and_nothing_else():
    both = [a_tool("a"), a_tool("b")]

    assert digest_of(both) == digest_of([a_tool("a"), a_tool("b")])
    assert digest_of(both) != digest_of(both[:1])
    assert digest_of(both) != digest_of([a_tool("a"), a_tool("b", "2")])


def test_untrusted_tools_are_named_in_order():
    tools = [a_tool("c"), a_tool("b", "2"), a_tool("a")]

    assert [tool.name for tool in untrusted({"a": a_pin("a"), "b": a_pin("b")}, tools, NOON)] == ["b", "c"]


LISTED = {
    "name": "read_note",
    "title": "Read a note",
    "description": "Reads one note.",
    "inputSchema": {"type": "object", "properties": {"id": {"type": "string", "description": "Which"}}},
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}
LONG = "x" * 5_000


@pytest.mark.fault("S12", "C3")
@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({}, {"title": "Read and send"}, "Its title was “Read a note”, and is “Read and send” now."),
        ({}, {"title": None}, "is “(none)” now"),
        ({"title": None}, {"title": None, "annotations": LISTED["annotations"] | {"title": "Send"}}, "is “Send” now"),
        ({}, {"description": "Reads one note, and mails it."}, "and mails it"),
        ({}, {"description": ""}, "(no description)"),
        ({"description": LONG}, {"description": f"{LONG} and mails it"}, "differs after what I keep"),
        ({}, {"inputSchema": {"type": "object", "properties": {"id": {"description": "Mail it"}}}}, "Mail it"),
        ({}, {"inputSchema": {}}, "What it takes now"),
        ({}, {"inputSchema": {"type": "object", "required": ["id"]}}, "required"),
        ({"inputSchema": {"x": LONG * 4}}, {"inputSchema": {"x": LONG * 4 + "y"}}, "after what I keep of them"),
        *(({"annotations": {}}, {"annotations": {hint: True}}, f"{hint}: not said → True") for hint in HINTS),
        *(({"annotations": {hint: True}}, {"annotations": {hint: False}}, f"{hint}: True → False") for hint in HINTS),
        *(({"annotations": {hint: False}}, {"annotations": {}}, f"{hint}: False → not said") for hint in HINTS),
    ],
)
def test_each_thing_that_changes_in_a_tool_takes_its_trust_and_is_shown(before, after, shown):
    was, now = parse_tool(LISTED | before), parse_tool(LISTED | before | after)
    (known,) = build_records("notes", (), (was,), NOON)
    (found,) = build_records("notes", (known,), (now,), NOON)
    fields = (known.description, known.schema_hash, known.annotations, known.definition_hash)
    pin = Pin("read_note", *fields, NOON, title=known.title, schema=known.schema)

    notice = ToolsChanged("notes", (change_of(pin, found),), 0, "f" * 64)

    assert compare_tools((known,), (now,)).changed
    assert not is_trusted(pin, found, NOON)
    assert shown in str(render_tools_changed(notice, {"notes": "Notes"}).blocks)
