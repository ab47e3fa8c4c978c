"""Profiles as the API gets them: strict, cross-referenced, and with a fingerprint that means something."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.agents.profiles import (
    AgentsAndEnvironments,
    build_agent,
    build_environment,
    build_servers,
    build_tools,
    fingerprint,
)
from bot.config.model import Environment, Packages, Skill
from bot.domain.ports import ProfileSpec, ServiceTools
from bot.model.errors import AgentsRejected, AgentsUnavailable

NOTION = ServiceTools(
    name="notion",
    url="https://mcp.notion.example/mcp",
    rules={"search": "allowed", "create_page": "user_approved", "delete_page": "denied"},
    default_rule="user_approved",
)
GITHUB = ServiceTools(name="github", url="https://github.example/mcp", rules={}, default_rule="denied")
SPEC = ProfileSpec(
    name="assistant",
    model="claude-test",
    system="Help.",
    built_in_rules={"web_search": "allowed", "bash": "user_approved"},
    environment=Environment(allowed_hosts=("b.example", "a.example")),
)
RULES = st.dictionaries(st.text(min_size=1, max_size=8), st.sampled_from(["allowed", "user_approved", "denied"]))
NAMES = st.text("abcdefgh", min_size=1, max_size=4)


def test_only_what_is_listed_may_run_unasked() -> None:
    assert build_tools(SPEC.built_in_rules, (NOTION, GITHUB)) == snapshot(
        [
            {
                "type": "agent_toolset_20260401",
                "default_config": {"enabled": False},
                "configs": [
                    {"name": "bash", "enabled": True, "permission_policy": {"type": "always_ask"}},
                    {"name": "web_search", "enabled": True, "permission_policy": {"type": "always_allow"}},
                ],
            },
            {"type": "mcp_toolset", "mcp_server_name": "github", "default_config": {"enabled": False}, "configs": []},
            {
                "type": "mcp_toolset",
                "mcp_server_name": "notion",
                "default_config": {"enabled": True, "permission_policy": {"type": "always_ask"}},
                "configs": [
                    {"name": "create_page", "enabled": True, "permission_policy": {"type": "always_ask"}},
                    {"name": "delete_page", "enabled": False},
                    {"name": "search", "enabled": True, "permission_policy": {"type": "always_allow"}},
                ],
            },
        ]
    )


def test_the_environment_reaches_the_services_and_the_allowed_hosts_only() -> None:
    assert build_environment(SPEC) == snapshot(
        {
            "name": "deputy-assistant-904586516d1e",
            "config": {
                "type": "cloud",
                "networking": {
                    "type": "limited",
                    "allowed_hosts": ["a.example", "b.example"],
                    "allow_mcp_servers": True,
                    "allow_package_managers": False,
                },
            },
        }
    )


def test_without_services_the_built_in_toolset_is_still_declared() -> None:
    tools = build_tools({}, ())

    assert tools == [{"type": "agent_toolset_20260401", "default_config": {"enabled": False}, "configs": []}]
    assert build_servers(()) == []


@given(st.lists(st.tuples(NAMES, RULES), unique_by=lambda pair: pair[0], max_size=5))
def test_every_server_has_one_toolset_and_every_toolset_its_server(named) -> None:
    services = tuple(ServiceTools(name, f"https://{name}.example", rules, "denied") for name, rules in named)

    toolsets = [tool for tool in build_tools({}, services) if tool["type"] == "mcp_toolset"]
    servers = build_servers(services)

    assert [tool["mcp_server_name"] for tool in toolsets] == [server["name"] for server in servers]


@given(RULES)
def test_no_tool_but_an_allowed_one_runs_without_being_asked_about(rules) -> None:
    service = ServiceTools("s", "https://s.example", rules, "user_approved")

    toolset = build_tools(rules, (service,))[1]

    unasked = {c["name"] for c in toolset["configs"] if c.get("permission_policy") == {"type": "always_allow"}}
    assert unasked == {tool for tool, rule in rules.items() if rule == "allowed"}
    assert toolset["default_config"] == {"enabled": True, "permission_policy": {"type": "always_ask"}}


def test_a_default_that_allows_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be allowed"):
        build_tools({}, (replace(NOTION, default_rule="allowed"),))


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Rule"):
        build_tools({"bash": "sometimes"}, ())


def test_the_fingerprint_does_not_depend_on_any_order() -> None:
    turned = replace(
        SPEC,
        built_in_rules=dict(reversed(SPEC.built_in_rules.items())),
        environment=Environment(allowed_hosts=("a.example", "b.example")),
    )

    assert fingerprint(turned) == fingerprint(SPEC)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"model": "claude-other"},
        {"system": "Help!"},
        {"built_in_rules": {"bash": "allowed"}},
        {"skills": (Skill(type="anthropic", skill_id="xlsx"),)},
        {"environment": Environment()},
        {"environment": Environment(network="unrestricted")},
        {"environment": Environment(allow_package_managers=True, packages=Packages(pip=("pandas",)))},
    ],
    ids=str,
)
def test_the_fingerprint_changes_with_every_part(change) -> None:
    assert fingerprint(replace(SPEC, **change)) != fingerprint(SPEC)


def test_an_environment_may_be_open_and_may_have_packages() -> None:
    packages = Packages(pip=("pandas==2.3", "numpy"), apt=("jq",))
    environment = Environment(network="unrestricted", packages=packages)

    config = build_environment(replace(SPEC, environment=environment))["config"]

    assert config["networking"] == {"type": "unrestricted"}
    assert config["packages"] == {"apt": ["jq"], "pip": ["pandas==2.3", "numpy"]}


async def test_skills_and_packages_are_saved_as_the_api_takes_them(simulated, agents) -> None:
    environment = Environment(allow_package_managers=True, packages=Packages(npm=("left-pad",)))
    skills = (Skill(type="anthropic", skill_id="xlsx"), Skill(type="custom", skill_id="skill_1", version="2"))
    spec = replace(SPEC, built_in_rules={"read": "allowed"}, skills=skills, environment=environment)

    saved = await agents.save_profile(spec, None)

    recipe = simulated.agents[saved.agent_id].versions[-1]
    assert [(skill["type"], skill["skill_id"], skill["version"]) for skill in recipe["skills"]] == [
        ("anthropic", "xlsx", "latest"),
        ("custom", "skill_1", "2"),
    ]
    assert simulated.environments[saved.environment_id].config["packages"]["npm"] == ["left-pad"]


def test_an_agent_is_named_as_its_profile() -> None:
    agent = build_agent(SPEC)

    assert (agent["name"], agent["model"], agent["system"]) == ("assistant", "claude-test", "Help.")


# --- saving ---------------------------------------------------------------------------------------------------------


async def test_a_profile_is_saved_as_an_agent_and_an_environment(simulated, agents) -> None:
    saved = await agents.save_profile(SPEC, None)

    assert list(simulated.agents) == [saved.agent_id]
    assert list(simulated.environments) == [saved.environment_id]
    assert (saved.name, saved.agent_version, saved.fingerprint) == ("assistant", 1, fingerprint(SPEC))


async def test_an_unchanged_profile_costs_no_request(simulated, agents) -> None:
    saved = await agents.save_profile(SPEC, None)
    before = len(simulated.calls)

    assert await agents.save_profile(SPEC, saved) == saved
    assert len(simulated.calls) == before


async def test_a_changed_profile_is_a_new_version_of_the_same_agent(simulated, agents) -> None:
    saved = await agents.save_profile(SPEC, None)

    again = await agents.save_profile(replace(SPEC, system="Help!"), saved)

    assert (again.agent_id, again.agent_version) == (saved.agent_id, 2)
    assert again.environment_id == saved.environment_id


async def test_other_hosts_are_another_environment(simulated, agents) -> None:
    """Sessions that run keep the network they were made with."""
    saved = await agents.save_profile(SPEC, None)

    again = await agents.save_profile(replace(SPEC, environment=Environment()), saved)

    assert again.environment_id != saved.environment_id
    assert simulated.environments[again.environment_id].config["networking"]["allowed_hosts"] == []


async def test_a_version_that_is_behind_is_caught_up_with(simulated, agents) -> None:
    saved = await agents.save_profile(SPEC, None)
    await agents.save_profile(replace(SPEC, system="elsewhere"), saved)

    again = await agents.save_profile(replace(SPEC, system="here"), saved)

    assert (again.agent_id, again.agent_version) == (saved.agent_id, 3)


async def test_an_archived_agent_and_environment_are_made_anew(simulated, agents, client) -> None:
    saved = await agents.save_profile(SPEC, None)
    await client.beta.agents.archive(saved.agent_id)
    await client.beta.environments.delete(saved.environment_id)

    again = await agents.save_profile(SPEC, replace(saved, fingerprint="before"))

    assert again.agent_id != saved.agent_id
    assert again.environment_id != saved.environment_id


@pytest.mark.parametrize("kind", ["connection_error_after", "malformed"])
@pytest.mark.parametrize("path", ["/v1/agents", "/v1/environments"])
async def test_what_was_made_although_the_answer_was_lost_is_not_made_twice(simulated, agents, path, kind) -> None:
    simulated.faults.add(path, "POST", kind=kind)

    saved = None
    while saved is None:
        with contextlib.suppress(AgentsUnavailable):
            saved = await agents.save_profile(SPEC, None)

    assert list(simulated.agents) == [saved.agent_id]
    assert list(simulated.environments) == [saved.environment_id]


async def test_an_environment_that_somebody_opened_is_closed_again(simulated, agents, client) -> None:
    saved = await agents.save_profile(SPEC, None)
    opened = {"type": "cloud", "networking": {"type": "unrestricted"}}
    await client.beta.environments.update(saved.environment_id, config=opened)

    again = await agents.save_profile(SPEC, None)

    assert again.environment_id == saved.environment_id
    assert simulated.environments[saved.environment_id].config["networking"]["type"] == "limited"


async def test_what_the_api_forgot_is_made_anew(simulated, agents) -> None:
    saved = await agents.save_profile(SPEC, None)
    simulated.agents.clear()
    simulated.environments.clear()

    again = await agents.save_profile(SPEC, replace(saved, fingerprint="before"))

    assert list(simulated.agents) == [again.agent_id]
    assert list(simulated.environments) == [again.environment_id]


@pytest.mark.parametrize("path", ["/v1/agents", "/v1/agents/*", "/v1/environments", "/v1/environments/*"])
async def test_an_outage_while_saving_is_told(simulated, agents, path) -> None:
    saved = await agents.save_profile(SPEC, None)
    simulated.faults.add(path, kind="status_529", times=9)

    with pytest.raises(AgentsUnavailable):
        await agents.save_profile(replace(SPEC, name="other"), saved if path.endswith("*") else None)


@pytest.mark.parametrize("is_saved", [True, False])
async def test_a_key_that_is_refused_is_told(simulated, agents, is_saved) -> None:
    saved = await agents.save_profile(SPEC, None)
    simulated.api_key = "another"

    with pytest.raises(AgentsRejected) as caught:
        await agents.save_profile(replace(SPEC, name="other"), saved if is_saved else None)

    assert caught.value.code == "authentication_error"


async def test_a_refused_profile_is_said_to_be_wrong(simulated, agents) -> None:
    with pytest.raises(AgentsRejected):
        await agents.save_profile(replace(SPEC, name="x" * 300), None)


async def test_a_refused_change_is_said_to_be_wrong(simulated, client) -> None:
    profiles = AgentsAndEnvironments(client)
    saved = await profiles.save(SPEC, None)

    with pytest.raises(AgentsRejected):
        await profiles.save(replace(SPEC, system="x" * 100_001), saved)


def effective(tools, name: str) -> str:
    toolset = tools[1]
    found = next((one for one in toolset["configs"] if one["name"] == name), toolset["default_config"])
    return found["permission_policy"]["type"] if found["enabled"] else "denied"


def test_auto_is_the_apis_own_policy() -> None:
    tools = build_tools({}, (replace(NOTION, rules={"search": "auto"}, default_rule="auto"),))

    assert effective(tools, "search") == effective(tools, "tomorrow") == "auto"


POLICY = {"allowed": "always_allow", "auto": "auto", "user_approved": "always_ask", "denied": "denied"}
ORDER = ["always_allow", "auto", "always_ask", "denied"]


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=5), st.sampled_from(list(POLICY)), max_size=363),
    st.sampled_from(["auto", "user_approved", "denied"]),
    st.integers(1, 4),
)
def test_rules_beyond_the_apis_limit_get_stricter_never_looser(rules, default, copies) -> None:
    many = {f"{name}{number}": rule for name, rule in rules.items() for number in range(copies)}
    tools = build_tools({}, (replace(NOTION, rules=many, default_rule=default),))

    assert sum(max(1, len(toolset["configs"])) for toolset in tools) <= 256
    for name, rule in [*many.items(), ("unlisted", default)]:
        assert ORDER.index(effective(tools, name)) >= ORDER.index(POLICY[rule])


def test_a_service_with_a_thousand_rules_leaves_room_for_the_others() -> None:
    big = replace(GITHUB, rules={f"tool_{number}": "allowed" for number in range(1_000)})

    tools = build_tools({}, (NOTION, big))

    assert [len(toolset["configs"]) for toolset in tools] == [0, 252, 3]
