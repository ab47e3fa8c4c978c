"""Real MCP calls and whose authority they used (docs/reference/managed-agents.md#session-errors and #vaults)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulator.service.authority import Access
from simulator.service.server import ServiceSimulator


def errors(heard):
    return [event.error.type for event in heard.events if event.type == "session.error"]


async def test_the_authority_log_names_the_vault_that_acted(make, listen, ask, agents):
    alice, bob = await make.vault("alice"), await make.vault("bob")
    for vault in (alice, bob):
        session = await make.session(vaults=[vault], metadata={"thread": vault.display_name})
        async with listen(session.id) as heard:
            await ask(session.id, "read the note Plan")
            await heard.idle()

    acted = [line for line in agents.authority_log if line.kind == "mcp_call"]
    assert [(line.owner, line.vault_id, line.tool) for line in acted] == [
        ("alice", alice.id, "read_note"),
        ("bob", bob.id, "read_note"),
    ]
    assert [line.session_metadata["thread"] for line in acted] == ["alice", "bob"]


async def test_sends_creates_and_confirmations_are_logged_with_the_vaults_they_reach(make, listen, ask, decide, agents):
    session = await make.session()
    async with listen(session.id) as heard:
        await ask(session.id, "delete the note Plan")
        held = (await heard.idle()).stop_reason.event_ids[0]
        await decide(session.id, (held, {"result": "allow"}))
        await heard.idle(2)

    kinds = [(line.kind, line.owners, line.tool_use_id) for line in agents.authority_log]
    assert kinds == [
        ("session", ("alice",), None),
        ("send", ("alice",), None),
        ("send", ("alice",), None),
        ("confirmation", ("alice",), held),
        ("mcp_call", ("alice",), held),
    ]


async def test_the_first_vault_with_a_match_wins(make, listen, ask, agents):
    empty, mine, shared = await make.vault("empty", token=None), await make.vault("mine"), await make.vault("shared")
    session = await make.session(vaults=[empty, mine, shared])

    async with listen(session.id) as heard:
        await ask(session.id, "read the note Plan")
        await heard.idle()

    assert agents.authority_log[-1].owner == "mine"


async def test_without_a_credential_the_turn_goes_on_and_the_next_finds_a_new_one(make, listen, ask, client, notes):
    vault = await make.vault(token=None)
    session = await make.session(vaults=[vault])

    async with listen(session.id) as heard:
        await ask(session.id, "summarise my notes")
        ended = await heard.idle()
        auth = {"type": "static_bearer", "mcp_server_url": notes.url, "token": notes.token}
        await client.beta.vaults.credentials.create(vault.id, auth=auth)
        await ask(session.id, "summarise my notes")
        await heard.idle(2)

    assert (errors(heard), ended.stop_reason.type) == (["mcp_authentication_failed_error"], "end_turn")
    assert ("list_notes", {}) in notes.called


async def test_the_other_variant_ends_the_turn(make, listen, ask, agents):
    agents.mcp_auth_failure = "exhausted"
    session = await make.session(vaults=[await make.vault(token="stale")])

    async with listen(session.id) as heard:
        await ask(session.id, "summarise my notes")
        ended = await heard.idle()

    assert (errors(heard), ended.stop_reason.type) == (["mcp_authentication_failed_error"], "retries_exhausted")


async def test_an_expired_token_is_refreshed_before_it_is_used(make, listen, ask, *, notes, clock, agents):
    refresh = {
        "client_id": "c1",
        "refresh_token": "refresh-1",
        "token_endpoint": notes.token_endpoint,
        "token_endpoint_auth": {"type": "none"},
    }
    expires_at = (clock.utc() + timedelta(minutes=1)).isoformat()
    vault = await make.vault(expires_at=expires_at, refresh=refresh)
    session = await make.session(vaults=[vault])

    clock.advance(120)
    async with listen(session.id) as heard:
        await ask(session.id, "read the note Plan")
        await heard.idle()

    assert [form["client_id"] for form in notes.refreshed] == ["c1"]
    assert notes.called == [("read_note", {"title": "Plan"})]
    stored = next(iter(agents.vaults[vault.id].credentials.values())).auth
    assert stored["refresh"]["refresh_token"] == "refresh-2"


@pytest.mark.parametrize(
    ("networking", "is_reached"),
    [
        ({"type": "limited"}, False),
        ({"type": "limited", "allow_mcp_servers": True}, True),
        ({"type": "limited", "allowed_hosts": ["127.0.0.1"]}, True),
        ({"type": "unrestricted"}, True),
    ],
)
async def test_limited_networking_blocks_mcp_servers(make, listen, ask, *, notes, networking, is_reached):
    session = await make.session(environment=await make.environment(networking=networking))

    async with listen(session.id) as heard:
        await ask(session.id, "read the note Plan")
        await heard.idle()

    assert bool(notes.called) == is_reached
    assert errors(heard) == ([] if is_reached else ["mcp_connection_failed_error"])


async def test_plain_http_is_for_loopback_only_and_only_while_allowed(make, listen, ask, notes, agents):
    agents.allow_loopback = False
    session = await make.session()

    async with listen(session.id) as heard:
        await ask(session.id, "read the note Plan")
        await heard.idle()

    assert (notes.called, errors(heard)) == ([], ["mcp_connection_failed_error"])


async def test_the_notes_simulator_is_read_and_written_with_the_accounts_token(make, listen, ask, decide, clock):
    async with ServiceSimulator(clock=clock).running() as service:
        service.authority.tokens["tok"] = Access(
            token="tok",
            client_id="test",
            scopes=["notes:read", "notes:write"],
            family="f",
            ends=None,
            subject="alice@example.com",
            resource=service.mcp_url,
        )
        url = service.mcp_url
        agent = await make.agent(mcp_servers=[{"type": "url", "name": "notes", "url": url}])
        session = await make.session(agent=agent, vaults=[await make.vault(token="tok", mcp_server_url=url)])
        async with listen(session.id) as heard:
            await ask(session.id, "summarise my notes")
            await heard.idle()
            await ask(session.id, "write a note Party: bring cake")
            held = (await heard.idle(2)).stop_reason.event_ids[0]
            await decide(session.id, (held, {"result": "allow"}))
            await heard.idle(3)

        titles = list(service.accounts["alice@example.com"])
        told = [event.content[0].text for event in heard.events if event.type == "agent.message"][1]
        assert "Party" in titles
        assert all(f"**{title}**" in told for title in titles[:3])


@pytest.mark.parametrize("end", ["archive", "delete"])
async def test_a_credential_that_ended_in_mid_session_is_not_used_again(
    make, listen, ask, *, end, client, notes, agents
):
    vault = await make.vault()
    session = await make.session(vaults=[vault])
    async with listen(session.id) as heard:
        await ask(session.id, "read the note Plan")
        await heard.idle()
        credential = next(iter(agents.vaults[vault.id].credentials))
        await getattr(client.beta.vaults.credentials, end)(credential, vault_id=vault.id)
        await ask(session.id, "read the note Plan")
        await heard.idle(2)

    assert (len(notes.called), errors(heard)) == (1, ["mcp_authentication_failed_error"])


async def test_a_credential_that_ends_while_its_call_is_held_is_not_used_either(
    make, listen, ask, decide, *, client, notes, agents
):
    vault = await make.vault()
    session = await make.session(vaults=[vault])
    async with listen(session.id) as heard:
        await ask(session.id, "delete the note Plan")
        held = (await heard.idle()).stop_reason.event_ids[0]
        await client.beta.vaults.delete(vault.id)
        await decide(session.id, (held, {"result": "allow"}))
        await heard.idle(2)

    assert (notes.called, agents.authority_log[-1].owner, agents.authority_log[-1].is_error) == ([], None, True)
