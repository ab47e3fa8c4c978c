"""Toolsets: their checks, their defaults, and the policy for one call."""

from __future__ import annotations

from typing import Any

from simulator.agents.errors import bad_request
from simulator.agents.rules import check_length

BUILT_IN = ("bash", "edit", "read", "write", "glob", "grep", "web_fetch", "web_search")
Json = dict[str, Any]


def _default(toolset: Json, policy: str) -> Json:
    given = toolset.get("default_config") or {}
    enabled = given.get("enabled")
    return {
        "enabled": True if enabled is None else enabled,
        "permission_policy": given.get("permission_policy") or {"type": policy},
    }


def _config(config: Json, default: Json, *, typed: bool) -> Json:
    enabled = config.get("enabled")
    resolved = {key: value for key, value in config.items() if value is not None} | {
        "enabled": default["enabled"] if enabled is None else enabled,
        "permission_policy": config.get("permission_policy") or default["permission_policy"],
    }
    return resolved | ({"type": config["name"]} if typed else {})


def resolve_tools(tools: list[Json]) -> list[Json]:
    """Return the toolsets with every default filled in."""
    resolved = []
    for tool in tools:
        if tool["type"] == "custom":
            resolved.append(tool)
            continue
        is_mcp = tool["type"] == "mcp_toolset"
        default = _default(tool, "always_ask" if is_mcp else "always_allow")
        configs = [_config(config, default, typed=not is_mcp) for config in tool.get("configs") or []]
        names = [config["name"] for config in configs]
        if len(set(names)) != len(names):
            raise bad_request("tools: a tool may be configured once in a toolset")
        resolved.append(tool | {"default_config": default, "configs": configs})
    return resolved


def check_tools(tools: list[Json], servers: list[Json], skills: list[Json]) -> None:
    """Raise 400 if toolsets and MCP servers do not match, or skills need a tool that is missing."""
    if len(servers) > 20:
        raise bad_request("mcp_servers: at most 20")
    names = [server["name"] for server in servers]
    if len(set(names)) != len(names):
        raise bad_request("mcp_servers: names must be unique")
    for server in servers:
        check_length("mcp_servers.name", server["name"], 1, 255)
        check_length("mcp_servers.url", server["url"], 1, 2048)
        if not server["url"].startswith(("https://", "http://")):
            raise bad_request("mcp_servers.url: must be an http(s) URL")
    used = [tool["mcp_server_name"] for tool in tools if tool["type"] == "mcp_toolset"]
    if len(set(used)) != len(used):
        raise bad_request("tools: one mcp_toolset per MCP server")
    if set(names) - set(used):
        raise bad_request(f"mcp_servers declared but no mcp_toolset references them: {sorted(set(names) - set(used))}")
    if set(used) - set(names):
        raise bad_request(f"mcp_toolset references unknown mcp_servers: {sorted(set(used) - set(names))}")
    if len([tool for tool in tools if tool["type"] == "agent_toolset_20260401"]) > 1:
        raise bad_request("tools: one agent_toolset_20260401")
    if sum(max(1, len(tool.get("configs") or [])) for tool in tools) > 256:
        raise bad_request("tools: at most 256")
    if skills and policy_of(tools, None, "read") is None:
        raise bad_request("skills require the read tool to be usable")


def policy_of(tools: list[Json], server: str | None, name: str) -> str | None:
    """Return `always_allow`, `always_ask` or `auto` for a tool; None when it is disabled or unknown."""
    for tool in tools:
        if server is None and tool["type"] == "agent_toolset_20260401" and name in BUILT_IN:
            return _policy_in(tool, name)
        if server is not None and tool["type"] == "mcp_toolset" and tool["mcp_server_name"] == server:
            return _policy_in(tool, name)
    return None


def _policy_in(tool: Json, name: str) -> str | None:
    found = next((config for config in tool["configs"] if config["name"] == name), tool["default_config"])
    return str(found["permission_policy"]["type"]) if found["enabled"] else None


def judged(policy: str | None, name: str) -> Json:
    """Return `evaluated_permission` and `evaluation`, as a tool use event has them.

    For `auto` we judge by the tool's name: deleting is high risk, writing indeterminate, the rest safe.
    """
    if policy is None:
        return {"evaluated_permission": "deny"}
    if policy != "auto":
        return {"evaluated_permission": policy.removeprefix("always_"), "evaluation": {"type": policy}}
    verdict: Json = {"type": "allow"}
    if "delete" in name:
        verdict = {"type": "deny", "reason_code": "high_risk"}
    elif "write" in name or name == "bash":
        verdict = {"type": "ask", "reason_code": "indeterminate"}
    return {"evaluated_permission": verdict["type"], "evaluation": {"type": "auto", "evaluated_permission": verdict}}
