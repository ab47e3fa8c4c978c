"""Discovery, registration and revocation against a scripted server: who is asked, in which order, how often."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from oauth.catalog.service import Service
from oauth.connect.service_client import ServiceClient
from oauth.errors import NoRegistration, ServiceDeclined, ServiceMisbehaved
from oauth.protocol.authorization import build_authorization_url
from oauth.protocol.discovery import Pins
from oauth.protocol.registration import PreRegistered
from oauth.protocol.tokens import CodeExchange, TokenResponse
from store.records import Secret, ServiceName

PRM = "/.well-known/oauth-protected-resource/mcp"
OAUTH = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
CHALLENGE = {"www-authenticate": "Bearer"}


@dataclass
class Scripted:
    """A server that answers each path as it was told to, with 404 else, and keeps what it was asked."""

    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.path))
        self.bodies.append(body)
        status, document = self.answers.get(request.path, (404, {}))
        if callable(document):
            status, document = document(body)
        text = document if isinstance(document, str) else json.dumps(document)
        kind = "text/html" if isinstance(document, str) else "application/json"
        return web.Response(
            status=status,
            text=text,
            content_type=kind,
            headers=self.headers.get(request.path) if status == 401 else None,
        )

    def says(self, path: str, document: Any, status: int = 200) -> None:
        self.answers[path] = (status, document)

    def metadata(self, **changes: Any) -> dict[str, Any]:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "code_challenge_methods_supported": ["S256"],
        }
        return {**document, **changes}

    def is_whole(self) -> None:
        """An MCP server and its authorization server in one, that register whoever asks."""
        made: list[str] = []

        def register(_body: str) -> tuple[int, dict[str, str]]:
            made.append(f"client-{len(made) + 1}-{self.url.rpartition(':')[2]}")
            return 201, {"client_id": made[-1]}

        self.answers["/mcp"] = (401, {})
        self.headers["/mcp"] = CHALLENGE
        self.says(PRM, {"resource": f"{self.url}/mcp", "authorization_servers": [self.url]})
        self.says(OAUTH, self.metadata())
        self.says("/register", register)

    def times(self, path: str) -> int:
        return sum(asked == path for _, asked in self.asked)


async def _running() -> tuple[Scripted, web.AppRunner]:
    scripted = Scripted()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", scripted.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    scripted.is_whole()
    return scripted, runner


@pytest.fixture
async def server(clock) -> AsyncIterator[Scripted]:
    scripted, runner = await _running()
    yield scripted
    await runner.cleanup()


@pytest.fixture
async def other(clock) -> AsyncIterator[Scripted]:
    scripted, runner = await _running()
    yield scripted
    await runner.cleanup()


@pytest.fixture
def servers(sender, database) -> ServiceClient:
    return ServiceClient(sender=sender, database=database, base_url="http://127.0.0.1:9")


@pytest.fixture
def service(server: Scripted) -> Service:
    return Service(ServiceName("x"), "X", f"{server.url}/mcp", None)


def exchange_at(server: Scripted, **changes: Any) -> CodeExchange:
    exchange = CodeExchange(
        f"{server.url}/token",
        "c",
        None,
        "none",
        "http://127.0.0.1:9/oauth/callback/x",
        f"{server.url}/mcp",
        Secret("v"),
    )
    return replace(exchange, **changes)


# --- discovery (docs/oauth-threats.md#b-discovery)


async def test_a_challenge_may_come_to_a_message_of_the_new_revision_only(server, servers, service, clock):
    """MCP 2026-07-28 knows no `initialize`; its servers answer it with 400."""

    def answer(body: str) -> tuple[int, Any]:
        return (401, {}) if json.loads(body)["method"] == "tools/list" else (400, {})

    server.says("/mcp", answer)
    server.headers["/mcp"] = {"www-authenticate": f'Bearer scope="narrow", resource_metadata="{server.url}/elsewhere"'}
    server.says("/elsewhere", {**server.answers[PRM][1], "scopes_supported": ["wide"]})

    prepared = await servers.prepare(service, clock.now())

    assert prepared.ask.scope == "narrow"
    assert server.times(PRM) == 0


@pytest.mark.threat(20)
async def test_a_server_that_never_says_401_is_found_by_its_well_known(server, servers, service, clock):
    server.says("/mcp", {})

    assert (await servers.prepare(service, clock.now())).server.issuer == server.url


@pytest.mark.threat(23)
async def test_metadata_on_another_host_counts_if_it_is_about_this_server(server, other, servers, service, clock):
    server.headers["/mcp"] = {"www-authenticate": f'Bearer resource_metadata="{other.url}/about"'}
    other.says("/about", {"resource": f"{server.url}/mcp", "authorization_servers": [other.url]})

    assert (await servers.prepare(service, clock.now())).server.issuer == other.url

    other.says("/about", {"resource": f"{other.url}/mcp", "authorization_servers": [other.url]})
    with pytest.raises(ServiceMisbehaved):
        await servers.prepare(service, clock.now())


@pytest.mark.threat(27)
async def test_the_next_place_is_asked_after_a_404_only(server, servers, service, clock):
    document = server.answers.pop(OAUTH)[1]
    server.says(OPENID, document)

    assert (await servers.prepare(service, clock.now())).server.issuer == server.url
    assert [path for _, path in server.asked if path in (OAUTH, OPENID)] == [OAUTH, OPENID]


@pytest.mark.threat(13, 27)
@pytest.mark.parametrize(
    "answer",
    [(500, {}), (302, {}), (200, "<html>"), (200, {"issuer": "https://evil.example"}), (200, [])],
)
async def test_after_a_broken_rule_nobody_else_is_asked(server, servers, service, clock, answer):
    server.says(OPENID, server.answers[OAUTH][1])
    server.answers[OAUTH] = answer

    with pytest.raises(ServiceMisbehaved):
        await servers.prepare(service, clock.now())

    assert server.times(OPENID) == 0
    assert server.times("/register") == 0


@pytest.mark.threat(25)
async def test_of_several_issuers_the_first_with_metadata_is_taken(server, other, servers, service, clock):
    issuers = [f"{server.url}/nobody", other.url, server.url]
    server.says(PRM, {"resource": f"{server.url}/mcp", "authorization_servers": issuers})

    assert (await servers.prepare(service, clock.now())).server.issuer == other.url


@pytest.mark.threat(25)
async def test_an_issuer_that_breaks_a_rule_is_not_passed_over(server, other, servers, service, clock):
    server.says(PRM, {"resource": f"{server.url}/mcp", "authorization_servers": [other.url, server.url]})
    other.says(OAUTH, other.metadata(code_challenge_methods_supported=["plain"]))

    with pytest.raises(ServiceMisbehaved):
        await servers.prepare(service, clock.now())


async def test_a_pinned_issuer_is_preferred_to_what_comes_first(server, other, servers, service, clock):
    server.says(PRM, {"resource": f"{server.url}/mcp", "authorization_servers": [other.url, server.url]})
    pinned = replace(service, pins=Pins(server.url, ("127.0.0.1",)))

    assert (await servers.prepare(pinned, clock.now())).server.issuer == server.url
    assert other.asked == []


async def test_issuers_without_any_metadata_lead_nowhere(server, servers, service, clock):
    del server.answers[OAUTH]

    with pytest.raises(ServiceMisbehaved):
        await servers.prepare(service, clock.now())


async def test_a_resource_other_than_the_pinned_one_is_refused(server, servers, service, clock):
    with pytest.raises(ServiceMisbehaved):
        await servers.prepare(replace(service, resource=server.url), clock.now())


# --- registration (docs/oauth-threats.md#c-registration)


@pytest.mark.threat(31)
async def test_a_new_issuer_gets_a_new_registration_and_nothing_of_the_old_one(server, other, servers, service, clock):
    first = await servers.prepare(service, clock.now())
    server.says(PRM, {"resource": f"{server.url}/mcp", "authorization_servers": [other.url]})
    second = await servers.prepare(service, clock.now())
    server.says(PRM, {"resource": f"{server.url}/mcp", "authorization_servers": [server.url]})
    third = await servers.prepare(service, clock.now())

    assert first.registration.client_id != second.registration.client_id
    assert second.registration.issuer == other.url
    assert third.registration == first.registration
    assert (server.times("/register"), other.times("/register")) == (1, 1)
    assert not [body for body in other.bodies if first.registration.client_id in body]


async def test_a_configured_client_needs_no_registration(server, servers, service, clock):
    configured = replace(service, client=PreRegistered("ours"), pins=Pins(server.url, ("127.0.0.1",)))

    assert (await servers.prepare(configured, clock.now())).registration.client_id == "ours"
    assert server.times("/register") == 0


@pytest.mark.threat(32)
@pytest.mark.parametrize("claimed", [None, "https://real.example"])
async def test_a_server_that_names_anothers_issuer_does_not_get_the_configured_client(
    server, other, servers, service, clock, *, claimed
):
    """The evil server names the real one's, whose client we are (docs/reference/oauth.md#client-binding)."""
    configured = replace(
        service,
        client=PreRegistered("ours", Secret("canary")),
        pins=Pins("https://real.example", ("real.example",)),
    )
    server.says(PRM, {"resource": f"{server.url}/mcp", "authorization_servers": [other.url]})
    other.says(OAUTH, other.metadata(issuer=claimed or other.url))

    with pytest.raises(ServiceMisbehaved):
        await servers.prepare(configured, clock.now())

    assert not [body for body in server.bodies + other.bodies if "ours" in body or "canary" in body]


