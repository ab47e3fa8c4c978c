"""Each request that we send to the Managed Agents API, judged by the installed SDK's own types, strictly.

The simulator refuses what those types do not allow; here is which endpoints we use, and that nothing else is called.
Every journey's requests are judged at its end (`tests/conftest.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

from anthropic.types import beta
from anthropic.types.beta import sessions, vaults

from simulator.agents.errors import ApiError
from simulator.agents.schemas import HEADERS, RANGES, read_body
from simulator.agents.state import Call

BETA = "managed-agents-2026-04-01"
ONE_AGENT = "/v1/agents/{id}"
ONE_ENVIRONMENT = "/v1/environments/{id}"
ONE_SESSION = "/v1/sessions/{id}"
ONE_VAULT = "/v1/vaults/{id}"
CREDENTIALS = f"{ONE_VAULT}/credentials"
ONE_CREDENTIAL = f"{CREDENTIALS}/{{id}}"


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that we use, with the SDK's type of what it is asked with; None where it takes nothing."""

    method: str
    path: str
    body: Any = None
    query: Any = None
    is_upload: bool = False
    is_beta: bool = True
    """Whether it is not there at all without the header."""

    def matches(self, call: Call) -> bool:
        pattern = re.sub(r"\{\w+\}", "[^/]+", self.path)
        return self.method == call.method and re.fullmatch(pattern, call.path) is not None


ENDPOINTS = (
    Endpoint("GET", "/v1/agents", query=beta.AgentListParams),
    Endpoint("POST", "/v1/agents", beta.AgentCreateParams),
    Endpoint("GET", ONE_AGENT, query=beta.AgentRetrieveParams),
    Endpoint("POST", ONE_AGENT, beta.AgentUpdateParams),
    Endpoint("GET", "/v1/environments", query=beta.EnvironmentListParams),
    Endpoint("POST", "/v1/environments", beta.EnvironmentCreateParams),
    Endpoint("GET", ONE_ENVIRONMENT),
    Endpoint("POST", ONE_ENVIRONMENT, beta.EnvironmentUpdateParams),
    Endpoint("GET", "/v1/sessions", query=beta.SessionListParams),
    Endpoint("POST", "/v1/sessions", beta.SessionCreateParams),
    Endpoint("GET", ONE_SESSION),
    Endpoint("POST", ONE_SESSION, beta.SessionUpdateParams),
    Endpoint("GET", f"{ONE_SESSION}/events", query=sessions.EventListParams),
    Endpoint("POST", f"{ONE_SESSION}/events", sessions.EventSendParams),
    Endpoint("GET", f"{ONE_SESSION}/events/stream", query=sessions.EventStreamParams),
    Endpoint("GET", f"{ONE_SESSION}/resources", query=sessions.ResourceListParams),
    Endpoint("POST", f"{ONE_SESSION}/resources", sessions.ResourceAddParams),
    Endpoint("GET", "/v1/files", query=beta.FileListParams),
    Endpoint("POST", "/v1/files", is_upload=True, is_beta=False),
    Endpoint("GET", "/v1/files/{id}/content"),
    Endpoint("GET", "/v1/vaults", query=beta.VaultListParams),
    Endpoint("POST", "/v1/vaults", beta.VaultCreateParams),
    Endpoint("DELETE", ONE_VAULT),
    Endpoint("GET", CREDENTIALS, query=vaults.CredentialListParams),
    Endpoint("POST", CREDENTIALS, vaults.CredentialCreateParams),
    Endpoint("DELETE", ONE_CREDENTIAL),
    Endpoint("POST", f"{ONE_CREDENTIAL}/archive"),
    Endpoint("POST", f"{ONE_CREDENTIAL}/mcp_oauth_validate"),
)


def find_endpoint(call: Call) -> Endpoint | None:
    """Return the endpoint that a request is for, None for one that we are not known to use."""
    return next((endpoint for endpoint in ENDPOINTS if endpoint.matches(call)), None)


def find_problems(calls: Iterable[Call]) -> list[str]:
    """Return what the SDK's types do not allow in these requests, each once."""
    found = {f"{call.method} {call.path}: {problem}": None for call in calls for problem in _judge(call)}
    return list(found)


def _judge(call: Call) -> Iterator[str]:
    endpoint = find_endpoint(call)
    if endpoint is None:
        yield "no endpoint that we are known to use"
        return
    headers = {name.lower(): value for name, value in call.headers.items()}
    if endpoint.is_beta and BETA not in re.split(r"\s*,\s*", headers.get("anthropic-beta", "")):
        yield f"anthropic-beta: {BETA} is missing"
    if unknown := call.query.keys() - set(_query_names(endpoint.query)):
        yield f"query: {sorted(unknown)}"
    if endpoint.is_upload:
        if not headers.get("content-type", "").startswith("multipart/form-data"):
            yield "content-type: not multipart/form-data"
    elif endpoint.body is None:
        if call.body is not None:
            yield "body: not expected"
    elif problem := judge_body(endpoint, call.body):
        yield problem


def judge_body(endpoint: Endpoint, body: Any) -> str | None:
    """Return what the SDK's type does not allow in a body, None if it is allowed."""
    try:
        read_body(endpoint.body, body if isinstance(body, bytes) else json.dumps(body).encode())
    except ApiError as error:
        return str(error)
    return None


def _query_names(params: Any) -> Iterator[str]:
    """Return the names as they are on the wire: `types[]`, `created_at[gte]`."""
    for name, hint in get_type_hints(params).items() if params else ():
        stem, _, last = name.rpartition("_")
        if name not in HEADERS:
            is_list = re.search(r"\b(List|Sequence)\[", str(hint))
            yield f"{stem}[{last}]" if last in RANGES else f"{name}[]" if is_list else name
