"""The sessions endpoints: creation with its checks, updates, ends (docs/reference/managed-agents.md#sessions)."""

from __future__ import annotations

import json
from typing import Any

from anthropic.types.beta import (
    BetaManagedAgentsDeletedSession,
    BetaManagedAgentsSession,
    SessionCreateParams,
    SessionListParams,
    SessionUpdateParams,
)
from anthropic.types.beta.sessions import ResourceAddParams

from simulator.agents.agents import Agents, check_recipe, resolve_model, resolve_skills
from simulator.agents.asking import Ask, Route
from simulator.agents.environments import Environments
from simulator.agents.errors import bad_request, not_found
from simulator.agents.ids import check_id, new_id
from simulator.agents.journal import budget, cost_cents, usage
from simulator.agents.machine import Machine
from simulator.agents.pages import both_ways
from simulator.agents.rules import check_length, check_metadata, patched, within
from simulator.agents.schemas import answer
from simulator.agents.state import Session, World
from simulator.agents.tools import check_tools, resolve_tools
from simulator.agents.vaults import Vaults

Json = dict[str, Any]
MOST_FILES = 500
SNAPSHOT = (
    "name", "description", "model", "system", "tools", "mcp_servers", "skills", "multiagent", "execution_identity",
    "version",
)  # fmt: skip


def _cents(given: Json) -> int:
    amount, currency = given["max_list_cost"]["amount"], given["max_list_cost"]["currency"]
    if currency != "USD" or not amount.isdigit() or int(amount) <= 0:
        raise bad_request("budget.max_list_cost: amount must be a positive whole number of US cents, as a string")
    return int(amount)


def _check_title(title: str | None) -> None:
    check_length("title", title, 0, 80)
    if title is not None and not title.isprintable():
        raise bad_request("title: control and format characters are not allowed")


