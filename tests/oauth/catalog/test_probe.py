"""What an admin is shown of a server before it can be saved; nothing is sent that could be stolen."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.config.validation_messages import describe_unusable_service
from bot.domain.admin.add_service import describe
from oauth.catalog.probe import Probe, Prober, read_server
from oauth.catalog.probe_facts import ConnectWay, Quirk
from oauth.catalog.service import NAME
from oauth.errors import NotAnMcpServer, RuleBroken, ServiceMisbehaved, Unreachable, UrlRefused
from oauth.mcp.list_tools import ToolLister
from oauth.protocol.http_messages import HttpResponse
from oauth.protocol.url_policy import UrlPolicy
from tests.oauth.conftest import LOOPBACK


@pytest.fixture
def probing(sender):
    return Prober(sender, ToolLister(sender))


def a_document(**changes) -> HttpResponse:
    document = {
        "issuer": "https://login.example.com",
        "authorization_endpoint": "https://login.example.com/authorize",
        "token_endpoint": "https://login.example.com/token",
        "code_challenge_methods_supported": ["S256"],
        **changes,
    }
    body = json.dumps({key: value for key, value in document.items() if value is not None}).encode()
    return HttpResponse(200, (("content-type", "application/json"),), body)


async def test_a_plain_service_is_shown_as_it_is(probing, notes):
    probe = await probing.probe(notes.mcp_url)

    assert probe.told_name == "Notes"
    assert probe.server.issuer == probe.found_under == notes.url
    assert probe.endpoint_hosts == ("127.0.0.1",)
    assert probe.foreign_hosts == ()
    assert probe.scopes == ("notes:read", "notes:write")
    assert probe.ways == (ConnectWay.DYNAMIC, ConnectWay.PRE_REGISTERED)
    assert probe.quirks == ()
    assert not probe.needs_client


async def test_looking_sends_no_credential_and_registers_nothing(probing, notes):
    await probing.probe(notes.mcp_url)

    assert notes.clients == {}
    assert {visit.path for visit in notes.visits}.isdisjoint({"/register", "/authorize", "/token", "/revoke"})
    assert all("authorization" not in visit.headers for visit in notes.visits)


async def test_the_fingerprint_is_the_same_twice_and_another_for_another_server(probing, notes):
    first, again = await probing.probe(notes.mcp_url), await probing.probe(notes.mcp_url)
    notes.extra_metadata["token_endpoint"] = f"{notes.url}/elsewhere"
    moved = await probing.probe(notes.mcp_url)

    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != moved.fingerprint


@pytest.mark.threat(85)
async def test_endpoints_of_somebody_else_are_loud(probing, notes):
    """85 of docs/oauth-threats.md#h-abuse; docs/reference/oauth.md#client-binding."""
    notes.extra_metadata["authorization_endpoint"] = "https://github.com/login/oauth/authorize"

    probe = await probing.probe(notes.mcp_url)

    assert probe.foreign_hosts == ("github.com",)
    assert probe.pins.endpoint_hosts == ("127.0.0.1", "github.com")


async def test_an_issuer_that_differs_is_a_quirk_and_becomes_a_pin(probing, notes):
    notes.metadata_issuer = f"{notes.url}/other"

    probe = await probing.probe(notes.mcp_url)

    assert probe.quirks == (Quirk.ISSUER_DIFFERS,)
    assert (probe.found_under, probe.pins.trusted_issuer) == (notes.url, f"{notes.url}/other")


async def test_pkce_unadvertised_is_a_quirk_but_pkce_without_s256_is_refused(probing, notes):
    notes.pkce_methods = None
    probe = await probing.probe(notes.mcp_url)
    assert probe.quirks == (Quirk.PKCE_UNADVERTISED,)
    assert probe.pins.pkce_unadvertised_ok

    notes.pkce_methods = ["plain"]
    with pytest.raises(ServiceMisbehaved) as caught:
        await probing.probe(notes.mcp_url)
    assert (caught.value.service, caught.value.step) == ("127.0.0.1", "metadata")


async def test_a_resource_that_is_the_origin_is_a_quirk(probing, notes):
    notes.resource_metadata = "origin"

    assert (await probing.probe(notes.mcp_url)).quirks == (Quirk.RESOURCE_IS_WIDER,)


async def test_a_server_that_answers_without_a_token_says_so(probing, notes):
    notes.open_initialize = True

    probe = await probing.probe(notes.mcp_url)

    assert probe.quirks == (Quirk.OPEN_WITHOUT_TOKEN,)
    assert "delete_note" in [tool.name for tool in probe.tools]


async def test_a_server_that_lists_its_tools_to_members_only_is_shown_without(probing, notes):
    assert (await probing.probe(notes.mcp_url)).tools is None


async def test_without_registration_a_client_is_needed(probing, notes):
    notes.no_registration = True

    probe = await probing.probe(notes.mcp_url)

    assert probe.ways == (ConnectWay.PRE_REGISTERED,)
    assert probe.needs_client


async def test_without_metadata_only_a_token_leads_in(probing, notes):
    notes.resource_metadata = "missing"

    probe = await probing.probe(notes.mcp_url)

    assert (probe.resource, probe.server, probe.ways) == (None, None, (ConnectWay.TOKEN,))
    assert probe.endpoint_hosts == probe.foreign_hosts == ()
    assert probe.pins.trusted_issuer is None


@pytest.mark.parametrize("kind", ["other_origin", "no_servers", "no_resource"])
async def test_what_no_pin_can_mend_is_refused(probing, notes, kind):
    notes.resource_metadata = kind

    with pytest.raises(ServiceMisbehaved) as caught:
        await probing.probe(notes.mcp_url)
    assert caught.value.step == "discovery"


