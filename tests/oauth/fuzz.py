"""`make fuzz N=n`: random metadata, registrations, tokens and callbacks; only typed errors may come of them.

Inputs are valid documents with parts replaced, lost or corrupted, so that they get past the first check.
What is accepted must keep the rules, and what is refused must not be quoted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from oauth.connect.browser import SlackIdentity, parse_identity_exchange, verify_id_token
from oauth.errors import NoRegistration, RuleBroken, UrlRefused
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
from oauth.protocol.discovery import (
    AuthorizationServer,
    Pins,
    ProtectedResource,
    build_issuer_urls,
    build_resource_urls,
    parse_probe,
    parse_resource,
    parse_server,
)
from oauth.protocol.http_messages import HttpResponse
from oauth.protocol.registration import AUTH_METHODS, RegisteredClient, choose_registration, parse_registration
from oauth.protocol.tokens import CodeExchange, TokenError, TokenResponse, build_credential, parse_tokens
from oauth.protocol.url_policy import UrlPolicy, require_url
from oauth.protocol.www_authenticate import Challenge, parse_challenges
from store.records import Secret, ServiceName

CANARY = "canary-upstream"
POLICY = UrlPolicy()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MCP = "https://mcp.example.com/mcp"
ISSUER = "https://as.example.com"
CLIENT = RegisteredClient(
    ServiceName("notes"), "https://bot.example/oauth/callback/notes", "https://bot.example", None, None
)
EXCHANGE = CodeExchange(f"{ISSUER}/token", "c", None, "none", CLIENT.redirect_uri, MCP, Secret("v"))
IDENTITY = SlackIdentity.at("https://slack.com", client_id="1.2", client_secret=Secret("s"))

RESOURCE = {"resource": MCP, "authorization_servers": [ISSUER], "scopes_supported": ["a"]}
SERVER = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "registration_endpoint": f"{ISSUER}/register",
    "revocation_endpoint": f"{ISSUER}/revoke",
    "code_challenge_methods_supported": ["S256"],
    "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
    "client_id_metadata_document_supported": True,
    "authorization_response_iss_parameter_supported": True,
    "scopes_supported": ["a", "offline_access"],
}
REGISTRATION = {
    "client_id": "c",
    "client_secret": "s",
    "client_secret_expires_at": 1_900_000_000,
    "redirect_uris": [CLIENT.redirect_uri],
    "token_endpoint_auth_method": "client_secret_post",
}
TOKENS = {
    "access_token": "at",
    "token_type": "bearer",
    "expires_in": 3600,
    "refresh_token": "rt",
    "scope": "a b",
    "ok": True,
    "authed_user": {"access_token": "xoxp", "token_type": "user", "scope": "a,b"},
}
IDENTITY_ANSWER = {"ok": True, "id_token": "a.b.c", "access_token": "xoxp"}

ODD = """
    |null|0|3600.5|https://evil.example|http://127.0.0.1/|javascript:alert(1)|https://u@as.example.com
    |https://as.example.com:0|https://[::ffff:127.0.0.1]/|https://[::1|https://as.example.com/#f|none
    |private_key_jwt|plain|S256|Bearer|mac|user|offline_access|\ud800|\x00|
