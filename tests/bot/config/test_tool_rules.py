"""Tool rules: the stricter one holds, a preset never loosens, what nobody listed is never run unasked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config.tool_rules import (
    BUILT_IN_RULES,
    STRICTNESS,
    BuiltIn,
    KnownTool,
    Preset,
    Rule,
    Rules,
    ToolRules,
    narrowed,
    suggest,
    under,
)

RULES = st.builds(
    Rules, st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(Rule), max_size=6), st.sampled_from(Rule)
)


def strictness(rule: Rule) -> int:
    return STRICTNESS.index(rule)


@given(RULES, RULES, st.sampled_from("abcdefgh"))
def test_of_two_rules_the_stricter_one_holds_for_every_tool(one, other, tool):
    assert narrowed(one, other).of(tool) is max(one.of(tool), other.of(tool), key=strictness)


@given(st.sampled_from(Preset), RULES, st.sampled_from("abcdefgh"))
def test_a_preset_never_loosens_a_services_rule(preset, rules, tool):
    assert strictness(under(preset, rules).of(tool)) >= strictness(rules.of(tool))


@given(RULES, st.sampled_from(["a", "create_page", "unlisted"]))
def test_a_read_only_agent_never_writes_and_never_asks(rules, tool):
    listed = Rules({**rules.listed, "create_page": Rule.ALLOWED}, rules.default)

    rule = under(Preset.READ_ONLY, listed).of(tool)

    assert rule is Rule.DENIED or (rule is Rule.ALLOWED and tool == "a")


@pytest.mark.parametrize("preset", Preset)
def test_each_preset_has_a_rule_for_every_built_in_tool(preset):
    assert set(BUILT_IN_RULES[preset]) == set(BuiltIn)


@pytest.mark.fault("C5")
def test_what_runs_code_or_fetches_addresses_is_held_but_for_commands_of_a_trusted_agent():
    unasked = {(preset, tool) for preset in Preset for tool in BuiltIn if BUILT_IN_RULES[preset][tool] is Rule.ALLOWED}

    assert {one for one in unasked if one[1] in {BuiltIn.BASH, BuiltIn.WEB_FETCH}} == {(Preset.TRUSTED, BuiltIn.BASH)}
    assert Rule.AUTO not in {rule for rules in BUILT_IN_RULES.values() for rule in rules.values()}


def test_presets_of_built_in_tools_get_looser_one_by_one_and_addresses_are_always_held():
    for tool in BuiltIn:
        rules = [strictness(BUILT_IN_RULES[preset][tool]) for preset in Preset]
        assert rules == sorted(rules, reverse=True)
        assert tool is not BuiltIn.WEB_FETCH or min(rules) == strictness(Rule.USER_APPROVED)


def test_a_tool_is_in_one_list_only():
    with pytest.raises(ValidationError, match="listed twice: search"):
        ToolRules(allowed_tools=("search",), denied_tools=("search",))


def test_a_service_cannot_run_unlisted_tools_unasked():
    with pytest.raises(ValidationError):
        ToolRules(default="allowed")


@pytest.mark.fault("F37")
@pytest.mark.parametrize(
    "tool",
    ["transitionJiraIssue", "manage_crm_objects", "reset_password", "destroy_cluster", "refund_payment", "posts"],
)
def test_a_read_only_agent_does_not_run_what_no_reading_word_names(tool):
    assert under(Preset.READ_ONLY, Rules({tool: Rule.ALLOWED})).of(tool) is Rule.DENIED


@pytest.mark.fault("F37")
@pytest.mark.parametrize("tool", ["search", "get_page", "listIssues", "notion-fetch", "getTransitionsForJiraIssue"])
def test_a_read_only_agent_runs_what_only_reads(tool):
    assert under(Preset.READ_ONLY, Rules({tool: Rule.ALLOWED})).of(tool) is Rule.ALLOWED


TOOLS = (KnownTool("search", says_it_reads=True), KnownTool("delete_page", says_it_reads=True), KnownTool("get_page"))


def test_a_suggestion_believes_no_hint_that_the_name_contradicts():
    assert suggest(Preset.READ_ONLY, TOOLS) == ToolRules(allowed_tools=("search",), default="denied")
    assert suggest(Preset.CAREFUL, TOOLS) == ToolRules()
    assert suggest(Preset.TRUSTED, TOOLS) == ToolRules(allowed_tools=("search",))