async def test_a_server_without_metadata_is_refused(probing, notes):
    notes.broken["/.well-known/oauth-authorization-server"] = "html"

    with pytest.raises(ServiceMisbehaved):
        await probing.probe(notes.mcp_url)


@pytest.mark.parametrize(
    "url", ["http://notes.example/mcp", "https://169.254.169.254/mcp", "javascript:alert(1)", "https://a@notes.example"]
)
async def test_an_address_we_do_not_visit_is_refused_before_anything_is_sent(probing, url):
    with pytest.raises(UrlRefused):
        await probing.probe(url)


async def test_a_server_that_is_not_there_is_unreachable(probing):
    with pytest.raises(Unreachable):
        await probing.probe("http://127.0.0.1:9/mcp")


def test_a_server_with_a_client_document_is_joined_by_it():
    server, _ = read_server(
        a_document(client_id_metadata_document_supported=True), "https://login.example.com", UrlPolicy()
    )

    assert Probe("https://mcp.example.com/mcp", server=server).ways == (
        ConnectWay.CLIENT_DOCUMENT,
        ConnectWay.PRE_REGISTERED,
    )


def test_a_document_without_a_client_authentication_of_ours_is_refused():
    with pytest.raises(RuleBroken):
        read_server(
            a_document(token_endpoint_auth_methods_supported=["private_key_jwt"]), "https://login.example.com", LOOPBACK
        )


def test_a_false_issuer_is_named_only_if_it_is_an_address():
    with pytest.raises(UrlRefused):
        read_server(a_document(issuer="javascript:alert(1)"), "https://login.example.com", UrlPolicy())


def test_nothing_there_is_not_an_error():
    assert read_server(HttpResponse(404), "https://login.example.com", UrlPolicy()) is None


def test_a_name_that_cannot_be_shown_is_not_shown(notes):
    assert Probe("https://mcp.example.com/mcp").told_name is None


# --- what is no MCP server


@asynccontextmanager
async def a_site(*, status: int = 404, headers: dict[str, str] | None = None, body: str = "", where: str = "") -> Any:
    """Serve something that answers everything alike, or only below `where`; yield its address."""

    async def answer(request: web.Request) -> web.Response:
        is_here = request.path.startswith(where)
        return web.Response(status=status if is_here else 404, headers=headers, text=body if is_here else "")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


HTML = {"content-type": "text/html"}


@pytest.mark.fault("D5")
@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (404, {}, ""),
        (404, HTML, "<h1>Not Found</h1>"),
        (200, HTML, "<h1>Home</h1>"),
        (200, {"content-type": "application/json"}, '{"status": "ok"}'),
        (200, {"content-type": "application/json"}, '{"jsonrpc": "1.0"}'),
        (200, {"content-type": "text/event-stream"}, "data: hello\n\n"),
        (204, {}, ""),
        (403, HTML, "<h1>Forbidden</h1>"),
        (405, {"allow": "GET"}, ""),
        (401, {"www-authenticate": 'Basic realm="intranet"'}, ""),
        (401, {"content-type": "application/json"}, '{"error": "invalid_client"}'),
        (302, {"location": "https://login.example.com/"}, ""),
        (500, {}, "oops"),
    ],
)
async def test_what_is_no_mcp_server_is_not_offered_as_one(probing, status, headers, body):
    async with a_site(status=status, headers=headers, body=body) as url:
        with pytest.raises(NotAnMcpServer) as caught:
            await probing.probe(f"{url}/mcp")

    assert (caught.value.host, caught.value.status, caught.value.moved_to) == ("127.0.0.1", status, "")
    assert describe_unusable_service(caught.value) == f"This doesn't answer like an MCP server ({status})."


@pytest.mark.fault("D5")
@pytest.mark.parametrize(
    "path", ["", "/", "/authorize", "/token", "/account", "/.well-known/oauth-authorization-server"]
)
async def test_other_addresses_of_a_service_are_not_offered_as_one(probing, notes, path):
    with pytest.raises(NotAnMcpServer):
        await probing.probe(f"{notes.url}{path}")


@pytest.mark.fault("D5")
async def test_where_a_server_sends_on_to_itself_is_said(probing, notes):
    async with a_site(status=307, headers={"location": "/mcp/"}) as url:
        with pytest.raises(NotAnMcpServer) as caught:
            await probing.probe(f"{url}/mcp")

    assert describe_unusable_service(caught.value).endswith(f"It redirects to {url}/mcp/: try that.")


async def test_a_server_that_only_asks_for_a_token_is_one(probing):
    async with a_site(status=401, where="/mcp") as url:
        assert (await probing.probe(f"{url}/mcp")).ways == (ConnectWay.TOKEN,)


async def test_an_open_server_without_metadata_is_one(probing, notes):
    notes.open_initialize, notes.resource_metadata = True, "missing"

    probe = await probing.probe(notes.mcp_url)

    assert probe.ways == (ConnectWay.TOKEN,)
    assert probe.quirks == (Quirk.OPEN_WITHOUT_TOKEN,)
    assert probe.tools


@pytest.mark.fault("D5")
@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("mcp.notion.com", "notion"),
        ("notes.example.co.uk", "example"),
        ("somebody.workers.dev", "somebody"),
        ("localhost", "localhost"),
        ("127.0.0.1", "server-127-0-0-1"),
        ("192.0.2.7", "server-192-0-2-7"),
        ("[2001:db8::1]", "server"),
        ("xn--mnchen-3ya.de", "xnmnchen3ya"),
    ],
)
def test_a_short_name_is_the_one_that_was_registered(host, name):
    shown = describe(Probe(f"https://{host}/mcp"))

    assert shown.name == name
    assert NAME.fullmatch(name)
