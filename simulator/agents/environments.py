"""The environments endpoints (docs/reference/managed-agents.md#environments).

`simulator/agents/mcp_calls.py` enforces an environment's networking.
"""

from __future__ import annotations

from typing import Any

from anthropic.types.beta import (
    BetaEnvironment,
    BetaEnvironmentDeleteResponse,
    EnvironmentCreateParams,
    EnvironmentListParams,
    EnvironmentUpdateParams,
)

from simulator.agents.asking import Ask, Route
from simulator.agents.errors import bad_request, conflict, not_found
from simulator.agents.ids import check_id, new_id
from simulator.agents.pages import page_of
from simulator.agents.rules import check_length, check_metadata, live, patched
from simulator.agents.schemas import answer
from simulator.agents.state import Environment, World

Json = dict[str, Any]
MANAGERS = ("apt", "cargo", "gem", "go", "npm", "pip")


def resolve_config(config: Json | None) -> Json:
    """Return the configuration with every default filled in."""
    given = config or {"type": "cloud"}
    if given["type"] == "self_hosted":
        return {"type": "self_hosted"}
    packages = given.get("packages") or {}
    return {
        "type": "cloud",
        "networking": _networking(given.get("networking") or {"type": "unrestricted"}),
        "packages": {"type": "packages"} | {name: packages.get(name) or [] for name in MANAGERS},
    }


def _networking(given: Json) -> Json:
    if given["type"] == "unrestricted":
        return {"type": "unrestricted"}
    return {
        "type": "limited",
        "allowed_hosts": [host.lower() for host in given.get("allowed_hosts") or []],
        "allow_mcp_servers": bool(given.get("allow_mcp_servers")),
        "allow_package_managers": bool(given.get("allow_package_managers")),
    }


class Environments:
    """The environments of the API, by id."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        one = "/v1/environments/{environment_id}"
        return [
            ("POST", "/v1/environments", self.create),
            ("GET", "/v1/environments", self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("DELETE", one, self.delete),
            ("POST", one + "/archive", self.archive),
        ]

    def find(self, environment_id: str) -> Environment:
        """Return the environment. Raises 400, 404."""
        environment = self._world.environments.get(check_id("env", environment_id))
        if environment is None:
            raise not_found(f"Environment `{environment_id}` not found.", "environment_not_found")
        return environment

    def usable(self, environment_id: str) -> Environment:
        """Return the environment for a new session. Raises 400 for an archived one."""
        environment = self.find(environment_id)
        if environment.archived_at is not None:
            raise bad_request(f"Environment `{environment_id}` is archived.", "environment_archived")
        return environment

    def _show(self, environment: Environment) -> Json:
        times = {
            "created_at": environment.created_at.isoformat(),
            "updated_at": environment.updated_at.isoformat(),
            "archived_at": environment.archived_at.isoformat() if environment.archived_at else None,
        }
        same = ("id", "name", "description", "config", "metadata", "scope")
        data = {name: getattr(environment, name) for name in same}
        return answer(BetaEnvironment, data | times | {"type": "environment"})

    def _check_name(self, name: str, but: str | None = None) -> None:
        check_length("name", name, 1, 256)
        for other in self._world.environments.values():
            if other.name == name and other.id != but and other.archived_at is None:
                raise conflict(f"An environment named `{name}` already exists.")

    async def create(self, ask: Ask) -> Json:
        """Create; names are unique."""
        body = ask.body(EnvironmentCreateParams)
        check_metadata(body.get("metadata", {}))
        self._check_name(body["name"])
        now = self._world.now()
        environment = Environment(
            id=new_id("env"),
            serial=self._world.serial(),
            created_at=now,
            updated_at=now,
            name=body["name"],
            description=body.get("description") or "",
            config=resolve_config(body.get("config")),
            metadata=body.get("metadata") or {},
            scope=body.get("scope") or "organization",
        )
        self._world.environments[environment.id] = environment
        return self._show(environment)

    async def retrieve(self, ask: Ask) -> Json:
        """Return one."""
        return self._show(self.find(ask.path("environment_id")))

    async def update(self, ask: Ask) -> Json:
        """Change it; the type of its configuration stays."""
        environment = self.find(ask.path("environment_id"))
        body = ask.body(EnvironmentUpdateParams)
        if environment.archived_at is not None:
            raise bad_request(f"Environment `{environment.id}` is archived.", "environment_archived")
        if body.get("config") and body["config"]["type"] != environment.config["type"]:
            raise bad_request("config.type cannot be changed", "invalid_config_type_change")
        if body.get("name") is not None:
            self._check_name(body["name"], environment.id)
        environment.metadata = patched(environment.metadata, body.get("metadata"))
        environment.config = resolve_config(body["config"]) if body.get("config") else environment.config
        environment.name = body.get("name") or environment.name
        environment.description = body.get("description", environment.description) or ""
        environment.updated_at = self._world.now()
        return self._show(environment)

    async def list(self, ask: Ask) -> Json:
        """List the newest first."""
        query = ask.query(EnvironmentListParams)
        return page_of([self._show(one) for one in live(self._world.environments.values(), query)], query)

    async def delete(self, ask: Ask) -> Json:
        """Delete; 409 while a session that is not terminated uses it."""
        environment = self.find(ask.path("environment_id"))
        for session in self._world.sessions.values():
            if session.environment_id == environment.id and session.status != "terminated":
                raise conflict("The environment has active sessions; archive it instead.")
        del self._world.environments[environment.id]
        return answer(BetaEnvironmentDeleteResponse, {"id": environment.id, "type": "environment_deleted"})

    async def archive(self, ask: Ask) -> Json:
        """Archive: no new session may use it."""
        ask.no_body()
        environment = self.find(ask.path("environment_id"))
        environment.archived_at = environment.archived_at or self._world.now()
        return self._show(environment)