@pytest.mark.threat(37)
@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": "invalid_redirect_uri"}),
        (422, {}),
        (429, {}),
        (500, {}),
        (201, "<html>"),
        (200, {"client_id": ""}),
    ],
)
async def test_a_refused_registration_is_not_tried_twice(server, servers, service, clock, answer):
    server.answers["/register"] = answer

    with pytest.raises(ServiceMisbehaved) as caught:
        await servers.prepare(service, clock.now())

    assert caught.value.step == "registration"
    assert server.times("/register") == 1


@pytest.mark.threat(34)
async def test_without_a_way_to_register_the_admin_is_asked(server, servers, service, clock):
    server.says(OAUTH, server.metadata(registration_endpoint=None))

    with pytest.raises(NoRegistration):
        await servers.prepare(service, clock.now())

    assert server.times("/register") == 0


@pytest.mark.threat(39)
async def test_a_registration_serves_a_week_and_then_a_new_one(server, servers, service, clock):
    first = await servers.prepare(service, clock.now())
    again = await servers.prepare(service, clock.now() + timedelta(days=6))
    later = await servers.prepare(service, clock.now() + timedelta(days=7))

    assert again.registration == first.registration
    assert later.registration.client_id != first.registration.client_id


@pytest.mark.threat(40)
async def test_of_two_first_registrations_at_once_both_use_one(server, servers, service, clock):
    one, two = await asyncio.gather(servers.prepare(service, clock.now()), servers.prepare(service, clock.now()))

    assert one.registration == two.registration
    assert server.times("/register") == 2


