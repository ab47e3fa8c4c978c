"""The token request and response (docs/reference/oauth.md#token-responses, docs/oauth-threats.md#f-token-response)."""

from __future__ import annotations

import contextlib
import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.connect.account import Account
from oauth.errors import RuleBroken
from oauth.ports import Refresh
from oauth.protocol.http_messages import HttpResponse
from oauth.protocol.tokens import (
    CodeExchange,
    TokenError,
    TokenResponse,
    _parse_lifetime,
    build_credential,
    build_exchange,
    build_revocation,
    parse_tokens,
)
from store.records import Secret

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EXCHANGE = CodeExchange(
    token_endpoint="https://as.example.com/token",
    client_id="client",
    client_secret=None,
    auth_method="none",
    redirect_uri="https://bot.example/cb",
    resource="https://mcp.example.com/mcp",
    verifier=Secret("verifier"),
)
GOOD = {"access_token": "canary-at", "token_type": "Bearer"}


def answer(document: object, status: int = 200, kind: str = "application/json") -> HttpResponse:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return HttpResponse(status, (("content-type", kind),), body)


def test_the_code_is_exchanged_with_verifier_and_resource():
    request = build_exchange(EXCHANGE, Secret("code"))

    assert (request.method, request.url) == ("POST", "https://as.example.com/token")
    assert parse_qs((request.body or b"").decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["code"],
        "redirect_uri": ["https://bot.example/cb"],
        "code_verifier": ["verifier"],
        "resource": ["https://mcp.example.com/mcp"],
        "client_id": ["client"],
    }
    assert "authorization" not in request.headers


@pytest.mark.threat(70)
def test_reserved_characters_survive_both_kinds_of_authentication():
    secret = "a:b%c d+e&f=ü"
    post = replace(EXCHANGE, client_id="id:1", client_secret=Secret(secret), auth_method="client_secret_post")

    posted = build_exchange(post, Secret("code"))
    basic = build_exchange(replace(post, auth_method="client_secret_basic"), Secret("code"))

    assert parse_qs((posted.body or b"").decode())["client_secret"] == [secret]
    assert b64decode(basic.headers["authorization"].removeprefix("Basic ")) == b"id%3A1:a%3Ab%25c+d%2Be%26f%3D%C3%BC"
    assert b"client_id" not in (basic.body or b"")


@pytest.mark.threat(70)
def test_a_revocation_authenticates_as_the_exchange_did():
    basic = replace(EXCHANGE, client_id="a:b", client_secret=Secret("s"), auth_method="client_secret_basic")

    request = build_revocation("https://as.example.com/revoke", basic, Secret("r&t=ü"), "access_token")

    assert b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"a%3Ab:s"
    assert parse_qs((request.body or b"").decode()) == {"token": ["r&t=ü"], "token_type_hint": ["access_token"]}


@pytest.mark.threat(62)
def test_a_request_does_not_print_what_it_carries():
    request = build_exchange(
        replace(EXCHANGE, client_secret=Secret("canary-s"), auth_method="client_secret_basic"), Secret("canary-c")
    )

    assert "canary" not in repr(request)
    assert "Basic" not in repr(request)


def test_a_revocation_names_the_kind_of_token():
    request = build_revocation("https://as.example.com/revoke", EXCHANGE, Secret("rt"), "refresh_token")

    assert parse_qs((request.body or b"").decode()) == {
        "token": ["rt"],
        "token_type_hint": ["refresh_token"],
        "client_id": ["client"],
    }


