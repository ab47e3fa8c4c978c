"""RFC 9728 and RFC 8414 by table (docs/oauth-threats.md#b-discovery)."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.errors import RuleBroken, UrlRefused
from oauth.protocol.discovery import (
    Pins,
    build_issuer_urls,
    build_probe,
    build_resource_urls,
    build_stateless_probe,
    list_endpoints,
    parse_probe,
    parse_resource,
    parse_server,
)
from oauth.protocol.http_messages import HttpResponse
from oauth.protocol.url_policy import UrlPolicy, get_host
from oauth.protocol.www_authenticate import Challenge

POLICY = UrlPolicy()
MCP = "https://mcp.example.com/mcp"
ISSUER = "https://as.example.com"
RESOURCE = {"resource": MCP, "authorization_servers": [ISSUER]}
SERVER = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "code_challenge_methods_supported": ["S256"],
}


def answer(document: Any, status: int = 200, kind: str = "application/json") -> HttpResponse:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return HttpResponse(status, (("content-type", kind),), body)


def without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


@pytest.mark.parametrize("build", [build_probe, build_stateless_probe])
def test_a_probe_carries_no_credential_and_wants_no_body(build):
    probe = build(MCP)

    assert (probe.method, probe.url, probe.wants_body) == ("POST", MCP, False)
    assert "authorization" not in {name.lower() for name in probe.headers}


def test_the_stateless_probe_says_its_version_in_header_and_body():
    probe = build_stateless_probe(MCP)

    message = json.loads(probe.body or b"")
    assert (probe.headers["mcp-method"], message["method"]) == ("tools/list", "tools/list")
    assert message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert probe.headers["mcp-protocol-version"] == "2026-07-28"


@pytest.mark.threat(21, 22)
@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, (), None),
        (400, (("www-authenticate", "Bearer a=b"),), None),
        (401, (), None),
        (401, (("www-authenticate", "Basic a=b"),), None),
        (401, (("www-authenticate", "Basic a=b"), ("www-authenticate", "bearer c=d")), Challenge("bearer", {"c": "d"})),
    ],
)
def test_only_the_bearer_challenge_of_a_401_counts(status, headers, expected):
    assert parse_probe(HttpResponse(status, headers)) == expected


def test_the_advertised_metadata_url_is_the_only_one_asked():
    challenge = Challenge("bearer", {"resource_metadata": "https://elsewhere.example/md"})

    assert build_resource_urls(MCP, challenge) == ("https://elsewhere.example/md",)


def test_without_a_challenge_the_path_is_asked_before_the_root():
    assert build_resource_urls(MCP, None) == (
        "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
        "https://mcp.example.com/.well-known/oauth-protected-resource",
    )
    assert build_resource_urls("https://mcp.example.com", Challenge("bearer", {})) == (
        "https://mcp.example.com/.well-known/oauth-protected-resource",
    )


@pytest.mark.threat(26)
@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        (
            "https://as.example/t1",
            (
                "https://as.example/.well-known/oauth-authorization-server/t1",
                "https://as.example/.well-known/openid-configuration/t1",
                "https://as.example/t1/.well-known/openid-configuration",
            ),
        ),
        (
            "https://as.example/",
            (
                "https://as.example/.well-known/oauth-authorization-server",
                "https://as.example/.well-known/openid-configuration",
            ),
        ),
    ],
)
def test_server_metadata_is_looked_for_in_the_order_of_mcp(issuer, expected):
    assert build_issuer_urls(issuer) == expected


@pytest.mark.parametrize("resource", [MCP, "https://mcp.example.com", "https://mcp.example.com/"])
def test_a_resource_that_covers_the_server_is_kept_verbatim(resource):
    found = parse_resource(answer({**RESOURCE, "resource": resource, "scopes_supported": ["a"]}), MCP, POLICY)

    assert found is not None
    assert (found.resource, found.issuers, found.scopes) == (resource, (ISSUER,), ("a",))


@pytest.mark.threat(16, 24, 25)
@pytest.mark.parametrize(
    "document",
    [
        {**RESOURCE, "resource": "https://evil.example/mcp"},
        {**RESOURCE, "resource": "https://mcp.example.com/mcp2"},
        {**RESOURCE, "resource": None},
        {**RESOURCE, "resource": 7},
        without(RESOURCE, "resource"),
        without(RESOURCE, "authorization_servers"),
        {**RESOURCE, "authorization_servers": []},
        {**RESOURCE, "authorization_servers": ISSUER},
        {**RESOURCE, "authorization_servers": [7]},
        {**RESOURCE, "authorization_servers": [ISSUER] * 100},
        {**RESOURCE, "authorization_servers": ["http://as.example.com"]},
        {**RESOURCE, "authorization_servers": ["https://10.0.0.1"]},
        {**RESOURCE, "scopes_supported": "a b"},
        [RESOURCE],
        b"<html>",
        json.dumps(RESOURCE).replace("{", '{"resource": "https://mcp.example.com/mcp", ', 1).encode(),
        json.dumps(RESOURCE | {"x": float("nan")}).encode(),
        b"[" * 5000,
        {**RESOURCE, "x": list(range(501))},
        {**RESOURCE, "x": [[[[[[[[[[[[[]]]]]]]]]]]]]},
        b"\xff\xfe",
        b"",
    ],
)
def test_resource_metadata_against_the_rules_is_refused(document):
    with pytest.raises((RuleBroken, UrlRefused)):
        parse_resource(answer(document), MCP, POLICY)


@pytest.mark.threat(13, 27)
@pytest.mark.parametrize("status", [301, 302, 307, 500, 503, 204])
def test_neither_found_nor_missing_is_refused(status):
    with pytest.raises(RuleBroken):
        parse_resource(answer(RESOURCE, status), MCP, POLICY)
    with pytest.raises(RuleBroken):
        parse_server(answer(SERVER, status), ISSUER, Pins(), POLICY)


@pytest.mark.threat(16)
def test_html_that_says_200_is_refused():
    with pytest.raises(RuleBroken):
        parse_server(answer(SERVER, kind="text/html"), ISSUER, Pins(), POLICY)


def test_missing_metadata_sends_us_on():
    assert parse_resource(answer({}, 404), MCP, POLICY) is None
    assert parse_server(answer({}, 403), ISSUER, Pins(), POLICY) is None


@pytest.mark.threat(28)
@pytest.mark.parametrize(
    "issuer",
    [
        "https://as.example.com/",
        "https://AS.example.com",
        "https://as.example.com:443",
        "https://evil.example",
        None,
        7,
    ],
)
def test_an_issuer_that_differs_by_one_character_is_refused(issuer):
    with pytest.raises(RuleBroken):
        parse_server(answer({**SERVER, "issuer": issuer}), ISSUER, Pins(), POLICY)


@pytest.mark.threat(28)
def test_a_pinned_issuer_is_the_one_that_counts():
    document = {**SERVER, "issuer": "https://slack.com"}
    pins = Pins(trusted_issuer="https://slack.com", endpoint_hosts=("as.example.com",))

    server = parse_server(answer(document), "https://mcp.slack.com", pins, POLICY)

    assert server is not None
    assert server.issuer == "https://slack.com"
    with pytest.raises(RuleBroken):
        parse_server(answer({**document, "issuer": "https://mcp.slack.com"}), "https://mcp.slack.com", pins, POLICY)


@pytest.mark.threat(28)
def test_an_endpoint_on_a_host_that_is_not_pinned_is_refused():
    with pytest.raises(RuleBroken):
        parse_server(
            answer({**SERVER, "token_endpoint": "https://evil.example/t"}),
            ISSUER,
            Pins(endpoint_hosts=("as.example.com",)),
            POLICY,
        )


@pytest.mark.threat(28)
@pytest.mark.parametrize("issuer", [f"{ISSUER}?tenant=1", f"{ISSUER}/#a"])
def test_an_issuer_has_no_query_or_fragment(issuer):
    with pytest.raises(RuleBroken):
        parse_server(answer({**SERVER, "issuer": issuer}), issuer, Pins(), POLICY)


@pytest.mark.threat(56)
@pytest.mark.parametrize("value", ["true", 7, []])
def test_a_promise_of_iss_that_is_no_boolean_is_refused(value):
    """Read as no, it would let an answer without `iss` pass (RFC 9207 §2.4)."""
    with pytest.raises(RuleBroken):
        parse_server(
            answer({**SERVER, "authorization_response_iss_parameter_supported": value}), ISSUER, Pins(), POLICY
        )


def test_fields_that_we_do_not_read_and_nulls_are_no_reason_to_refuse():
    extra = {"ui_locales_supported": "en", "op_tos_uri": "x", "registration_endpoint": None}
    extra |= {"authorization_response_iss_parameter_supported": None, "scopes_supported": None}

    assert parse_server(answer(SERVER | extra), ISSUER, Pins(), POLICY)


@pytest.mark.threat(29)
@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256", ["s256"]])
def test_without_s256_advertised_we_refuse(methods):
    document = {**SERVER, "code_challenge_methods_supported": methods}

    with pytest.raises(RuleBroken):
        parse_server(answer(document), ISSUER, Pins(), POLICY)


def test_an_admin_may_vouch_for_pkce_that_is_not_advertised():
    pins = Pins(pkce_unadvertised_ok=True)

    assert parse_server(answer(without(SERVER, "code_challenge_methods_supported")), ISSUER, pins, POLICY)
    with pytest.raises(RuleBroken):
        parse_server(answer({**SERVER, "code_challenge_methods_supported": ["plain"]}), ISSUER, pins, POLICY)


@pytest.mark.threat(2, 30)
@pytest.mark.parametrize("key", ["authorization_endpoint", "token_endpoint", "registration_endpoint"])
@pytest.mark.parametrize(
    "value",
    [7, ["https://as.example.com"], "javascript:x", "http://as.example.com/x", "https://u@as.example.com", "https://127.0.0.1/",
     "https://as.example.com/#f"],
)  # fmt: skip
def test_an_endpoint_that_is_no_clean_url_is_refused(key, value):
    with pytest.raises((RuleBroken, UrlRefused)):
        parse_server(answer({**SERVER, key: value}), ISSUER, Pins(), POLICY)


@pytest.mark.threat(30)
@pytest.mark.parametrize("key", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_required_endpoint_must_be_there(key, value):
    with pytest.raises((RuleBroken, UrlRefused)):
        parse_server(answer({**SERVER, key: value}), ISSUER, Pins(), POLICY)


@pytest.mark.threat(30)
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "request", "code_challenge", "nonce"])
def test_an_authorize_endpoint_may_not_bring_our_parameters(name):
    document = {**SERVER, "authorization_endpoint": f"{ISSUER}/authorize?{name}=x"}

    with pytest.raises(RuleBroken):
        parse_server(answer(document), ISSUER, Pins(), POLICY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*SERVER, "registration_endpoint", "token_endpoint_auth_methods_supported"]), JSON)
def test_any_value_in_metadata_is_read_or_refused(key, value):
    with contextlib.suppress(RuleBroken, UrlRefused):
        parse_server(answer({**SERVER, key: value}), ISSUER, Pins(), POLICY)


@given(st.binary(max_size=80))
def test_any_body_is_read_or_refused(body):
    with pytest.raises(RuleBroken):
        parse_server(answer(body), ISSUER, Pins(), POLICY)


@pytest.mark.fault("S23")
@pytest.mark.threat(28)
@pytest.mark.parametrize(
    ("value", "pins", "expected"),
    [
        (f"{ISSUER}/userinfo", Pins(), f"{ISSUER}/userinfo"),
        ("https://elsewhere.example/userinfo", Pins(), "https://elsewhere.example/userinfo"),
        (f"{ISSUER}/userinfo", Pins(endpoint_hosts=(get_host(ISSUER),)), f"{ISSUER}/userinfo"),
        ("https://elsewhere.example/userinfo", Pins(endpoint_hosts=(get_host(ISSUER),)), None),
        ("http://as.example.com/userinfo", Pins(), None),
        ("https://10.0.0.1/userinfo", Pins(), None),
        ("https://good@evil.example/userinfo", Pins(), None),
        (7, Pins(), None),
        ("", Pins(), None),
        (None, Pins(), None),
    ],
)
def test_where_an_account_may_be_asked_for_is_clean_and_pinned_or_left_out(value, pins, expected):
    """It serves a label only: that it is missing or wrong refuses no service."""
    server = parse_server(answer({**SERVER, "userinfo_endpoint": value}), ISSUER, pins, POLICY)

    assert server is not None
    assert server.userinfo_endpoint == expected
    assert (expected in list_endpoints(server)) == (expected is not None)
