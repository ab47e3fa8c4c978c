"""A tool keeps its rule only while it is exactly what was trusted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.pinning import cautious, digest_of, untrusted
from bot.domain.ports import ServiceTools
from store.records import ServiceTool
from store.tool_pins import Pin
from tests.builders import NOON

RULES = ("allowed", "auto", "user_approved", "denied")
names = st.sampled_from("abcdef")
hashes = st.sampled_from("123")


def a_tool(name, definition="1"):
    return ServiceTool("notes", name, None, "", "s", {}, definition, NOON, None, NOON)


def a_pin(name, definition="1"):
    return Pin(name, "", "s", {}, definition)


def a_service(rules, default="denied"):
    return ServiceTools("notes", "https://notes.example/mcp", rules, default)


def rule_of(service, name):
    return service.rules.get(name, service.default_rule)


@given(
    rules=st.dictionaries(names, st.sampled_from(RULES)),
    default=st.sampled_from(RULES[1:]),
    known=st.dictionaries(names, hashes, min_size=1),
    pinned=st.dictionaries(names, hashes),
)
def test_nothing_is_unasked_but_what_is_listed_as_it_was_trusted_and_nothing_else_changes(
    rules, default, known, pinned
):
    tools = [a_tool(name, definition) for name, definition in known.items()]
    pins = {name: a_pin(name, definition) for name, definition in pinned.items()}
    service = a_service(rules, default)

    after = cautious(service, tools, pins)

    for name in (*"abcdef", "never seen anywhere"):
        is_trusted = name in known and known[name] == pinned.get(name)
        before = rule_of(service, name)
        expected = "user_approved" if before in {"allowed", "auto"} and not is_trusted else before
        assert rule_of(after, name) == expected


def test_a_service_that_was_never_listed_keeps_its_rules():
    service = a_service({"a": "allowed"})

    assert cautious(service, [], {}) is service


def test_a_digest_names_the_tools_their_definitions_and_nothing_else():
    both = [a_tool("a"), a_tool("b")]

    assert digest_of(both) == digest_of([a_tool("a"), a_tool("b")])
    assert digest_of(both) != digest_of(both[:1])
    assert digest_of(both) != digest_of([a_tool("a"), a_tool("b", "2")])


def test_untrusted_tools_are_named_in_order():
    tools = [a_tool("c"), a_tool("b", "2"), a_tool("a")]

    assert [tool.name for tool in untrusted({"a": a_pin("a"), "b": a_pin("b")}, tools)] == ["b", "c"]
