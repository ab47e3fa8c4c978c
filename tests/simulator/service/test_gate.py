"""What the MCP endpoint asks for, and the faults a scenario can put anywhere."""

import asyncio

import httpx
import pytest

from simulator.service.gate import SURROGATE
from simulator.service.server import ServiceSimulator

CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_notes", "arguments": {}}}
WRITE = {
    "jsonrpc": "2.0",
    "id": 3,
    "method": "tools/call",
    "params": {"name": "write_note", "arguments": {"title": "a", "text": "b"}},
}


async def test_without_a_token_the_answer_says_where_to_get_one(app, notes):
    answer = await app.mcp()

    where = f'resource_metadata="{notes.url}/.well-known/oauth-protected-resource/mcp"'
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f"Bearer {where}"


@pytest.mark.parametrize("token", ["canary-at-unknown", SURROGATE, "é".encode().hex()])
async def test_an_unknown_token_is_invalid(app, token):
    answer = await app.mcp(token)

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_refresh_token_opens_nothing(app):
    tokens = await app.connect()

    assert (await app.mcp(tokens["refresh_token"])).status_code == 401


async def test_a_token_in_the_query_opens_nothing(app):
    tokens = await app.connect()

    answer = await app.http.post("/mcp", params={"access_token": tokens["access_token"]}, json=CALL)

    assert answer.status_code == 401


async def test_writing_needs_the_scope_and_the_challenge_names_it(app, notes):
    notes.granted_scopes = ["notes:read"]
    tokens = await app.connect()

    answer = await app.mcp(tokens["access_token"], WRITE)

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="notes:write"' in answer.headers["www-authenticate"]
    assert notes.calls == []


async def test_the_challenge_bends_to_the_scenario(app, notes):
    notes.challenge_scope = "notes:read"
    assert 'scope="notes:read"' in (await app.mcp()).headers["www-authenticate"]
    notes.challenge_scope, notes.resource_metadata = None, "root"
    assert (await app.mcp()).headers["www-authenticate"] == 'Bearer realm="notes"'
    notes.bare_challenge = True
    assert "www-authenticate" not in (await app.mcp()).headers


async def test_a_service_may_answer_initialize_to_anybody_but_not_calls(app, notes):
    notes.open_initialize = True

    assert (await app.mcp()).status_code == 200
    assert (await app.mcp(message=CALL)).status_code == 401
    assert (await app.mcp("canary-at-unknown")).status_code == 401


@pytest.mark.parametrize("message", [[], [CALL], {"method": "tools/call", "params": []}, "x", None])
async def test_a_malformed_message_is_the_clients_mistake(app, message):
    tokens = await app.connect()

    answer = await app.mcp(tokens["access_token"], message)

    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    ("fault", "status"),
    [("500", 500), ("503", 503), ("html", 200), ("not_json", 200), ("empty", 200), ("redirect", 302), ("big", 200)],
)
async def test_any_path_can_break(app, notes, fault, status):
    path = "/.well-known/oauth-authorization-server"
    notes.broken[path] = fault
    broken = await app.http.get(path)
    del notes.broken[path]

    assert broken.status_code == status
    assert "token_endpoint" not in broken.text
    assert (await app.http.get(path)).json()["issuer"] == notes.url


async def test_a_slow_answer_comes_when_it_is_let_go(app, notes):
    path = "/.well-known/oauth-authorization-server"
    notes.broken[path] = "hold"
    waiting = asyncio.create_task(app.http.get(path))
    await notes.until(lambda seen: [visit for visit in seen.visits if visit.path == path])
    assert not waiting.done()

    notes.release.set()

    assert (await waiting).json()["issuer"] == notes.url


async def test_a_lost_registration_has_happened(app, notes):
    notes.broken["/register"] = "lost"

    answer = await app.register()

    assert answer.status_code == 500
    assert len(notes.clients) == 1


async def test_leaving_the_block_stops_the_service():
    async with ServiceSimulator().running() as notes:
        url = notes.url

    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