@pytest.mark.threat(64, 65, 66, 67, 71)
@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, TokenResponse(Secret("canary-at"), None, None, None)),
        ({"token_type": "bearer"}, TokenResponse(Secret("canary-at"), None, None, None)),
        ({"token_type": "BEARER", "expires_in": 3600}, TokenResponse(Secret("canary-at"), None, 3600, None)),
        ({"expires_in": "3600"}, TokenResponse(Secret("canary-at"), None, 3600, None)),
        ({"scope": "a,b"}, TokenResponse(Secret("canary-at"), None, None, "a b")),
        ({"scope": "b, a b"}, TokenResponse(Secret("canary-at"), None, None, "b a")),
        ({"scope": ["a", "b"]}, TokenResponse(Secret("canary-at"), None, None, "a b")),
        ({"expires_in": 3600.0}, TokenResponse(Secret("canary-at"), None, 3600, None)),
        (
            {"expires_in": None, "refresh_token": None, "scope": None},
            TokenResponse(Secret("canary-at"), None, None, None),
        ),
        ({"refresh_token": ""}, TokenResponse(Secret("canary-at"), None, None, None)),
        ({"refresh_token": "rt", "scope": "a b"}, TokenResponse(Secret("canary-at"), Secret("rt"), None, "a b")),
        (
            {"id_token": 7, "unknown": {}},
            TokenResponse(Secret("canary-at"), None, None, None, Account(subject="")),
        ),
    ],
)
def test_a_token_response_within_the_rules_is_read(extra, expected):
    assert parse_tokens(answer(GOOD | extra), "standard") == expected


@pytest.mark.threat(63, 64, 65, 66, 67, 71)
@pytest.mark.parametrize(
    "document",
    [
        {"token_type": "Bearer"},
        GOOD | {"access_token": None},
        GOOD | {"access_token": ""},
        GOOD | {"access_token": ["a"]},
        GOOD | {"access_token": "a\r\nb"},
        GOOD | {"access_token": "a b"},
        GOOD | {"access_token": "x" * 100_000},
        {"access_token": "a"},
        GOOD | {"token_type": "mac"},
        GOOD | {"token_type": "DPoP"},
        GOOD | {"token_type": "user"},
        GOOD | {"token_type": 7},
        GOOD | {"refresh_token": 7},
        GOOD | {"refresh_token": "a\nb"},
        GOOD | {"refresh_token": "canary-at"},
        GOOD | {"scope": [7]},
        GOOD | {"scope": "a\nb"},
        [GOOD],
        b"access_token=a&token_type=bearer",
        b'{"access_token": "a", "access_token": "b", "token_type": "bearer"}',
        b'{"access_token": "a", "token_type": "bearer", "expires_in": NaN}',
    ],
)
def test_a_token_response_against_the_rules_is_refused(document):
    with pytest.raises(RuleBroken) as caught:
        parse_tokens(answer(document), "standard")

    assert "canary" not in str(caught.value)


@pytest.mark.threat(68)
def test_a_form_encoded_response_is_refused():
    with pytest.raises(RuleBroken):
        parse_tokens(answer(b"access_token=a", kind="application/x-www-form-urlencoded"), "standard")


@pytest.mark.threat(68, 69)
@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ({"error": "invalid_grant"}, 400, "invalid_grant"),
        ({"error": "invalid_client"}, 401, "invalid_client"),
        ({"error": "slow_down"}, 200, "slow_down"),
        (GOOD | {"error": "bad_verification_code"}, 200, "other"),
        ({"ok": False, "error": "invalid_code"}, 200, "other"),
        (GOOD | {"ok": False}, 200, "other"),
        ({}, 400, "other"),
        ({"error": {"x": 1}}, 400, "other"),
        (b"<html>", 404, "other"),
    ],
)
def test_a_no_is_a_no_however_it_is_said(document, status, code):
    assert parse_tokens(answer(document, status), "standard") == TokenError(code)


@pytest.mark.threat(14, 69)
@pytest.mark.parametrize("status", [302, 307, 500, 503])
def test_neither_yes_nor_no_is_refused(status):
    with pytest.raises(RuleBroken):
        parse_tokens(answer(GOOD, status), "standard")


@pytest.mark.threat(64, 67, 68)
def test_slacks_nested_form_is_read_with_its_profile_only():
    nested = {
        "ok": True,
        "authed_user": {"access_token": "xoxp", "token_type": "user", "scope": "a,b", "expires_in": 43200},
    }

    assert parse_tokens(answer(nested), "slack") == TokenResponse(Secret("xoxp"), None, 43200, "a b")
    assert parse_tokens(answer(GOOD | {"token_type": "user"}), "slack") == TokenResponse(
        Secret("canary-at"), None, None, None
    )
    with pytest.raises(RuleBroken):
        parse_tokens(answer(nested), "standard")


