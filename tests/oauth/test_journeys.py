"""Connecting end to end: real routes, a real service with OAuth, real Sign in with Slack answers."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
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


def id_token(**claims: object) -> str:
    payload = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


async def connected_as(room, alice) -> tuple[str | None, int]:
    """Connect; return the account's label, and how often the service was asked for it."""
    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))
    [(_, connection)] = room.outcomes.connections
    assert room.outcomes.failures == []
    return connection.account, sum(visit.path == "/userinfo" for visit in room.notes.visits)


@pytest.mark.fault("S23")
async def test_a_service_that_says_whose_a_token_is_only_when_asked_is_asked_once(room, alice):
    room.notes.tells_account = True

    assert await connected_as(room, alice) == ("alice@example.com", 1)


@pytest.mark.fault("S23")
async def test_a_workspace_that_was_told_stands_beside_who_was_asked_for(room, alice):
    room.notes.tells_account = True
    room.notes.extra_token_fields = {"workspace_name": "Acme"}

    assert await connected_as(room, alice) == ("alice@example.com (Acme)", 1)


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    "bent",
    [
        {"extra_token_fields": {"id_token": id_token(sub="user-bob@example.com")}},
        {"extra_token_fields": {"id_token": "no.token"}},
        {"extra_userinfo": {"sub": None}},
        {"extra_userinfo": {"email": None}},
        *({"broken": {"/userinfo": fault}} for fault in ("500", "html", "not_json", "empty", "redirect", "big")),
    ],
    ids=str,
)
async def test_whatever_is_wrong_with_the_answer_leaves_the_account_unknown_and_connects(room, alice, bent):
    room.notes.tells_account = True
    for name, value in bent.items():
        setattr(room.notes, name, value)

    assert await connected_as(room, alice) == (None, 1)


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    ("bent", "account"),
    [
        ({"extra_token_fields": {"id_token": id_token(sub="1", email="alice@acme.example")}}, "alice@acme.example"),
        ({"granted_scopes": ["notes:read"]}, None),
        ({"challenge_scope": "notes:read"}, None),
        ({"extra_metadata": {"userinfo_endpoint": None}}, None),
        ({"extra_metadata": {"userinfo_endpoint": "http://10.0.0.1/userinfo"}}, None),
    ],
    ids=str,
)
async def test_who_told_already_or_may_not_be_asked_is_not_asked(room, alice, bent, account):
    room.notes.tells_account = True
    for name, value in bent.items():
        setattr(room.notes, name, value)

    assert await connected_as(room, alice) == (account, 0)
