"""The authorization request and its answer.

After docs/reference/oauth.md#authorization-requests and docs/oauth-threats.md#e-callback.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.errors import RuleBroken
from oauth.protocol.authorization import (
    AuthorizationCode,
    AuthorizationError,
    AuthorizationRequest,
    EarlierRequest,
    build_authorization_url,
    choose_scope,
    parse_callback,
    parse_state,
)
from oauth.protocol.discovery import AuthorizationServer, ProtectedResource
from oauth.protocol.www_authenticate import Challenge
from store.records import Secret

ISSUER = "https://as.example.com"
SERVER = AuthorizationServer(
    issuer=ISSUER,
    authorization_endpoint=f"{ISSUER}/authorize",
    token_endpoint=f"{ISSUER}/token",
    registration_endpoint=None,
    revocation_endpoint=None,
    auth_methods=(),
    takes_client_documents=False,
    sends_iss=False,
    scopes=(),
)
ASK = AuthorizationRequest("client", "https://bot.example/cb", "https://mcp.example.com/mcp", "a b")
BARE = ProtectedResource(ASK.resource, (ISSUER,), None)


def test_the_request_says_each_thing_once():
    url = build_authorization_url(SERVER, ASK, "state", Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))

    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": "https://bot.example/cb",
        "state": "state",
        # The pair of RFC 7636 appendix B.
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "resource": "https://mcp.example.com/mcp",
        "scope": "a b",
    }


def test_a_query_of_the_endpoint_stays_but_does_not_speak_for_us():
    server = replace(
        SERVER, authorization_endpoint=f"{ISSUER}/authorize?tenant=7&resource=https://evil.example&scope=all"
    )

    query = parse_qs(urlsplit(build_authorization_url(server, ASK, "s", Secret("v"))).query)

    assert (query["tenant"], query["resource"], query["scope"]) == (["7"], [ASK.resource], ["a b"])


def test_what_the_catalogue_adds_cannot_replace_what_we_say():
    ask = replace(ASK, extra={"access_type": "offline", "redirect_uri": "https://evil.example", "state": "x"})

    query = parse_qs(urlsplit(build_authorization_url(SERVER, ask, "s", Secret("v"))).query)

    assert (query["access_type"], query["redirect_uri"], query["state"]) == (["offline"], [ASK.redirect_uri], ["s"])


def test_what_the_catalogue_adds_replaces_what_the_endpoint_says():
    server = replace(SERVER, authorization_endpoint=f"{ISSUER}/authorize;v=1?prompt=none&a=1&a=2&b=")
    ask = replace(ASK, scope="a offline_access", extra={"prompt": "login", "uri": "x"})

    url = build_authorization_url(server, ask, "s", Secret("v"))

    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert url.startswith(f"{ISSUER}/authorize;v=1?a=1&a=2&b=&prompt=login&uri=x&response_type=code&")
    assert all(len(values) == 1 for name, values in query.items() if name != "a")


@pytest.mark.parametrize(
    ("pinned", "challenged", "advertised", "server", "expected"),
    [
        ((), None, None, (), None),
        ((), None, ("r",), (), "r"),
        ((), "c d", ("r",), (), "c d"),
        (("p",), "c", ("r",), ("offline_access",), "p"),
        ((), "c", None, ("offline_access", "all"), "c offline_access"),
        ((), None, None, ("everything",), None),
        ((), "c c", None, (), "c"),
        # `offline_access`: where the server lists it, and never alone (docs/reference/oauth.md#scopes).
        ((), None, ("r", "offline_access"), ("r",), "r"),
        ((), None, ("r", "offline_access"), (), "r offline_access"),
        ((), None, None, ("offline_access",), None),
        (("p", "offline_access"), None, None, ("p",), "p offline_access"),
    ],
)
def test_scope_is_asked_as_narrow_as_it_is_known(pinned, challenged, advertised, server, expected):
    challenge = Challenge("bearer", {"scope": challenged}) if challenged else None
    resource, metadata = replace(BARE, scopes=advertised), replace(SERVER, scopes=server)

    assert choose_scope(pinned, challenge, resource, metadata) == expected


@pytest.mark.parametrize(
    ("pinned", "held", "challenged", "server", "expected"),
    [
        ((), "a b", "b c", (), "a b c"),
        ((), None, "c", (), "c"),
        ((), "a", None, (), "a r"),
        (("p",), "a b", "c", (), "p"),
        ((), "a,b gone", "c", ("a", "c"), "c"),
        ((), "a", "new", ("a",), "a new"),
    ],
)
def test_what_was_asked_for_earlier_is_asked_for_again(pinned, held, challenged, server, expected):
    """Step-up: the union, of scopes that the server still takes."""
    challenge = Challenge("bearer", {"scope": challenged}) if challenged else None
    resource, metadata = replace(BARE, scopes=("r",)), replace(SERVER, scopes=server)

    assert choose_scope(pinned, challenge, resource, metadata, EarlierRequest(held)) == expected


def test_a_third_no_to_a_wider_scope_is_the_last():
    challenge = Challenge("bearer", {"error": "insufficient_scope", "scope": "more"})

    assert choose_scope((), challenge, BARE, SERVER, EarlierRequest("a", 1)) == "a more"
    assert choose_scope((), challenge, BARE, SERVER, EarlierRequest("a", 2)) == "a more"
    with pytest.raises(RuleBroken):
        choose_scope((), challenge, BARE, SERVER, EarlierRequest("a", 3))


@pytest.mark.threat(56)
@pytest.mark.parametrize(
    ("iss", "is_required", "is_good"),
    [
        (ISSUER, True, True),
        (None, True, False),
        (ISSUER, False, True),
        (None, False, True),
        ("https://evil.example", True, False),
        ("https://evil.example", False, False),
        (f"{ISSUER}/", False, False),
        ("https://AS.example.com", False, False),
        (f"{ISSUER}:443", False, False),
        ("", False, False),
    ],
)
@pytest.mark.parametrize("kind", ["code", "error"])
def test_iss_is_judged_by_the_table_of_rfc_9207(kind, iss, is_required, is_good):
    pairs = [(kind, "access_denied"), ("state", "s"), *([("iss", iss)] if iss is not None else [])]

    if is_good:
        assert isinstance(
            parse_callback(pairs, ISSUER, iss_required=is_required),
            AuthorizationCode if kind == "code" else AuthorizationError,
        )
        return
    with pytest.raises(RuleBroken):
        parse_callback(pairs, ISSUER, iss_required=is_required)


@pytest.mark.threat(53, 58, 59)
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("state", "s")],
        [("code", ""), ("state", "s")],
        [("code", "a"), ("code", "a")],
        [("code", "a"), ("error", "access_denied")],
        [("error", "a"), ("error", "b")],
        [("code", "a\r\nb")],
        [("code", "ä")],
        [("code", "x" * 10_000)],
        [("code", "a"), ("iss", ISSUER), ("iss", ISSUER)],
        [("access_token", "a"), ("token_type", "bearer")],
    ],
)
def test_an_answer_that_is_neither_yes_nor_no_is_refused(pairs):
    with pytest.raises(RuleBroken):
        parse_callback(pairs, ISSUER, iss_required=False)


@pytest.mark.threat(57)
@pytest.mark.parametrize(
    ("error", "expected"),
    [("access_denied", "access_denied"), ("<script>", "other"), ("", "other"), ("x" * 999, "other")],
)
def test_an_error_is_known_or_other(error, expected):
    assert parse_callback([("error", error)], ISSUER, iss_required=False) == AuthorizationError(expected)


@pytest.mark.threat(53)
@pytest.mark.parametrize("pairs", [[], [("state", "")], [("state", "a"), ("state", "a")], [("state", "x" * 600)]])
def test_state_must_be_there_once(pairs):
    with pytest.raises(RuleBroken):
        parse_state(pairs)


@pytest.mark.threat(62)
def test_a_code_does_not_print():
    assert "canary" not in repr(parse_callback([("code", "canary")], ISSUER, iss_required=False))


NAMES = st.sampled_from(["code", "state", "iss", "error", "error_description", "access_token"])


@given(st.lists(st.tuples(NAMES, st.text(max_size=30) | st.just(ISSUER)), max_size=6), st.booleans())
def test_any_callback_is_an_answer_or_refused(pairs, is_required):
    try:
        found = parse_callback(pairs, ISSUER, iss_required=is_required)
    except RuleBroken:
        return
    assert isinstance(found, AuthorizationCode | AuthorizationError)
    assert ("iss", ISSUER) in pairs or not is_required