@pytest.mark.threat(40)
async def test_we_register_as_a_web_client_for_all_that_the_resource_knows(server, servers, service, clock):
    server.says(PRM, {**server.answers[PRM][1], "scopes_supported": ["a", "b"]})
    server.headers["/mcp"] = {"www-authenticate": 'Bearer scope="a"'}

    prepared = await servers.prepare(service, clock.now())

    [sent] = [json.loads(body) for body in server.bodies if "redirect_uris" in body]
    assert (sent["application_type"], sent["scope"], prepared.ask.scope) == ("web", "a b", "a")
    assert "refresh_token" in sent["grant_types"]


@pytest.mark.threat(86)
async def test_a_pinned_scope_is_all_that_is_registered_and_asked(server, servers, service, clock):
    server.says(PRM, {**server.answers[PRM][1], "scopes_supported": ["delete_repo", "repo"]})

    prepared = await servers.prepare(replace(service, scopes=("repo",)), clock.now())

    [sent] = [json.loads(body) for body in server.bodies if "redirect_uris" in body]
    assert (sent["scope"], prepared.ask.scope) == ("repo", "repo")


@pytest.mark.threat(87)
async def test_what_a_service_wants_on_top_is_in_the_request(server, servers, service, clock):
    """Google gives a refresh token only so (docs/reference/oauth.md#token-responses)."""
    google = replace(service, authorize_params={"access_type": "offline", "prompt": "consent"})

    prepared = await servers.prepare(google, clock.now())
    url = build_authorization_url(prepared.server, prepared.ask, "s", Secret("v"))

    assert "access_type=offline" in url
    assert "prompt=consent" in url


