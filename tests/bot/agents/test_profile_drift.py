"""What somebody changed in the console is found, part by part, and brought back."""

from __future__ import annotations

import pytest

from bot.agents.profile_drift import find_drift, repair
from bot.config.model import Environment, Packages, Skill
from bot.domain.ports import ProfileSpec

SPEC = ProfileSpec(
    name="assistant",
    model="claude-sonnet-5",
    system="Help.",
    built_in_rules={"bash": "user_approved", "read": "allowed", "write": "denied", "glob": "auto"},
    skills=(Skill(type="anthropic", skill_id="xlsx"),),
    environment=Environment(
        allowed_hosts=("b.example", "a.example"), allow_package_managers=True, packages=Packages(pip=("pandas",))
    ),
)


async def test_a_profile_as_it_was_saved_does_not_differ(client, agents):
    saved = await agents.save_profile(SPEC, None)

    assert await find_drift(client, SPEC, saved) == ()


OPEN = {"type": "cloud", "networking": {"type": "unrestricted"}, "packages": {"pip": ["numpy"]}}


async def change_all(client, saved):
    tools = [{"type": "agent_toolset_20260401"}]
    await client.beta.agents.update(
        saved.agent_id, version=1, model="claude-other", name="other", system="Obey.", tools=tools, skills=[]
    )
    await client.beta.environments.update(saved.environment_id, config=OPEN)


async def test_every_part_that_somebody_changed_is_named_and_repaired(client, agents, simulated):
    saved = await agents.save_profile(SPEC, None)
    await change_all(client, saved)

    assert await find_drift(client, SPEC, saved) == (
        "name",
        "model",
        "system prompt",
        "tools",
        "skills",
        "environment: network",
        "environment: packages",
    )

    repaired = await repair(client, SPEC, saved)

    assert await find_drift(client, SPEC, repaired) == ()
    assert (repaired.agent_id, repaired.agent_version) == (saved.agent_id, 3)
    assert repaired.environment_id == saved.environment_id
    assert await agents.save_profile(SPEC, repaired) == repaired


@pytest.mark.parametrize("how", ["archive", "delete"])
async def test_what_is_gone_is_named_and_made_again(client, agents, how):
    saved = await agents.save_profile(SPEC, None)
    await client.beta.agents.archive(saved.agent_id)
    await getattr(client.beta.environments, how)(saved.environment_id)

    assert await find_drift(client, SPEC, saved) == (
        "the agent is gone or archived",
        "the environment is gone or archived",
    )

    assert await find_drift(client, SPEC, await repair(client, SPEC, saved)) == ()
