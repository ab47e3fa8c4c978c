"""Vaults and credentials (docs/reference/managed-agents.md#vaults)."""

from __future__ import annotations

import json
from datetime import timedelta

import anthropic
import pytest


def bearer(url, token="secret-canary"):
    return {"type": "static_bearer", "mcp_server_url": url, "token": token}


def oauth(notes, **more):
    refresh = {
        "client_id": "c1",
        "refresh_token": "refresh-1",
        "token_endpoint": notes.token_endpoint,
        "token_endpoint_auth": {"type": "client_secret_basic", "client_secret": "s:1"},
        "scope": "notes",
    }
    auth = {"type": "mcp_oauth", "mcp_server_url": notes.url, "access_token": "token-good", "refresh": refresh}
    return auth | more


@pytest.fixture
def vaults(client):
    return client.beta.vaults


@pytest.fixture
async def vault(vaults):
    return await vaults.create(display_name="alice", metadata={"external_user_id": "alice"})


@pytest.mark.parametrize(
    "second", ["https://MCP.example.com/mcp", "https://mcp.example.com:443/mcp", "https://mcp.example.com/mcp/"]
)
async def test_one_active_credential_for_each_normalised_url(vaults, vault, second):
    first = await vaults.credentials.create(vault.id, auth=bearer("https://mcp.example.com/mcp"))

    with pytest.raises(anthropic.ConflictError) as duplicate:
        await vaults.credentials.create(vault.id, auth=bearer(second))
    await vaults.credentials.archive(first.id, vault_id=vault.id)
    again = await vaults.credentials.create(vault.id, auth=bearer(second))

    assert duplicate.value.response.headers["x-should-retry"] == "false"
    assert again.id != first.id


@pytest.mark.parametrize(
    "other", ["https://mcp.example.com/v2", "https://a.example.com/mcp", "https://mcp.example.com:8443/mcp"]
)
async def test_another_path_host_or_port_is_another_service(vaults, vault, other):
    await vaults.credentials.create(vault.id, auth=bearer("https://mcp.example.com/mcp"))

    await vaults.credentials.create(vault.id, auth=bearer(other))

    assert len([one async for one in vaults.credentials.list(vault.id)]) == 2


async def test_a_vault_holds_twenty_credentials(vaults, vault):
    for number in range(20):
        await vaults.credentials.create(vault.id, auth=bearer(f"https://s{number}.example.com/mcp"))

    with pytest.raises(anthropic.BadRequestError):
        await vaults.credentials.create(vault.id, auth=bearer("https://one.too.many/mcp"))


async def test_no_answer_has_a_secret(vaults, vault, notes):
    auth = oauth(notes, access_token="access-canary")
    auth["refresh"] |= {"refresh_token": "refresh-canary"}
    made = await vaults.credentials.create(vault.id, auth=auth)
    listed = await vaults.credentials.list(vault.id)

    shown = made.to_json() + json.dumps([one.to_dict() for one in listed.data], default=str)

    assert "canary" not in shown
    assert "client_secret" in shown  # the name of the method, and nothing more
    assert "s:1" not in shown


async def test_a_token_is_rotated_in_place(vaults, vault, notes, agents):
    made = await vaults.credentials.create(vault.id, auth=oauth(notes))

    await vaults.credentials.update(
        made.id, vault_id=vault.id, auth={"type": "mcp_oauth", "access_token": "new", "refresh": {"scope": ""}}
    )

    stored = agents.vaults[vault.id].credentials[made.id].auth
    assert (stored["access_token"], stored["refresh"]["scope"]) == ("new", None)
    assert stored["refresh"]["refresh_token"] == "refresh-1"


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "static_bearer", "token": "x"},
        {"type": "mcp_oauth", "mcp_server_url": "https://other.example.com"},
        {"type": "mcp_oauth", "expires_at": "2020-01-01T00:00:00Z"},
    ],
)
async def test_what_identifies_a_credential_cannot_change(vaults, vault, notes, auth):
    made = await vaults.credentials.create(vault.id, auth=oauth(notes))

    with pytest.raises(anthropic.BadRequestError):
        await vaults.credentials.update(made.id, vault_id=vault.id, auth=auth)