class Sessions:
    """The sessions of the API, by id."""

    def __init__(
        self, world: World, machine: Machine, agents: Agents, environments: Environments, vaults: Vaults
    ) -> None:
        self._world = world
        self._machine = machine
        self._agents = agents
        self._environments = environments
        self._vaults = vaults

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        one = "/v1/sessions/{session_id}"
        return [
            ("POST", "/v1/sessions", self.create),
            ("GET", "/v1/sessions", self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("DELETE", one, self.delete),
            ("POST", one + "/archive", self.archive),
            ("GET", one + "/resources", self.resources),
            ("POST", one + "/resources", self.add_resource),
        ]

    def find(self, session_id: str) -> Session:
        """Return the session. Raises 400, 404."""
        session = self._world.sessions.get(check_id("sesn", session_id))
        if session is None:
            raise not_found(f"Session `{session_id}` not found.")
        return session

    def _show(self, session: Session) -> Json:
        same = ("id", "title", "metadata", "created_at", "updated_at", "archived_at", "status", "environment_id",
                "resources", "vault_ids", "agent")  # fmt: skip
        data: Json = {name: getattr(session, name) for name in same}
        age = (self._world.now() - session.created_at).total_seconds()
        return answer(
            BetaManagedAgentsSession,
            data
            | {
                "type": "session",
                "status": self._stored_status(session),
                "budget": budget(session),
                "deployment_id": None,
                "outcome_evaluations": [],
                "stats": {"active_seconds": round(session.active_seconds, 3), "duration_seconds": round(age, 3)},
                "usage": usage(session),
            },
        )

    def _snapshot(self, given: str | Json) -> Json:
        """Return the agent as the session keeps it: a later version of the agent does not change it."""
        if isinstance(given, str):
            given = {"type": "agent", "id": given}
        recipe = self._agents.recipe(given["id"], given.get("version"))
        taken = {name: recipe[name] for name in SNAPSHOT} | {"type": "agent", "id": given["id"]}
        if given["type"] == "agent":
            return taken
        replaced: Json = {name: given[name] for name in ("system", "mcp_servers") if name in given}
        if "model" in given:
            replaced["model"] = resolve_model(given["model"])
        if "tools" in given:
            replaced["tools"] = resolve_tools(given["tools"])
        if "skills" in given:
            replaced["skills"] = resolve_skills(given["skills"])
        check_recipe(taken | replaced)
        return taken | replaced

    @staticmethod
    def _refuse_no_model(raw: bytes) -> None:
        try:
            agent = json.loads(raw or b"{}").get("agent")
        except (ValueError, AttributeError) as error:
            raise bad_request("body: invalid JSON") from error
        if isinstance(agent, dict) and "model" in agent and agent["model"] is None:
            raise bad_request("agent.model: a model is required", "agent_model_required")

    async def create(self, ask: Ask) -> Json:
        """Create a session, idle, or running if there are initial events."""
        self._refuse_no_model(ask.raw)
        body = ask.body(SessionCreateParams)
        _check_title(body.get("title"))
        check_metadata(body.get("metadata", {}))
        vault_ids = body.get("vault_ids") or []
        if len(set(vault_ids)) != len(vault_ids):
            raise bad_request("vault_ids: each vault may be given once")
        for vault_id in vault_ids:
            self._vaults.usable(vault_id)
        self._environments.usable(check_id("env", body["environment_id"]))
        agent = self._snapshot(body["agent"])
        initial = body.get("initial_events") or []
        self._check_initial(initial)
        now = self._world.now()
        session = Session(
            id=new_id("sesn"),
            serial=self._world.serial(),
            created_at=now,
            updated_at=now,
            agent=agent,
            environment_id=body["environment_id"],
            thread_id=new_id("sthr"),
            title=body.get("title"),
            metadata=body.get("metadata") or {},
            vault_ids=list(vault_ids),
            resources=[self._mount(resource) for resource in body.get("resources") or []],
            budget_cents=_cents(body["budget"]) if body.get("budget") else None,
        )
        self._world.sessions[session.id] = session
        self._world.log("session", session, body=body)
        self._machine.accept(session, initial)
        return self._show(session)

    @staticmethod
    def _check_initial(events: list[Json]) -> None:
        if len(events) > 50:
            raise bad_request("initial_events: at most 50")
        if sum(event["type"] == "user.define_outcome" for event in events) > 1:
            raise bad_request("initial_events: at most one user.define_outcome")

    def _mount(self, resource: Json) -> Json:
        if resource["type"] != "file":
            raise bad_request("resources: the simulator mounts files only")
        if resource["file_id"] not in self._world.files:
            raise not_found(f"File `{resource['file_id']}` not found.")
        path = (resource.get("mount_path") or f"/{resource['file_id']}").lstrip("/")
        now = self._world.now()
        mounted = {"id": new_id("sesrsc"), "type": "file", "file_id": resource["file_id"]}
        return mounted | {"mount_path": f"/mnt/session/uploads/{path}", "created_at": now, "updated_at": now}

    async def resources(self, ask: Ask) -> Json:
        """List the mounted files."""
        session = self.find(ask.path("session_id"))
        return {"data": session.resources, "next_page": None}

    async def add_resource(self, ask: Ask) -> Json:
        """Mount one more file; nothing else can be added to a session."""
        session = self.find(ask.path("session_id"))
        if session.status == "terminated":
            raise bad_request(f"Cannot update archived session: {session.id}")
        resource = ask.body(ResourceAddParams)
        if len(session.resources) >= MOST_FILES:
            raise bad_request(f"resources: at most {MOST_FILES} files")
        mounted = self._mount(resource)
        if any(known["mount_path"] == mounted["mount_path"] for known in session.resources):
            raise bad_request("mount_path: already in use")
        # The mounted copy is another file, which may not be downloaded (docs/reference/managed-agents.md#files).
        source = self._world.files[resource["file_id"]]
        copy = source | {"id": new_id("file"), "scope": {"type": "session", "id": session.id}, "downloadable": False}
        self._world.files[copy["id"]] = copy
        mounted["file_id"] = copy["id"]
        mounted |= {"created_at": mounted["created_at"].isoformat(), "updated_at": mounted["updated_at"].isoformat()}
        session.resources.append(mounted)
        return mounted

    async def retrieve(self, ask: Ask) -> Json:
        """Return one."""
        return self._show(self.find(ask.path("session_id")))

    async def list(self, ask: Ask) -> Json:
        """List, by default the newest first; there is no metadata filter."""
        query = ask.query(SessionListParams)
        order = query.get("order", "desc")
        rows = [session for session in self._world.sessions.values() if self._is_listed(session, query)]
        rows.sort(key=lambda session: (session.created_at, session.serial), reverse=order == "desc")
        return both_ways([self._show(session) for session in rows], query, order=order)

    @staticmethod
    def _is_listed(session: Session, query: Json) -> bool:
        if session.archived_at is not None and not query.get("include_archived", False):
            return False
        if "statuses" in query and session.status not in query["statuses"]:
            return False
        if "agent_version" in query and "agent_id" not in query:
            raise bad_request("agent_version: needs agent_id")
        if query.get("agent_id", session.agent["id"]) != session.agent["id"]:
            return False
        if query.get("agent_version", session.agent["version"]) != session.agent["version"]:
            return False
        return not {"deployment_id", "memory_store_id"} & query.keys() and within(query, session.created_at)

    async def update(self, ask: Ask) -> Json:
        """Change what may be changed; `session.updated` has the changed fields."""
        session = self.find(ask.path("session_id"))
        body = ask.body(SessionUpdateParams)
        if session.status == "terminated":
            raise bad_request(f"Cannot update archived session: {session.id}")
        if "vault_ids" in body:
            raise bad_request("vault_ids: Not yet supported")
        _check_title(body.get("title"))
        metadata = patched(session.metadata, body.get("metadata"))
        agent = self._changed_agent(session, body["agent"]) if "agent" in body else session.agent
        if "budget" in body:
            session.budget_cents = self._changed_budget(session, body["budget"])
        changed: Json = {}
        if "budget" in body:
            changed["budget"] = budget(session)
        if metadata != session.metadata:
            changed["metadata"] = session.metadata = metadata
        if "title" in body and body["title"] != session.title:
            changed["title"] = session.title = body["title"]
        if agent != session.agent:
            changed["agent"] = session.agent = agent
        session.updated_at = self._world.now()
        if changed:
            self._machine.journal.emit(session, "session.updated", **changed)
        self._machine.wake(session)
        return self._show(session)

    @staticmethod
    def _changed_agent(session: Session, change: Json) -> Json:
        if session.status != "idle":
            raise bad_request("agent: the session must be idle")
        agent = dict(session.agent)
        if "tools" in change:
            agent["tools"] = resolve_tools(change["tools"])
        if "mcp_servers" in change:
            agent["mcp_servers"] = change["mcp_servers"]
        check_tools(agent["tools"], agent["mcp_servers"], agent["skills"])
        return agent

    @staticmethod
    def _changed_budget(session: Session, given: Json | None) -> int | None:
        if given is None:
            return None
        cents = _cents(given)
        if session.budget_cents is None:
            raise bad_request("budget: can only be set when the session is created", "budget_create_only")
        if cents <= cost_cents(session):
            raise bad_request(
                "budget.max_list_cost must be greater than the session's consumed list cost", "budget_not_raised"
            )
        return cents

    def _stored_status(self, session: Session) -> str:
        is_late = session.status == "idle" and self._world.clock.now() < session.settles_at
        return "running" if is_late else session.status

    def _refuse_running(self, session: Session, doing: str) -> None:
        if self._stored_status(session) in ("running", "rescheduling"):
            raise bad_request(f"Cannot {doing} session {session.id} while it is running; interrupt it first.")

    async def archive(self, ask: Ask) -> Json:
        """Archive: the session is terminated and takes no more input."""
        ask.no_body()
        session = self.find(ask.path("session_id"))
        self._refuse_running(session, "archive")
        if session.archived_at is None:
            await self._machine.stop(session)
            if session.status != "terminated":
                self._machine.terminate(session)
            session.archived_at = session.updated_at = self._world.now()
        return self._show(session)

    async def delete(self, ask: Ask) -> Json:
        """Delete; every stream gets `session.deleted` and ends."""
        session = self.find(ask.path("session_id"))
        self._refuse_running(session, "delete")
        await self._machine.stop(session)
        del self._world.sessions[session.id]
        self._machine.journal.farewell(session)
        return answer(BetaManagedAgentsDeletedSession, {"id": session.id, "type": "session_deleted"})
