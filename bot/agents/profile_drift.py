"""Finds and repairs agents and environments that no longer match their profile.

Somebody may have changed them in the Console. That matters for running threads too: a session pins its agent's
version, but not the environment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anthropic import AsyncAnthropic

from bot.agents.client import errors_translated, status_of
from bot.agents.profiles import AgentsAndEnvironments, build_agent, build_environment
from bot.domain.ports import ProfileSpec
from bot.model.errors import AgentsRejected
from store.records import SavedProfile


async def find_drift(client: AsyncAnthropic, spec: ProfileSpec, saved: SavedProfile) -> tuple[str, ...]:
    """Return what differs, in words such as `model` or `environment: network`; empty if nothing. Raises our errors."""
    agent = await _found(client.beta.agents.retrieve(saved.agent_id))
    environment = await _found(client.beta.environments.retrieve(saved.environment_id))
    return (*_agent_drift(build_agent(spec), agent), *_environment_drift(build_environment(spec), environment))


async def repair(client: AsyncAnthropic, spec: ProfileSpec, saved: SavedProfile) -> SavedProfile:
    """Restore both as the profile says; return their ids and version, to be stored. Raises our errors."""
    profiles = AgentsAndEnvironments(client)
    environment_id = await profiles.restore_environment(spec, saved)
    # Without a fingerprint `save` cannot skip the update because it believes that nothing changed.
    return await profiles.save(spec, replace(saved, fingerprint="", environment_id=environment_id))


async def _found(asked: Any) -> Any | None:
    try:
        with errors_translated():
            found = await asked
    except AgentsRejected as refusal:
        if status_of(refusal) != 404:
            raise
        return None
    # An archived agent or environment can be read but not used, so it counts as gone.
    return None if found.archived_at is not None else found


def _agent_drift(wanted: dict[str, Any], agent: Any | None) -> list[str]:
    if agent is None:
        return ["the agent is gone or archived"]
    has = agent.to_dict(mode="json")
    differences = {
        "name": has["name"] != wanted["name"],
        "model": has["model"]["id"] != wanted["model"],
        "system prompt": (has["system"] or "") != wanted["system"],
        "tools": _policies(has["tools"]) != _policies(wanted["tools"]),
        "services": bool(has["mcp_servers"]),
        "skills": _skills(has["skills"]) != _skills(wanted["skills"]),
    }
    return [name for name, is_so in differences.items() if is_so]


def _environment_drift(wanted: dict[str, Any], environment: Any | None) -> list[str]:
    if environment is None:
        return ["the environment is gone or archived"]
    has, config = environment.to_dict(mode="json")["config"], wanted["config"]
    differences = {
        "environment: network": _networking(has) != _networking(config),
        "environment: packages": _packages(has) != _packages(config),
    }
    return [name for name, is_so in differences.items() if is_so]


def _policies(tools: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Return `(toolset, tool, policy)` of each configured tool; a toolset's default is the tool `*`."""
    found = set()
    for toolset in tools:
        where = f"{toolset['type']} {toolset.get('mcp_server_name') or ''}"
        for name, config in [("*", toolset["default_config"]), *((one["name"], one) for one in toolset["configs"])]:
            policy = config.get("permission_policy") or {}
            found.add((where, name, str(policy.get("type")) if config["enabled"] else "denied"))
    return found


def _skills(skills: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((one["type"], one["skill_id"], one.get("version") or "latest") for one in skills)


def _networking(config: dict[str, Any]) -> tuple[object, ...]:
    network = config.get("networking") or {}
    hosts = tuple(sorted(network.get("allowed_hosts") or ()))
    mcp, managers = bool(network.get("allow_mcp_servers")), bool(network.get("allow_package_managers"))
    return config.get("type"), network.get("type"), hosts, mcp, managers


def _packages(config: dict[str, Any]) -> dict[str, list[str]]:
    packages = config.get("packages") or {}
    return {manager: names for manager, names in packages.items() if names and manager != "type"}