def test_a_credential_expires_a_minute_early_and_can_be_refreshed():
    tokens = TokenResponse(Secret("at"), Secret("rt"), 3600, "a")

    credential = build_credential(tokens, EXCHANGE, "https://mcp.example.com/mcp", "a b", NOW)

    assert credential.expires_at == NOW + timedelta(seconds=3540)
    assert credential.scope == "a"
    assert credential.refresh == Refresh(
        refresh_token=Secret("rt"),
        token_endpoint=EXCHANGE.token_endpoint,
        client_id="client",
        client_secret=None,
        auth_method="none",
        resource=EXCHANGE.resource,
        scope=None,
    )


@pytest.mark.threat(61, 75)
@pytest.mark.parametrize("lifetime", [None, 0, 30, 60])
def test_an_expiry_that_is_not_in_the_future_is_left_out(lifetime):
    tokens = TokenResponse(Secret("at"), Secret("rt"), lifetime, None)

    assert build_credential(tokens, EXCHANGE, "u", "asked", NOW).expires_at is None


@pytest.mark.threat(75)
def test_a_token_that_dies_at_once_is_refused():
    with pytest.raises(RuleBroken):
        build_credential(TokenResponse(Secret("at"), None, 30, None), EXCHANGE, "u", None, NOW)


def test_without_refresh_token_there_is_no_refresh_and_scope_is_what_was_asked():
    credential = build_credential(TokenResponse(Secret("at"), None, 3600, None), EXCHANGE, "u", "asked", NOW)

    assert (credential.refresh, credential.scope) == (None, "asked")


@pytest.mark.fault("F21")
@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (315705599, 315360000),
        (3599.98, 3599),
        ("3599.98", 3599),
        (1e30, 315360000),
        (10**400, 315360000),
        ("٣٦٠٠", 3600),
        (0.2, 1),
        (0, None),
        (-1, None),
        ("never", None),
        ("", None),
        (True, None),
        ({}, None),
        ([3600], None),
        ("nan", None),
    ],
)
def test_a_lifetime_is_a_hint_and_never_a_reason_to_refuse(given, seconds):
    tokens = parse_tokens(answer(GOOD | {"expires_in": given}), "standard")

    assert tokens.lifetime == seconds


@pytest.mark.fault("F21")
@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()))
def test_no_lifetime_whatever_costs_a_token(given):
    seconds = _parse_lifetime(given)

    assert seconds is None or 1 <= seconds <= 10 * 365 * 24 * 3600


@pytest.mark.fault("F22")
@pytest.mark.parametrize("status", [200, 201, 203, 299])
def test_any_success_with_a_valid_body_is_a_grant(status):
    assert parse_tokens(answer(GOOD, status=status), "standard").access_token == Secret("canary-at")


@pytest.mark.fault("F23", "F24")
@pytest.mark.parametrize(
    ("granted", "refresh", "kept"),
    [
        ("b,a", None, "b a"),
        ("a b", "rt", "a b offline_access"),
        ("a b", None, "a b"),
        (None, "rt", "a b offline_access"),
    ],
)
def test_scopes_are_the_same_however_they_are_written_and_a_refresh_token_is_offline_access(granted, refresh, kept):
    body = GOOD | {"scope": granted, "refresh_token": refresh}
    credential = build_credential(parse_tokens(answer(body), "standard"), EXCHANGE, "u", "a b offline_access", NOW)

    assert credential.scope == kept


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.lists(st.integers(), max_size=2)
)
KEYS = st.sampled_from(
    ["access_token", "token_type", "expires_in", "refresh_token", "scope", "error", "ok", "authed_user"]
)


@given(
    st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=4)), st.sampled_from(["standard", "slack"])
)
def test_any_object_is_tokens_a_no_or_refused(document, profile):
    try:
        found = parse_tokens(answer(GOOD | document), profile)
    except RuleBroken:
        return
    assert isinstance(found, TokenResponse | TokenError)
    if isinstance(found, TokenResponse):
        assert found.access_token.reveal().isascii()


@given(st.binary(max_size=100), st.integers(100, 599))
def test_any_body_is_a_no_or_refused(body, status):
    with contextlib.suppress(RuleBroken):
        assert isinstance(parse_tokens(answer(body, status), "standard"), TokenError)