"""
TEXTS = st.text(max_size=24) | st.sampled_from(
    [CANARY, f"{CANARY}\r\nx: y", "x" * 20_000, *(text.strip("\n ") for text in ODD.split("|"))]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, -1, 10**30, 1e308, True])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
STATUSES = st.sampled_from([200] * 8 + [100, 201, 204, 301, 302, 307, 400, 401, 403, 404, 422, 429, 500, 503])
TYPES = st.sampled_from(
    ["application/json"] * 8
    + [
        "application/json; charset=utf-8",
        "application/problem+json",
        "text/html",
        "",
        "application/x-www-form-urlencoded",
    ]
)


@st.composite
def answers(draw: st.DrawFn, document: dict[str, Any]) -> HttpResponse:
    """A valid document with up to three members changed or lost, its bytes sometimes corrupted."""
    changed = dict(document)
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from([*document, "error", "issuer", CANARY]))
        if draw(st.booleans()):
            changed[key] = draw(VALUES)
        else:
            changed.pop(key, None)
    body = json.dumps(changed).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=8)) + body[at + draw(st.integers(0, 8)) :]
    kinds = draw(st.lists(TYPES, min_size=1, max_size=1) | st.lists(TYPES, max_size=2))
    return HttpResponse(draw(STATUSES), tuple(("content-type", kind) for kind in kinds), body)


HEADERS = st.lists(
    st.text(max_size=30)
    | st.sampled_from(
        ['Bearer scope="a b"', 'Bearer resource_metadata="https://evil.example/x"', f"Basic realm={CANARY}"]
    )
    | st.text(alphabet='Bearer basic,= "\\abc=/\t', max_size=40),
    max_size=3,
)
NAMES = st.sampled_from(["code", "state", "iss", "error", "error_description", "access_token", CANARY])
ANSWERS = st.sampled_from(
    [
        [("code", "c"), ("state", "s"), ("iss", ISSUER)],
        [("code", "c"), ("state", "s")],
        [("error", "x"), ("state", "s")],
    ]
)
MORE = st.lists(st.tuples(NAMES, TEXTS | st.just(ISSUER)), max_size=2)
QUERIES = st.text(max_size=60) | st.tuples(ANSWERS, MORE, st.integers(0, 3)).map(
    lambda parts: "&".join(
        f"{name}={quote_plus(value, errors='replace')}" for name, value in [*parts[0], *parts[1]][parts[2] // 3 :]
    )
)
KEYS = st.fixed_dictionaries(
    {"keys": st.lists(st.dictionaries(st.sampled_from(["kty", "n", "e", "kid", "alg"]), TEXTS), max_size=2) | VALUES}
)


def fuzz_challenges(lines: list[str], status: int) -> str:
    parse_challenges(lines)
    challenge = parse_probe(HttpResponse(status, tuple(("www-authenticate", line) for line in lines)))
    for url in build_resource_urls(MCP, challenge):
        require_url(url, POLICY)
    return "read"


def fuzz_resource(answer: HttpResponse) -> str:
    found = parse_resource(answer, MCP, POLICY)
    if found is None:
        return "none there"
    assert urlsplit(found.resource).netloc.removesuffix(":443").lower() == "mcp.example.com"
    for issuer in found.issuers:
        for url in build_issuer_urls(issuer):
            assert require_url(url, POLICY).startswith("https://")
    return "accepted"


def fuzz_server(answer: HttpResponse, pins: Pins) -> str:
    found = parse_server(answer, ISSUER, pins, POLICY)
    if found is None:
        return "none there"
    assert found.issuer == (pins.trusted_issuer or ISSUER)
    for endpoint in (found.authorization_endpoint, found.token_endpoint):
        assert require_url(endpoint, POLICY)
    _ask(found)
    return "accepted"


def _ask(server: AuthorizationServer) -> None:
    """What follows from accepted metadata: a registration and an authorization request of ours alone."""
    resource = ProtectedResource(MCP, (ISSUER,), ("a",))
    scope = choose_scope((), Challenge("bearer", {"scope": "a"}), resource, server, EarlierRequest("b"))
    choose_registration(CLIENT, server, NOW)
    ask = AuthorizationRequest("c", CLIENT.redirect_uri, MCP, scope)
    pairs = parse_qsl(urlsplit(build_authorization_url(server, ask, "s", Secret("v"))).query)
    assert Counter(name for name, _ in pairs if name in ("state", "redirect_uri", "client_id", "resource")) == Counter(
        ["state", "redirect_uri", "client_id", "resource"]
    )


def fuzz_registration(answer: HttpResponse) -> str:
    found = parse_registration(answer, CLIENT, ISSUER, NOW)
    assert found.auth_method in AUTH_METHODS
    assert (found.client_secret is None) is (found.auth_method == "none")
    assert found.client_id
    assert found.client_id.isprintable()
    assert (found.issuer, found.redirect_uri) == (ISSUER, CLIENT.redirect_uri)
    return "accepted"


def fuzz_tokens(answer: HttpResponse, profile: str) -> str:
    found = parse_tokens(answer, profile)
    if isinstance(found, TokenError):
        assert CANARY not in found.code
        return "a no"
    assert isinstance(found, TokenResponse)
    header = f"Bearer {found.access_token.reveal()}"
    assert header.isascii()
    assert header.isprintable()
    credential = build_credential(found, EXCHANGE, MCP, "a", NOW)
    assert credential.expires_at is None or credential.expires_at > NOW
    return "accepted"


def fuzz_callback(query: str, is_iss_required: bool) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    parse_state(pairs)
    found = parse_callback(pairs, ISSUER, iss_required=is_iss_required)
    assert ("iss", ISSUER) in pairs or not (is_iss_required or any(name == "iss" for name, _ in pairs))
    if isinstance(found, AuthorizationError):
        assert CANARY not in found.code
        return "a no"
    assert isinstance(found, AuthorizationCode)
    assert found.code.reveal().isascii()
    return "accepted"


def fuzz_identity(answer: HttpResponse, keys: dict[str, Any], token: str) -> str:
    id_token = parse_identity_exchange(answer)
    for one in (id_token, Secret(token)):
        try:
            verify_id_token(one, keys, IDENTITY, "nonce", NOW)
        except RuleBroken:
            continue
        raise AssertionError("nobody signed this")
    raise RuleBroken("refused, as it must be")


Target = tuple[Callable[..., str], tuple[st.SearchStrategy[Any], ...]]
TARGETS: dict[str, Target] = {
    "challenge": (fuzz_challenges, (HEADERS, STATUSES)),
    "resource metadata": (fuzz_resource, (answers(RESOURCE),)),
    "server metadata": (
        fuzz_server,
        (answers(SERVER), st.sampled_from([Pins(), Pins(ISSUER, ("as.example.com",)), Pins(None, (), True)])),
    ),
    "registration": (fuzz_registration, (answers(REGISTRATION),)),
    "tokens": (fuzz_tokens, (answers(TOKENS), st.sampled_from(["standard", "slack"]))),
    "callback": (fuzz_callback, (QUERIES, st.booleans())),
    "identity": (fuzz_identity, (answers(IDENTITY_ANSWER), KEYS, TEXTS)),
}


def run(target: Target, inputs: int) -> Counter[str]:
    """Give a parser that many inputs; return how they ended. Any other error comes through, with its input."""
    parse, strategies = target
    ends: Counter[str] = Counter()

    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*strategies))
    def one(values: tuple[Any, ...]) -> None:
        try:
            ends[parse(*values)] += 1
        except (RuleBroken, UrlRefused, NoRegistration) as error:
            assert CANARY not in str(error) + repr(error)
            ends["refused"] += 1

    one()
    return ends


def main() -> int:
    """Run all, print how each ended, and the sum last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all targets together")
    wanted = parser.parse_args().inputs
    total, began = 0, time.monotonic()
    for name, target in TARGETS.items():
        ends = run(target, -(-wanted // len(TARGETS)))
        total += sum(ends.values())
        print(f"{name}: " + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())), flush=True)
    print(f"{total} inputs, 0 untyped errors, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
