"""Agents and environments: creates what a profile needs at the API, and writes its tool rules as toolsets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from anthropic import AsyncAnthropic

from bot.agents.client import LIST_PAGE, errors_translated, status_of, text_of
from bot.config.tool_rules import Rule, stricter
from bot.domain.ports import ProfileSpec, ServiceTools
from bot.model.errors import AgentsRejected, AgentsUnavailable
from store.records import AgentId, EnvironmentId, SavedProfile

_POLICIES: Mapping[Rule, Mapping[str, Any]] = {
    Rule.ALLOWED: {"enabled": True, "permission_policy": {"type": "always_allow"}},
    Rule.AUTO: {"enabled": True, "permission_policy": {"type": "auto"}},
    Rule.USER_APPROVED: {"enabled": True, "permission_policy": {"type": "always_ask"}},
    Rule.DENIED: {"enabled": False},
}
# Hex digits that tell two environments apart.
_DIGEST_SHOWN = 12
TOOLS_MAX = 256
"""Configured tools over all toolsets of an agent (docs/reference/managed-agents.md#agents)."""


def build_tools(built_in_rules: Mapping[str, str], services: Iterable[ServiceTools]) -> list[Any]:
    """Return the toolsets: one of the built-in tools, one for each service.

    docs/reference/managed-agents.md#permission-policies says how the API reads them.
    Raises ValueError for a rule that does not exist or a default that allows.
    """
    # Denied by default, so a tool that the API adds later is off until Deputy has a rule for it.
    built_in = {
        "type": "agent_toolset_20260401",
        "default_config": _policy("denied"),
        "configs": [{"name": tool, **_policy(rule)} for tool, rule in sorted(built_in_rules.items())],
    }
    room = TOOLS_MAX - max(1, len(built_in_rules))
    return [built_in, *(_build_toolset(service) for service in _sorted(_all_fitted(services, room)))]


def build_servers(services: Iterable[ServiceTools]) -> list[Any]:
    """Return the MCP servers; `build_tools` has a toolset for each, without which the API refuses it."""
    return [{"type": "url", "name": service.name, "url": service.url} for service in _sorted(services)]


def build_agent(spec: ProfileSpec) -> dict[str, Any]:
    """Return the body of an agent. It has no services: each session overrides it with those of its owner."""
    return {
        "name": spec.name,
        "model": spec.model,
        "system": spec.system,
        "tools": build_tools(spec.built_in_rules, ()),
        "mcp_servers": [],
        "skills": [skill.model_dump(exclude_none=True) for skill in spec.skills],
    }


def build_environment(spec: ProfileSpec) -> dict[str, Any]:
    """Return the body of an environment; a `limited` one reaches the services and the allowed hosts only."""
    wanted = spec.environment
    networking: dict[str, Any] = {"type": "unrestricted"}
    if wanted.network == "limited":
        networking = {
            "type": "limited",
            "allowed_hosts": sorted(wanted.allowed_hosts),
            # Without it the services themselves are out of reach (docs/reference/managed-agents.md#environments).
            "allow_mcp_servers": wanted.allow_mcp_servers,
            "allow_package_managers": wanted.allow_package_managers,
        }
    packages = {manager: list(names) for manager, names in wanted.packages if names}
    config = {"type": "cloud", "networking": networking} | ({"packages": packages} if packages else {})
    # Names are unique in an API workspace. With a digest of the content, two installations that want the same
    # environment share it, and two that do not never clash.
    return {"name": f"deputy-{spec.name}-{_digest(config)[:_DIGEST_SHOWN]}", "config": config}


def fingerprint(spec: ProfileSpec) -> str:
    """Return the SHA-256, in hex, of everything that is saved of a profile; the order of rules does not matter."""
    return _digest({"agent": build_agent(spec), "environment": build_environment(spec)})


class AgentsAndEnvironments:
    """The agents and environments of the API workspace."""

    def __init__(self, client: AsyncAnthropic) -> None:
        self._agents = client.beta.agents
        self._environments = client.beta.environments
        self._once = client.with_options(max_retries=0)

    async def save(self, spec: ProfileSpec, saved: SavedProfile | None) -> SavedProfile:
        """See `Agents.save_profile`. Makes no request if the profile is saved already."""
        digest = fingerprint(spec)
        if saved and saved.fingerprint == digest:
            return saved
        environment_id = await self._save_environment(spec, saved)
        agent = await self._save_agent(spec, saved, digest)
        return SavedProfile(
            name=spec.name,
            agent_id=AgentId(text_of(agent, "id")),
            agent_version=agent.version,
            environment_id=environment_id,
            fingerprint=digest,
        )

    async def restore_environment(self, spec: ProfileSpec, saved: SavedProfile) -> EnvironmentId:
        """Set the saved environment to what the profile says; if it is gone, find it by name or create another."""
        body = build_environment(spec)
        if await self._is_environment(saved.environment_id, body):
            await self._restore_environment(saved.environment_id, body)
            return saved.environment_id
        return await self._save_environment(spec, None)

    async def _save_agent(self, spec: ProfileSpec, saved: SavedProfile | None, digest: str) -> Any:
        body = {**build_agent(spec), "metadata": {"deputy_profile": spec.name, "deputy_fingerprint": digest}}
        if saved and (updated := await self._update_agent(saved, body)):
            return updated
        # An earlier create may have worked although its answer was lost; a second agent would stay for ever.
        if found := await self._find_agent(digest):
            return found
        with errors_translated():
            return await self._once.beta.agents.create(**body)

    async def _update_agent(self, saved: SavedProfile, body: dict[str, Any]) -> Any | None:
        """Return the new version; None if the agent is gone or archived."""
        try:
            with errors_translated():
                return await self._once.beta.agents.update(saved.agent_id, version=saved.agent_version, **body)
        except AgentsRejected as refusal:
            if status_of(refusal) not in (400, 404, 409):
                raise
        # Somebody changed the agent in the Console, so our version is not the current one (409): ours wins. Or the
        # agent is gone.
        with errors_translated():
            current = await self._current_agent(saved.agent_id)
            if current is None:
                return None
            return await self._once.beta.agents.update(saved.agent_id, version=current.version, **body)

    async def _current_agent(self, agent_id: AgentId) -> Any | None:
        try:
            with errors_translated():
                agent = await self._agents.retrieve(agent_id)
        except AgentsRejected as refusal:
            if status_of(refusal) != 404:
                raise
            return None
        # Archiving cannot be undone, so an archived agent is replaced (docs/reference/managed-agents.md#agents).
        return agent if agent.archived_at is None else None

    async def _find_agent(self, digest: str) -> Any | None:
        """Return an agent that an earlier attempt created although its answer got lost."""
        with errors_translated():
            async for agent in self._agents.list(limit=LIST_PAGE):
                if (agent.metadata or {}).get("deputy_fingerprint") == digest:
                    return agent
        return None

    async def _save_environment(self, spec: ProfileSpec, saved: SavedProfile | None) -> EnvironmentId:
        body = build_environment(spec)
        if saved and await self._is_environment(saved.environment_id, body):
            return saved.environment_id
        try:
            with errors_translated():
                created = await self._once.beta.environments.create(**body)
            return EnvironmentId(text_of(created, "id"))
        except (AgentsRejected, AgentsUnavailable) as error:
            if isinstance(error, AgentsRejected) and status_of(error) != 409:
                raise
            # The name is taken, or the answer was lost. The name contains a digest of the content, so whatever has
            # that name is the environment that we want.
            found = await self._find_environment(body["name"])
            if found is None:
                raise
        await self._restore_environment(found, body)
        return found

    async def _restore_environment(self, environment_id: EnvironmentId, body: dict[str, Any]) -> None:
        """Set an environment to what its name promises: somebody may have opened its network in the Console."""
        with errors_translated():
            await self._environments.update(environment_id, config=body["config"])

    async def _is_environment(self, environment_id: EnvironmentId, body: dict[str, Any]) -> bool:
        try:
            with errors_translated():
                environment = await self._environments.retrieve(environment_id)
        except AgentsRejected as refusal:
            if status_of(refusal) != 404:
                raise
            return False
        return environment.archived_at is None and environment.name == body["name"]

    async def _find_environment(self, name: str) -> EnvironmentId | None:
        with errors_translated():
            async for environment in self._environments.list(limit=LIST_PAGE):
                if environment.name == name:
                    return EnvironmentId(environment.id)
        return None


def _policy(rule: str) -> dict[str, Any]:
    return dict(_POLICIES[Rule(rule)])


def _build_toolset(service: ServiceTools) -> dict[str, Any]:
    if service.default_rule == Rule.ALLOWED:
        raise ValueError(f"{service.name}: tools that are not listed must not be allowed")
    return {
        "type": "mcp_toolset",
        "mcp_server_name": service.name,
        "default_config": _policy(service.default_rule),
        "configs": [{"name": tool, **_policy(rule)} for tool, rule in sorted(service.rules.items())],
    }


def _all_fitted(services: Iterable[ServiceTools], room: int) -> list[ServiceTools]:
    """Return the services with at most `room` rules together; those with the fewest rules keep all of them."""
    fitted: list[ServiceTools] = []
    waiting = sorted(services, key=lambda service: len(service.rules))
    for number, service in enumerate(waiting):
        fitted.append(_fitted(service, room // (len(waiting) - number)))
        room -= max(1, len(fitted[-1].rules))
    return fitted


def _fitted(service: ServiceTools, room: int) -> ServiceTools:
    """Return a service with at most `room` rules; a tool that is left out gets a stricter rule, never a looser one."""
    if len(service.rules) <= room:
        return service
    # First drop rules that only repeat the default, then looser ones; if even the stricter ones are too many, deny all.
    default = Rule(service.default_rule)
    rules = {tool: Rule(rule) for tool, rule in service.rules.items() if rule != default}
    if len(rules) <= room:
        return replace(service, rules=rules)
    strict = {tool: rule for tool, rule in rules.items() if stricter(rule, default) is rule}
    if len(strict) > room:
        return replace(service, rules={}, default_rule=Rule.DENIED)
    rest = sorted(rules.keys() - strict.keys())[: room - len(strict)]
    return replace(service, rules=strict | {tool: rules[tool] for tool in rest})


def _sorted(services: Iterable[ServiceTools]) -> list[ServiceTools]:
    return sorted(services, key=lambda service: service.name)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
