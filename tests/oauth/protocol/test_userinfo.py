"""Whose a token is, as the server says when it is asked: a label, read strictly."""

from __future__ import annotations

import json

import pytest

from oauth.errors import RuleBroken
from oauth.protocol.http_messages import HttpResponse
from oauth.protocol.userinfo import build_userinfo_request, parse_userinfo
from store.records import Secret

pytestmark = pytest.mark.fault("S23")


def answer(claims: object, status: int = 200, kind: str = "application/json") -> HttpResponse:
    return HttpResponse(status, (("content-type", kind),), json.dumps(claims).encode())


def test_the_token_is_in_the_header_and_nowhere_else():
    request = build_userinfo_request("https://as.example/userinfo", Secret("canary-at"))

    assert (request.method, request.url, request.body) == ("GET", "https://as.example/userinfo", None)
    assert request.headers["authorization"] == "Bearer canary-at"
    assert "canary" not in repr(request)


@pytest.mark.parametrize(
    ("claims", "person"),
    [
        ({"sub": "1", "email": "alice@acme.example", "name": "Alice"}, "alice@acme.example"),
        ({"sub": "1", "preferred_username": "alice", "name": "Alice"}, "alice"),
        ({"sub": "1", "name": "Alice", "email": None}, "Alice"),
        ({"sub": "1"}, None),
        ({"sub": "1", "email": "https://evil.example"}, None),
    ],
)
@pytest.mark.parametrize("subject", [None, "1"])
def test_a_person_is_named_as_the_claims_name_them(claims, person, subject):
    assert parse_userinfo(answer(claims), subject) == person


@pytest.mark.threat(71)
@pytest.mark.parametrize("told", ["2", "", None, 1, "1 "])
@pytest.mark.parametrize("subject", ["1", ""])
def test_of_another_subject_than_the_id_tokens_nothing_is_used(told, subject):
    with pytest.raises(RuleBroken):
        parse_userinfo(answer({"sub": told, "email": "bob@acme.example"}), subject)


@pytest.mark.threat(71)
@pytest.mark.parametrize(
    "given",
    [
        answer({"email": "bob@acme.example"}),
        answer({"sub": "1", "email": "bob@acme.example"}, 203),
        answer({"sub": "1", "email": "bob@acme.example"}, 302),
        answer({"error": "invalid_token"}, 401),
        answer({"sub": "1", "email": "bob@acme.example"}, kind="application/jwt"),
        answer({"sub": "1", "email": "bob@acme.example"}, kind="text/html"),
        answer(["alice"]),
        HttpResponse(200, (("content-type", "application/json"),), b'{"sub":"1","sub":"1"}'),
    ],
)
def test_what_is_no_whole_answer_tells_nobody(given):
    with pytest.raises(RuleBroken):
        parse_userinfo(given, None)
