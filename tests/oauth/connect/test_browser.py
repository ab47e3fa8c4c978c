"""Whose browser it is, by value: the derived state, the cookie, the proven member."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from oauth.connect.browser import (
    Proof,
    build_cookie_name,
    build_member,
    derive_state,
    hash_secret,
    is_same_browser,
    new_secret,
    parse_identity_exchange,
)
from oauth.errors import RuleBroken
from oauth.protocol.http_messages import HttpResponse
from store.records import Member, ServiceName, Ticket, TicketId, TicketState

OWNER = Member("T1", "U1", "T1", "Ana")
TICKET = Ticket(TicketId("tkt_0123456789abcdef"), OWNER, ServiceName("notes"), TicketState.NEW, datetime.now(UTC), None)
PROOF = Proof("U1", "T1", None, "")


@pytest.mark.threat(44, 47)
@pytest.mark.parametrize(
    ("proof", "workspace", "is_owner"),
    [
        (PROOF, "T1", True),
        (replace(PROOF, user_id="U2"), "T1", False),
        (replace(PROOF, user_id="Ü1"), "T1", False),
        (replace(PROOF, team_id="T2"), "T1", False),
        # Enterprise Grid: installed in the organisation, signed in by way of one of its teams.
        (replace(PROOF, team_id="T2", enterprise_id="E1"), "E1", True),
        (replace(PROOF, team_id="T2", enterprise_id="E2"), "E1", False),
        (replace(PROOF, team_id="T2", enterprise_id="E1"), "T1", False),
        (PROOF, "E1", False),
    ],
)
def test_the_owner_is_who_has_user_and_workspace(proof, workspace, is_owner):
    member = build_member(proof, replace(OWNER, workspace_id=workspace))

    assert (member is not None) is is_owner
    assert member is None or (member.user_id, member.workspace_id, member.name) == ("U1", workspace, "Ana")


def test_the_state_comes_again_from_the_cookie_and_does_not_give_it():
    cookie = new_secret()

    assert derive_state(cookie) == derive_state(cookie) != derive_state(new_secret())
    assert cookie not in derive_state(cookie)
    assert hash_secret(cookie) != derive_state(cookie)


@pytest.mark.threat(50)
@pytest.mark.parametrize(
    ("kept", "given", "is_same"),
    [
        (hash_secret("a"), "a", True),
        (hash_secret("a"), "b", False),
        (hash_secret("a"), "", False),
        (hash_secret("a"), None, False),
        (None, "a", False),
        (hash_secret(""), "", False),
    ],
)
def test_a_browser_is_known_by_the_flows_own_cookie(kept, given, is_same):
    cookies = {} if given is None else {build_cookie_name(TICKET): given}

    assert is_same_browser(TICKET, kept, cookies) is is_same
    assert not is_same_browser(TICKET, kept, {name.removeprefix("__Host-"): value for name, value in cookies.items()})


@pytest.mark.threat(47)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"ok": false, "error": "invalid_code"}'),
        (200, b'{"ok": true}'),
        (200, b'{"ok": "true", "id_token": "x"}'),
        (200, b'{"ok": true, "id_token": ["x"]}'),
        (500, b'{"ok": true, "id_token": "x"}'),
    ],
)
def test_an_answer_of_slack_without_a_proof_is_refused(status, body):
    with pytest.raises(RuleBroken):
        parse_identity_exchange(HttpResponse(status, (("content-type", "application/json"),), body))
