"""For random rules, profiles and calls: what the simulated API does with a call is never looser than our rules."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.agents.profiles import build_tools
from bot.config.model import Config, ServiceSettings
from bot.config.tool_rules import STRICTNESS, BuiltIn, Preset, Rule
from bot.domain.ports import SessionTools
from bot.domain.sessions.agent_profiles import held_to, tools_of
from bot.model.tool_risk import is_reading_name
from oauth.catalog.service import Service as Offered
from simulator.agents.tools import judged, policy_of, resolve_tools
from tests.bot.config.strategies import RULES, TOOLS, profiles

NOTES = Offered("notes", "Notes", "https://notes.example/mcp", None)
CALLS = TOOLS | st.sampled_from(["delete_note", "write_note", "list_notes"])
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def given_to(profile, rules) -> SessionTools:
    config = Config(services={"notes": ServiceSettings(tools=rules)})
    built_in = {str(tool): str(rule) for tool, rule in profile.built_in_rules.items()}
    return SessionTools(built_in, (tools_of(config, profile, NOTES),))


def done_with(tools: SessionTools, server: str | None, name: str) -> str:
    """Return `allow`, `ask` or `deny`, as the simulated API evaluates a call."""
    resolved = resolve_tools(build_tools(tools.built_in_rules, tools.services))
    return judged(policy_of(resolved, server, name), name)["evaluated_permission"]


def assert_not_looser(rule: Rule, outcome: str) -> None:
    assert rule is not Rule.DENIED or outcome == "deny"
    assert rule is not Rule.USER_APPROVED or outcome in {"ask", "deny"}


@quick
@given(profiles(), RULES, CALLS)
def test_no_call_of_a_service_is_done_looser_than_any_rule_of_it(profile, rules, tool):
    outcome = done_with(given_to(profile, rules), "notes", tool)

    assert_not_looser(rules.rules.of(tool), outcome)
    if tighter := profile.service_tools.get("notes"):
        assert_not_looser(tighter.rules.of(tool), outcome)
    if profile.preset is Preset.READ_ONLY and (not is_reading_name(tool) or rules.rules.of(tool) is not Rule.ALLOWED):
        assert outcome == "deny"


@quick
@given(profiles(), RULES, st.sampled_from(BuiltIn))
def test_no_built_in_tool_is_used_looser_than_its_profile_says(profile, rules, tool):
    assert_not_looser(profile.built_in_rules[tool], done_with(given_to(profile, rules), None, str(tool)))


@quick
@given(profiles(), RULES, profiles(), RULES, CALLS, st.sampled_from(BuiltIn))
def test_a_session_is_held_to_the_stricter_of_then_and_now(then, old, now, new, tool, built_in):  # noqa: PLR0917  # drawn values
    held = held_to(given_to(then, old), given_to(now, new))

    for rules in (old, new):
        assert_not_looser(rules.rules.of(tool), done_with(held, "notes", tool))
    strictest = max(then.built_in_rules[built_in], now.built_in_rules[built_in], key=STRICTNESS.index)
    assert_not_looser(strictest, done_with(held, None, str(built_in)))
