"""How we become a client: MCP client registration, RFC 7591 (docs/oauth-threats.md#c-registration)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from oauth.errors import NoRegistration, RuleBroken
from oauth.protocol.discovery import AuthorizationServer
from oauth.protocol.http_messages import HttpResponse
from oauth.protocol.registration import (
    PreRegistered,
    RegisteredClient,
    build_client_document,
    build_registration_request,
    choose_registration,
    is_reusable,
    parse_registration,
)
from store.records import Registration, Secret, ServiceName

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ISSUER = "https://as.example.com"
CLIENT = RegisteredClient(
    ServiceName("notes"), "https://bot.example/oauth/callback/notes", "https://bot.example", None, None
)
SERVER = AuthorizationServer(
    issuer=ISSUER,
    authorization_endpoint=f"{ISSUER}/authorize",
    token_endpoint=f"{ISSUER}/token",
    registration_endpoint=f"{ISSUER}/register",
    revocation_endpoint=None,
    auth_methods=(),
    takes_client_documents=False,
    sends_iss=False,
    scopes=(),
)


def answer(document: object, status: int = 201) -> HttpResponse:
    return HttpResponse(status, (("content-type", "application/json"),), json.dumps(document).encode())


def test_the_order_is_configured_then_document_then_dynamic():
    configured = replace(CLIENT, pre_registered=PreRegistered("mine", Secret("s")), trusted_issuer=ISSUER)
    takes_both = replace(SERVER, takes_client_documents=True)

    first = choose_registration(configured, takes_both, NOW)
    second = choose_registration(CLIENT, takes_both, NOW)
    third = choose_registration(CLIENT, SERVER, NOW)

    assert first is not None
    assert (first.client_id, first.auth_method) == ("mine", "client_secret_post")
    assert second is not None
    assert (second.client_id, second.auth_method) == ("https://bot.example/oauth/client/notes.json", "none")
    assert third is None


@pytest.mark.threat(32)
def test_another_issuer_never_gets_the_configured_client():
    configured = replace(
        CLIENT, pre_registered=PreRegistered("mine", Secret("s")), trusted_issuer="https://real.example"
    )

    with pytest.raises(RuleBroken):
        choose_registration(configured, SERVER, NOW)


@pytest.mark.parametrize(
    ("secret", "offered", "expected"),
    [
        (Secret("s"), ("client_secret_basic",), "client_secret_basic"),
        (Secret("s"), ("client_secret_basic", "client_secret_post"), "client_secret_post"),
        (None, ("client_secret_post", "none"), "none"),
    ],
)
def test_a_configured_client_authenticates_as_it_and_the_server_can(secret, offered, expected):
    configured = replace(CLIENT, pre_registered=PreRegistered("mine", secret), trusted_issuer=ISSUER)

    chosen = choose_registration(configured, replace(SERVER, auth_methods=offered), NOW)

    assert chosen is not None
    assert chosen.auth_method == expected


@pytest.mark.parametrize(("secret", "offered"), [(Secret("s"), ("private_key_jwt",)), (None, ("client_secret_post",))])
def test_no_common_authentication_is_refused(secret, offered):
    configured = replace(CLIENT, pre_registered=PreRegistered("mine", secret), trusted_issuer=ISSUER)

    with pytest.raises(RuleBroken):
        choose_registration(configured, replace(SERVER, auth_methods=offered), NOW)


@pytest.mark.threat(35)
@pytest.mark.parametrize(
    ("client", "server"),
    [
        (CLIENT, replace(SERVER, takes_client_documents=True, auth_methods=("client_secret_post",))),
        (replace(CLIENT, base_url="http://127.0.0.1:8000"), replace(SERVER, takes_client_documents=True)),
        (replace(CLIENT, base_url="https://bot.example:8443"), replace(SERVER, takes_client_documents=True)),
    ],
)
def test_a_client_document_is_used_only_where_it_can_work(client, server):
    assert choose_registration(client, server, NOW) is None


@pytest.mark.threat(34)
def test_without_any_way_in_the_admin_is_asked():
    with pytest.raises(NoRegistration):
        choose_registration(CLIENT, replace(SERVER, registration_endpoint=None), NOW)


def test_the_client_document_names_itself_and_one_redirect_uri():
    assert build_client_document(CLIENT) == {
        "client_id": "https://bot.example/oauth/client/notes.json",
        "client_name": "Deputy",
        "client_uri": "https://bot.example",
        "redirect_uris": ["https://bot.example/oauth/callback/notes"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


def test_the_request_asks_to_be_a_web_client():
    request = build_registration_request(CLIENT, replace(SERVER, auth_methods=("client_secret_basic",)), "a b")

    sent = json.loads(request.body or b"")
    assert (request.method, request.url) == ("POST", f"{ISSUER}/register")
    assert (sent["application_type"], sent["scope"]) == ("web", "a b")
    assert sent["token_endpoint_auth_method"] == "client_secret_basic"


@pytest.mark.threat(38)
@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    ("document", "secret", "method"),
    [
        ({"client_id": "c"}, None, "none"),
        ({"client_id": "c", "client_secret": None, "client_secret_expires_at": None}, None, "none"),
        ({"client_id": "c", "client_secret": "", "token_endpoint_auth_method": ""}, None, "none"),
        ({"client_id": "c", "client_secret": "s"}, Secret("s"), "client_secret_basic"),
        (
            {"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post"},
            Secret("s"),
            "client_secret_post",
        ),
        ({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "none"}, None, "none"),
        ({"client_id": "c", "issuer": "https://evil.example"}, None, "none"),
        ({"client_id": "c", "redirect_uris": [CLIENT.redirect_uri, "https://other.example"]}, None, "none"),
    ],
)
def test_what_came_back_is_what_we_are(document, secret, method, status):
    assert parse_registration(answer(document, status), CLIENT, ISSUER, NOW) == Registration(
        service=CLIENT.service,
        issuer=ISSUER,
        redirect_uri=CLIENT.redirect_uri,
        client_id="c",
        client_secret=secret,
        auth_method=method,
        created_at=NOW,
        expires_at=None,
    )


@pytest.mark.threat(38)
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"client_id": None},
        {"client_id": ""},
        {"client_id": 7},
        {"client_id": "a\r\nb"},
        {"client_id": "x" * 5000},
        {"client_id": "c", "client_secret": 7},
        {"client_id": "c", "client_secret": "a\nb"},
        {"client_id": "c", "token_endpoint_auth_method": "private_key_jwt"},
        {"client_id": "c", "token_endpoint_auth_method": ["none"]},
        {"client_id": "c", "token_endpoint_auth_method": "client_secret_post"},
        {"client_id": "c", "redirect_uris": ["https://evil.example"]},
        {"client_id": "c", "redirect_uris": 7},
        {"client_id": "c", "redirect_uris": CLIENT.redirect_uri + "/longer"},
        {"client_id": "c", "client_secret": "s", "client_secret_expires_at": 1},
        {"client_id": "c", "client_secret": "s", "client_secret_expires_at": "soon"},
        {"client_id": "c", "client_secret": "s", "client_secret_expires_at": True},
        {"client_id": "c", "client_secret": "s", "client_secret_expires_at": 10**20},
        ["c"],
    ],
)
def test_a_registration_that_cannot_be_used_is_refused(document):
    with pytest.raises(RuleBroken):
        parse_registration(answer(document), CLIENT, ISSUER, NOW)


@pytest.mark.threat(37)
@pytest.mark.parametrize("status", [301, 400, 403, 422, 429, 500])
def test_a_refused_registration_is_an_error(status):
    with pytest.raises(RuleBroken):
        parse_registration(answer({"client_id": "c"}, status), CLIENT, ISSUER, NOW)


@pytest.mark.threat(39)
@pytest.mark.parametrize(
    ("age", "expires_in", "is_good"),
    [
        (timedelta(days=1), None, True),
        (timedelta(days=7), None, False),
        (timedelta(0), timedelta(days=1), True),
        (timedelta(0), timedelta(minutes=30), False),
        (timedelta(0), timedelta(seconds=-1), False),
    ],
)
def test_a_registration_is_perishable(age, expires_in, is_good):
    expires_at = None if expires_in is None else NOW + expires_in
    kept = Registration(CLIENT.service, ISSUER, CLIENT.redirect_uri, "c", None, "none", NOW - age, expires_at)

    assert is_reusable(kept, NOW) is is_good