# --- whose a token is


@pytest.mark.fault("S23")
async def test_an_account_that_is_not_told_in_time_is_not_waited_for(sender, database, service):
    held = TokenResponse(Secret("canary-at"), None, None, None)
    servers = ServiceClient(sender=sender, database=database, base_url="http://127.0.0.1:9", userinfo_seconds=0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/userinfo"

        assert await servers.ask_account(service, held, endpoint) == held


@pytest.mark.fault("S23")
@pytest.mark.parametrize("why", ["unreachable", "refused", "misbehaving"])
async def test_why_an_account_is_unknown_is_logged_without_anything_of_it(server, servers, service, why):
    server.says("/userinfo", {"sub": "", "email": "canary@acme.example"})
    endpoints = {"unreachable": "http://127.0.0.1:9/canary", "refused": "https://10.0.0.1/canary#x"}
    held = TokenResponse(Secret("canary-at"), None, None, None)

    with capture_logs() as lines:
        unknown = await servers.ask_account(service, held, endpoints.get(why, f"{server.url}/userinfo"))

    assert unknown == held
    [line] = lines
    assert (line["event"], line["service"]) == ("account.not_told", "x")
    assert "canary" not in str(lines)


# --- tokens and revocation (docs/oauth-threats.md#f-token-response and #g-vault)


@pytest.mark.threat(14)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_of_the_token_endpoint_gets_no_second_code(server, other, servers, service, status):
    server.says("/token", {}, status)

    with pytest.raises(ServiceMisbehaved):
        await servers.exchange(service, server.url, exchange_at(server), Secret("canary-code"))

    assert (server.times("/token"), other.asked) == (1, [])


@pytest.mark.threat(39)
@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_grant"])
async def test_a_refusal_of_the_client_drops_it_and_of_the_code_does_not(server, servers, service, clock, code):
    registered = (await servers.prepare(service, clock.now())).registration
    server.says("/token", {"error": code}, 400)

    with pytest.raises(ServiceDeclined):
        await servers.exchange(
            service, server.url, exchange_at(server, client_id=registered.client_id), Secret("canary-code")
        )
    await servers.prepare(service, clock.now())

    assert server.times("/register") == (1 if code == "invalid_grant" else 2)
    assert server.times("/token") == 1


@pytest.mark.threat(80)
@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        ((None, 200), (False, 0)),
        (("/revoke", 200), (True, 2)),
        (("/revoke", 500), (False, 2)),
        (("/token", 200), (True, 2)),
    ],
)
async def test_what_is_not_kept_is_revoked_where_the_server_offers_it(server, servers, service, offer, expected):
    endpoint, status = offer
    server.says(OAUTH, server.metadata(revocation_endpoint=endpoint and f"{server.url}{endpoint}"))
    server.says("/revoke", {}, status)
    server.says("/token", {})

    held = TokenResponse(Secret("at"), Secret("rt"), None, None)

    is_done = await servers.revoke(service, exchange_at(server), held)

    assert (is_done, server.times(endpoint or "/revoke")) == expected


@pytest.mark.threat(80)
async def test_tokens_are_revoked_at_the_server_that_gave_them_only(server, other, servers, service):
    server.says(OAUTH, server.metadata(revocation_endpoint=f"{server.url}/revoke"))

    held = TokenResponse(Secret("at"), None, None, None)

    assert not await servers.revoke(service, exchange_at(other), held)
    assert server.times("/revoke") == 0


async def test_a_revocation_endpoint_out_of_reach_is_no_revocation(server, servers, service):
    server.says(OAUTH, server.metadata(revocation_endpoint="http://127.0.0.1:9/revoke"))

    assert not await servers.revoke(service, exchange_at(server), TokenResponse(Secret("at"), None, None, None))


async def test_a_server_that_is_gone_does_not_hide_why_the_attempt_failed(server, servers, service):
    server.answers.clear()

    assert not await servers.revoke(service, exchange_at(server), TokenResponse(Secret("at"), None, None, None))
