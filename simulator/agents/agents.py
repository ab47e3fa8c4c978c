"""The agents endpoints: versions, updates, archive (docs/reference/managed-agents.md#agents)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from anthropic.types.beta import (
    AgentCreateParams,
    AgentListParams,
    AgentUpdateParams,
    BetaManagedAgentsAgent,
)
from anthropic.types.beta.agents import VersionListParams

from simulator.agents.asking import Ask, Route
from simulator.agents.errors import bad_request, conflict, not_found
from simulator.agents.ids import check_id, new_id
from simulator.agents.pages import page_of
from simulator.agents.rules import check_length, check_metadata, live, patched, within
from simulator.agents.schemas import answer
from simulator.agents.state import Agent, World
from simulator.agents.tools import check_tools, resolve_tools

Json = dict[str, Any]
STALE = "Concurrent modification detected. Please fetch the latest version and retry."


def resolve_model(model: str | Json) -> Json:
    """Return the model as the API shows it in an agent, with every default filled in."""
    given: Json = {"id": model} if isinstance(model, str) else dict(model)
    effort = given.get("effort")
    given["effort"] = {"type": effort} if isinstance(effort, str) else effort
    given["speed"] = given.get("speed") or "standard"
    given.setdefault("inference_geo", None)
    return given


def check_recipe(recipe: Json) -> None:
    """Raise 400 for an agent with a field out of range, or tools that do not fit its servers and skills."""
    check_length("name", recipe["name"], 1, 256)
    check_length("description", recipe["description"], 0, 2048)
    check_length("system", recipe["system"], 0, 100_000)
    check_length("model", recipe["model"]["id"], 1, 256)
    if len(recipe["skills"]) > 20:
        raise bad_request("skills: at most 20")
    check_tools(recipe["tools"], recipe["mcp_servers"], recipe["skills"])


def resolve_skills(skills: list[Json] | None) -> list[Json]:
    """Return the skills, each with its version; `latest` where none is given."""
    return [skill | {"version": skill.get("version") or "latest"} for skill in skills or []]


class Agents:
    """The agents of the API, each with all its versions."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        one = "/v1/agents/{agent_id}"
        return [
            ("POST", "/v1/agents", self.create),
            ("GET", "/v1/agents", self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("POST", one + "/archive", self.archive),
            ("GET", one + "/versions", self.versions),
        ]

    def find(self, agent_id: str) -> Agent:
        """Return the agent. Raises 400 for a malformed id, 404 for an unknown one."""
        agent = self._world.agents.get(check_id("agent", agent_id))
        if agent is None:
            raise not_found(f"Agent `{agent_id}` not found.")
        return agent

    def recipe(self, agent_id: str, version: int | None) -> Json:
        """Return one version for a new session. Raises 400 for an archived agent."""
        agent = self.find(agent_id)
        if agent.archived_at is not None:
            raise bad_request(f"Agent `{agent_id}` is archived.")
        return self._version(agent, version)

    def _version(self, agent: Agent, version: int | None) -> Json:
        number = agent.version if version is None else version
        if not 1 <= number <= agent.version:
            raise not_found(f"Agent `{agent.id}` has no version {number}.")
        return agent.versions[number - 1]

    def _show(self, agent: Agent, recipe: Json) -> Json:
        return answer(
            BetaManagedAgentsAgent,
            recipe
            | {"id": agent.id, "type": "agent", "created_at": agent.created_at, "archived_at": agent.archived_at},
        )

    async def create(self, ask: Ask) -> Json:
        """Create version 1."""
        body = ask.body(AgentCreateParams)
        check_metadata(body.get("metadata", {}))
        now = self._world.now()
        recipe = self._recipe(body, now, 1)
        agent = Agent(new_id("agent"), self._world.serial(), now, [recipe])
        self._world.agents[agent.id] = agent
        return self._show(agent, recipe)

    @staticmethod
    def _recipe(body: Json, now: datetime, version: int) -> Json:
        recipe: Json = {
            "name": body["name"],
            "description": body.get("description"),
            "model": resolve_model(body["model"]),
            "system": body.get("system"),
            "tools": resolve_tools(body.get("tools") or []),
            "mcp_servers": body.get("mcp_servers") or [],
            "skills": resolve_skills(body.get("skills")),
            "metadata": body.get("metadata") or {},
            "multiagent": body.get("multiagent"),
            "execution_identity": body.get("execution_identity") or {"type": "service_account"},
            "version": version,
            "updated_at": now,
        }
        check_recipe(recipe)
        return recipe

    async def update(self, ask: Ask) -> Json:
        """Make a new version unless nothing changes; an outdated `version` is 409 even then."""
        agent = self.find(ask.path("agent_id"))
        body = ask.body(AgentUpdateParams)
        if agent.archived_at is not None:
            raise bad_request(f"Agent `{agent.id}` is archived.")
        if body.pop("version", agent.version) != agent.version:
            raise conflict(STALE)
        before = agent.versions[-1]
        merged = before | body | {"metadata": patched(before["metadata"], body.get("metadata"))}
        after = self._recipe(merged, self._world.now(), agent.version + 1)
        same = {"version": before["version"], "updated_at": before["updated_at"]}
        if after | same == before:
            return self._show(agent, before)
        agent.versions.append(after)
        self._world.note()
        return self._show(agent, after)

    async def retrieve(self, ask: Ask) -> Json:
        """Return the current or the asked version."""
        agent = self.find(ask.path("agent_id"))
        wanted = ask.request.query.get("version")
        if wanted is not None and not wanted.isdigit():
            raise bad_request("version: must be a number")
        return self._show(agent, self._version(agent, int(wanted) if wanted else None))

    async def list(self, ask: Ask) -> Json:
        """List the newest first."""
        query = ask.query(AgentListParams)
        rows = [agent for agent in live(self._world.agents.values(), query) if within(query, agent.created_at)]
        return page_of([self._show(agent, agent.versions[-1]) for agent in rows], query)

    async def versions(self, ask: Ask) -> Json:
        """List the newest version first."""
        agent = self.find(ask.path("agent_id"))
        return page_of([self._show(agent, one) for one in reversed(agent.versions)], ask.query(VersionListParams))

    async def archive(self, ask: Ask) -> Json:
        """Archive, which cannot be undone."""
        ask.no_body()
        agent = self.find(ask.path("agent_id"))
        agent.archived_at = agent.archived_at or self._world.now()
        return self._show(agent, agent.versions[-1])
