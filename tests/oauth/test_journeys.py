"""Connecting end to end: real routes, a real service with OAuth, real Sign in with Slack answers."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from oauth.ports import Failure
from store.records import ConnectionState
from tests.oauth.conftest import NOTES


async def test_a_member_connects_with_their_own_account(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        answer = await browser.connect(link)
        end = await browser.get(answer.headers["location"])

    assert answer.headers["location"] == f"{room.base_url}/connected"
    assert end.status_code == 200
    [(owner, service, credential)] = room.vaults.credentials
    assert (owner, service) == (alice, NOTES)
    assert credential.mcp_server_url == room.notes.mcp_url
    assert room.notes.tokens[credential.access_token.reveal()].subject == "alice@example.com"
    [(ticket, connection)] = room.outcomes.connections
    assert ticket.owner == alice
    assert connection.state is ConnectionState.CONNECTED
    assert room.outcomes.failures == []


@pytest.mark.threat(44)
async def test_a_forwarded_link_connects_nobody_and_its_owner_is_told(room, alice, bob):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = browser.sign_in(await browser.to_slack(link), bob.user_id)
        answer = await browser.get(back)

    assert answer.status_code == 403
    assert room.vaults.credentials == []
    [(ticket, failure, reference)] = room.outcomes.failures
    assert (ticket.owner, failure) == (alice, Failure.SOMEBODY_ELSE)
    assert reference in answer.text


async def test_connecting_again_asks_for_what_was_granted_and_for_what_is_missing(room, alice):
    """Step-up by hand: the union (docs/reference/oauth.md#scopes)."""
    asked = []
    async with room.browser() as browser:
        for scope in ("notes:read", "notes:write"):
            room.notes.challenge_scope = scope
            authorize_url = await browser.to_service(await room.issue(alice))
            asked.append(dict(parse_qsl(urlsplit(authorize_url).query))["scope"])
            await browser.get(await room.notes.consent(authorize_url))
            assert room.outcomes.connections[-1][1].scope == asked[-1]
        await room.connections.disconnect(alice, NOTES)
        authorize_url = await browser.to_service(await room.issue(alice))
        asked.append(dict(parse_qsl(urlsplit(authorize_url).query))["scope"])

    assert asked == ["notes:read", "notes:read notes:write", "notes:write"]