async def test_archiving_a_vault_purges_what_lies_in_it(vaults, vault, notes, agents):
    made = await vaults.credentials.create(vault.id, auth=oauth(notes))

    await vaults.archive(vault.id)

    stored = agents.vaults[vault.id].credentials[made.id]
    assert stored.archived_at is not None
    assert "access_token" not in stored.auth
    assert [one async for one in vaults.list()] == []
    assert len([one async for one in vaults.list(include_archived=True)]) == 1


async def test_a_deleted_vault_is_gone_with_its_credentials(vaults, vault, notes):
    made = await vaults.credentials.create(vault.id, auth=oauth(notes))

    deleted = await vaults.delete(vault.id)

    assert deleted.type == "vault_deleted"
    with pytest.raises(anthropic.NotFoundError):
        await vaults.credentials.retrieve(made.id, vault_id=vault.id)


@pytest.mark.parametrize("state", ["deleted", "archived", "malformed"])
async def test_a_session_needs_vaults_that_are_there(make, vaults, vault, state):
    if state == "deleted":
        await vaults.delete(vault.id)
    if state == "archived":
        await vaults.archive(vault.id)
    vault.id = "alice" if state == "malformed" else vault.id

    expected = anthropic.NotFoundError if state == "deleted" else anthropic.BadRequestError
    with pytest.raises(expected):
        await make.session(vaults=[vault])


async def test_validation_asks_the_real_server(vaults, vault, notes):
    made = await vaults.credentials.create(vault.id, auth={**oauth(notes), "refresh": None})

    good = await vaults.credentials.mcp_oauth_validate(made.id, vault_id=vault.id)
    notes.token = "changed"
    bad = await vaults.credentials.mcp_oauth_validate(made.id, vault_id=vault.id)

    assert (good.status, good.has_refresh_token) == ("valid", False)
    assert (bad.status, bad.mcp_probe.method, bad.mcp_probe.http_response.status_code) == ("invalid", "initialize", 401)


async def test_validation_refreshes_an_expired_token_first(vaults, vault, notes, clock):
    auth = oauth(notes, expires_at=(clock.utc() + timedelta(minutes=5)).isoformat())
    made = await vaults.credentials.create(vault.id, auth=auth)

    clock.advance(600)
    validated = await vaults.credentials.mcp_oauth_validate(made.id, vault_id=vault.id)

    assert (validated.status, validated.refresh.status) == ("valid", "succeeded")
    assert notes.refreshed[0]["authorization"] == "Basic YzE6cyUzQTE="
    assert notes.refreshed[0]["refresh_token"] == "refresh-1"


async def test_a_refused_refresh_makes_the_credential_invalid(vaults, vault, notes, clock):
    auth = oauth(notes, expires_at=(clock.utc() + timedelta(minutes=5)).isoformat())
    made = await vaults.credentials.create(vault.id, auth=auth)
    notes.refresh_token = "rotated elsewhere"

    clock.advance(600)
    validated = await vaults.credentials.mcp_oauth_validate(made.id, vault_id=vault.id)

    assert (validated.status, validated.refresh.status) == ("invalid", "failed")


async def test_a_server_that_cannot_be_reached_is_unknown(vaults, vault, notes):
    auth = oauth(notes, mcp_server_url="http://127.0.0.1:9/mcp")
    made = await vaults.credentials.create(vault.id, auth=auth)

    assert (await vaults.credentials.mcp_oauth_validate(made.id, vault_id=vault.id)).status == "unknown"


async def test_metadata_has_its_limits(vaults, vault):
    for metadata in ({f"k{n}": "v" for n in range(17)}, {"k" * 65: "v"}, {"k": "v" * 513}):
        with pytest.raises(anthropic.BadRequestError) as refused:
            await vaults.create(display_name="x", metadata=metadata)
        assert refused.value.error_code == "invalid_metadata"

    patched = await vaults.update(vault.id, metadata={"external_user_id": None, "b": "2"})
    assert patched.metadata == {"b": "2"}


async def test_names_need_not_be_unique_and_lists_are_newest_first(vaults, vault):
    second = await vaults.create(display_name="alice")

    assert [one.id async for one in vaults.list(limit=1)] == [second.id, vault.id]
