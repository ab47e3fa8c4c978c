"""Vaults and credentials: one active credential per server, no doubt left behind, secrets sent once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.agents.vaults import build_auth, normalise_url
from bot.model.errors import AgentsRejected, AgentsUnavailable
from oauth.ports import Credential, Refresh, Validity
from store.records import Secret, Vault, VaultId, VaultState

from .conftest import OTHER, OWNER, Answer, refusal

VAULTS = "/v1/vaults"
CREDENTIALS = "/v1/vaults/*/credentials"
URL = "https://notes.example/mcp"
REFRESH = Refresh(
    refresh_token=Secret("canary-refresh"),
    token_endpoint="https://auth.example/token",
    client_id="client_1",
    client_secret=None,
    auth_method="none",
    resource=URL,
    scope="notes:read",
)
CREDENTIAL = Credential(
    mcp_server_url=URL, access_token=Secret("canary-access"), expires_at=None, refresh=REFRESH, scope="notes:read"
)
LOST = ["connection_error_after", "malformed"]


def posts(simulated, path) -> int:
    return sum((call.method, call.path) == ("POST", path) for call in simulated.calls)


def active(simulated, vault) -> list:
    stored = simulated.vaults[vault.vault_id].credentials.values()
    return [credential for credential in stored if credential.archived_at is None]


# --- vaults ---------------------------------------------------------------------------------------------------------


async def test_a_vault_says_whose_it_is(simulated, agents) -> None:
    vault_id = await agents.create_vault(OWNER, "marker_1")

    assert simulated.vaults[vault_id].metadata == {"deputy_vault": "marker_1", "external_user_id": "T1/U1"}
    assert OWNER.name not in simulated.vaults[vault_id].display_name


@pytest.mark.parametrize("kind", LOST)
async def test_a_vault_whose_answer_was_lost_is_found_and_was_made_once(simulated, agents, kind) -> None:
    simulated.faults.add(VAULTS, "POST", kind=kind)

    with pytest.raises(AgentsUnavailable):
        await agents.create_vault(OWNER, "marker_1")

    assert [await agents.find_vault(OWNER, "marker_1")] == list(simulated.vaults)
    assert posts(simulated, VAULTS) == 1


async def test_a_vault_is_found_by_owner_and_marker_only(agents, vault) -> None:
    assert await agents.find_vault(OWNER, "marker_1") == vault.vault_id
    assert await agents.find_vault(OWNER, "marker_2") is None
    assert await agents.find_vault(OTHER, "marker_1") is None


async def test_a_vault_is_found_among_many(agents, vault) -> None:
    for number in range(105):
        await agents.create_vault(OTHER, f"other_{number}")

    assert await agents.find_vault(OWNER, "marker_1") == vault.vault_id


async def test_deleting_a_vault_twice_is_fine(simulated, agents, vault) -> None:
    await agents.delete_vault(vault)
    await agents.delete_vault(vault)
    await agents.delete_vault(replace(vault, vault_id=None))

    assert simulated.vaults == {}


# --- credentials ----------------------------------------------------------------------------------------------------


async def test_a_credential_goes_into_the_vault_whole(simulated, agents, vault) -> None:
    later = simulated.now() + timedelta(hours=1)

    credential_id = await agents.add_credential(vault, replace(CREDENTIAL, expires_at=later), "notes")

    (stored,) = active(simulated, vault)
    assert (stored.id, stored.display_name) == (credential_id, "notes")
    assert stored.auth["access_token"] == "canary-access"
    assert stored.auth["refresh"]["refresh_token"] == "canary-refresh"


@pytest.mark.parametrize("other", [URL, URL + "/", "https://Notes.Example:443/mcp"])
async def test_a_new_credential_takes_the_place_of_the_old_one(simulated, agents, vault, other) -> None:
    old = await agents.add_credential(vault, replace(CREDENTIAL, mcp_server_url=other), "notes")
    new = await agents.add_credential(vault, CREDENTIAL, "notes")

    assert [credential.id for credential in active(simulated, vault)] == [new]
    assert simulated.vaults[vault.vault_id].credentials[old].archived_at is not None


async def test_credentials_of_other_servers_stay(simulated, agents, vault) -> None:
    other = await agents.add_credential(vault, replace(CREDENTIAL, mcp_server_url=URL + "/other"), "other")
    new = await agents.add_credential(vault, CREDENTIAL, "notes")

    assert {credential.id for credential in active(simulated, vault)} == {other, new}


@pytest.mark.parametrize("kind", LOST)
async def test_a_credential_whose_answer_was_lost_is_found_and_made_once(simulated, agents, vault, kind) -> None:
    simulated.faults.add(CREDENTIALS, "POST", kind=kind)

    credential_id = await agents.add_credential(vault, CREDENTIAL, "notes")

    assert list(simulated.vaults[vault.vault_id].credentials) == [credential_id]


async def test_a_credential_that_never_arrived_is_sent_again(simulated, agents, vault) -> None:
    simulated.faults.add(CREDENTIALS, "POST", kind="connection_error_before")

    credential_id = await agents.add_credential(vault, CREDENTIAL, "notes")

    assert [credential.id for credential in active(simulated, vault)] == [credential_id]


async def test_two_at_once_leave_one(simulated, agents, vault) -> None:
    stored = await asyncio.gather(*(agents.add_credential(vault, CREDENTIAL, "notes") for _ in range(2)))

    (left,) = active(simulated, vault)
    assert left.id in stored


async def test_an_outage_while_storing_is_told(simulated, agents, vault) -> None:
    simulated.faults.add(CREDENTIALS, "POST", kind="status_500", times=2)

    with pytest.raises(AgentsUnavailable):
        await agents.add_credential(vault, CREDENTIAL, "notes")

    assert active(simulated, vault) == []


async def test_a_credential_the_api_refuses_is_not_sent_again(simulated, agents, vault) -> None:
    expired = replace(CREDENTIAL, expires_at=simulated.now() - timedelta(hours=1))

    with pytest.raises(AgentsRejected):
        await agents.add_credential(vault, expired, "notes")

    assert posts(simulated, f"{VAULTS}/{vault.vault_id}/credentials") == 1


@pytest.mark.parametrize("change", [{"state": VaultState.CREATING}, {"vault_id": None}])
async def test_no_credential_goes_into_a_vault_that_is_not_active(agents, vault, change) -> None:
    with pytest.raises(ValueError, match="not active"):
        await agents.add_credential(replace(vault, **change), CREDENTIAL, "notes")


async def test_removing_a_credential_twice_is_fine(simulated, agents, vault) -> None:
    credential_id = await agents.add_credential(vault, CREDENTIAL, "notes")

    await agents.remove_credential(vault, credential_id)
    await agents.remove_credential(vault, credential_id)

    assert active(simulated, vault) == []


async def test_a_server_out_of_reach_leaves_the_validity_unknown(agents, vault) -> None:
    nowhere = replace(CREDENTIAL, mcp_server_url="http://127.0.0.1:1/mcp")
    credential_id = await agents.add_credential(vault, nowhere, "notes")

    assert await agents.validate_credential(vault, credential_id) is Validity.UNKNOWN


async def test_a_credential_that_is_gone_is_invalid(agents, vault) -> None:
    credential_id = await agents.add_credential(vault, CREDENTIAL, "notes")
    await agents.remove_credential(vault, credential_id)

    assert await agents.validate_credential(vault, credential_id) is Validity.INVALID


@pytest.mark.parametrize("status", ["status_500", "status_429"])
async def test_an_outage_is_not_taken_for_gone(simulated, agents, vault, status) -> None:
    credential_id = await agents.add_credential(vault, CREDENTIAL, "notes")
    simulated.faults.add("*", "*", kind=status, times=4)

    for attempt in (
        agents.remove_credential(vault, credential_id),
        agents.validate_credential(vault, credential_id),
        agents.delete_vault(vault),
        agents.add_credential(vault, CREDENTIAL, "notes"),
    ):
        with pytest.raises(AgentsUnavailable):
            await attempt


async def test_a_refusal_is_not_taken_for_gone(simulated, agents, vault) -> None:
    simulated.api_key = "another"

    for attempt in (
        agents.remove_credential(vault, "vcrd_1"),
        agents.validate_credential(vault, "vcrd_1"),
        agents.delete_vault(vault),
        agents.add_credential(vault, CREDENTIAL, "notes"),
    ):
        with pytest.raises(AgentsRejected) as caught:
            await attempt
        assert caught.value.code == "authentication_error"


async def test_without_a_vault_there_is_nothing_to_remove(simulated, agents, vault) -> None:
    before = len(simulated.calls)

    await agents.remove_credential(replace(vault, vault_id=None), "vcrd_1")

    assert len(simulated.calls) == before


RAW_VAULT = Vault("marker_1", OWNER, VaultState.ACTIVE, VaultId("vlt_1"))


async def test_a_verdict_of_a_later_api_is_unknown(raw_api, raw_agents) -> None:
    raw_api.session("vlt_1").posts.append(Answer(200, {"status": "lukewarm"}))

    assert await raw_agents.validate_credential(RAW_VAULT, "vcrd_1") is Validity.UNKNOWN


@pytest.mark.parametrize("verdict", list(Validity))
async def test_the_verdict_of_the_api_is_passed_on(raw_api, raw_agents, verdict) -> None:
    raw_api.session("vlt_1").posts.append(Answer(200, {"status": verdict.value}))

    assert await raw_agents.validate_credential(RAW_VAULT, "vcrd_1") is verdict


async def test_an_old_credential_that_went_meanwhile_is_no_obstacle(raw_api, raw_agents) -> None:
    old = {"id": "vcrd_1", "auth": {"type": "mcp_oauth", "mcp_server_url": URL}, "archived_at": None}
    session = raw_api.session("vlt_1")
    session.lists.append(Answer(200, {"data": [old], "next_page": None}))
    session.posts.extend([refusal(404, "not_found_error"), Answer(200, {"id": "vcrd_2"})])

    assert await raw_agents.add_credential(RAW_VAULT, CREDENTIAL, "notes") == "vcrd_2"


async def test_a_place_taken_meanwhile_is_freed_and_taken_once(raw_api, raw_agents) -> None:
    other = {"id": "vcrd_1", "auth": {"type": "mcp_oauth", "mcp_server_url": URL + "/"}, "archived_at": None}
    session = raw_api.session("vlt_1")
    session.lists.extend([Answer(200, {"data": found, "next_page": None}) for found in ([], [other])])
    session.posts.extend(
        [refusal(409, "conflict_error"), Answer(200, {"id": "vcrd_1"}), refusal(409, "conflict_error")]
    )

    with pytest.raises(AgentsRejected):
        await raw_agents.add_credential(RAW_VAULT, CREDENTIAL, "notes")

    assert [path.rsplit("/", 1)[1] for path in session.requests if "?" not in path] == [
        "credentials",
        "archive",
        "credentials",
    ]


# --- pure -----------------------------------------------------------------------------------------------------------


def test_what_is_not_known_is_left_out() -> None:
    auth = build_auth(replace(CREDENTIAL, refresh=replace(REFRESH, resource=None, scope=None)))

    assert auth == {
        "type": "mcp_oauth",
        "mcp_server_url": URL,
        "access_token": "canary-access",
        "refresh": {
            "client_id": "client_1",
            "refresh_token": "canary-refresh",
            "token_endpoint": "https://auth.example/token",
            "token_endpoint_auth": {"type": "none"},
        },
    }


def test_a_token_that_cannot_be_refreshed_has_no_refresh() -> None:
    assert "refresh" not in build_auth(replace(CREDENTIAL, refresh=None))


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_client_authenticates_at_refresh_as_it_did_at_exchange(method) -> None:
    refresh = replace(REFRESH, auth_method=method, client_secret=Secret("canary-client"))

    auth = build_auth(replace(CREDENTIAL, refresh=refresh))

    assert auth["refresh"]["token_endpoint_auth"] == {"type": method, "client_secret": "canary-client"}


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_a_client_that_could_never_refresh_is_refused(method) -> None:
    with pytest.raises(ValueError, match=method):
        build_auth(replace(CREDENTIAL, refresh=replace(REFRESH, auth_method=method)))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("https://a.example", "HTTPS://A.example:443/", True),
        ("http://a.example:80/x/", "http://a.example/x", True),
        ("http://[::1]:80/x", "http://[::1]/x", True),
        ("https://a.example/x", "https://a.example/X", False),
        ("https://a.example", "https://b.a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example/x", "https://a.example/y", False),
        ("https://a.example/?a=1", "https://a.example/?a=2", False),
    ],
)
def test_urls_are_compared_as_the_api_does(one, other, is_same) -> None:
    assert (normalise_url(one) == normalise_url(other)) == is_same


@pytest.mark.parametrize("url", [None, 7, "", "no url", "https://a.example:port", "http://[::1"])
def test_what_is_no_url_is_survived(url) -> None:
    normalise_url(url)
