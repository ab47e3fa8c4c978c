"""The web app's own guards, on a real server: sizes while reading, time for heads, room for connections, headers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.domain.supervisor import Supervisor
from bot.model.errors import Forged
from bot.web.asgi import build_web
from bot.web.connection_limits import ConnectionLimits
from bot.web.front import Front
from bot.web.request_body import BodyRefused, read_body
from bot.web.security_headers import Secured
from bot.web.server import build_server, listening
from bot.web.webhooks import PATH, build_route
from simulator.patience import patience

NEVER = 3_600.0
HEAD = b"GET /healthz HTTP/1.1\r\nhost: deputy.example\r\n"


@dataclass
class Served:
    """A running server."""

    port: int
    taken: list[bytes] = field(default_factory=list)
    open: Callable[[], None] = lambda: None
    """Ends the start, where `serving` began with it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def broken(_: Request) -> PlainTextResponse:
    raise RuntimeError("on purpose")


@asynccontextmanager
async def serving(
    entrance: ConnectionLimits | None = None,
    *,
    is_https: bool = False,
    waits_for: str | None = None,
    is_well: bool = True,
) -> AsyncIterator[Served]:
    """Serve; with `waits_for`, as Deputy does while it starts."""
    made = Served(0)

    async def take(body: bytes, _: object) -> None:
        made.taken.append(body)
        raise Forged

    async def health() -> dict[str, bool]:
        return {"database": is_well}

    app = build_web(
        pages=[build_route(take), Route("/broken", broken), Route("/page/{name}", broken, methods=["POST"])],
        bolt=None,
        health=health,
        registry=CollectorRegistry(),
        new_reference=lambda: "ABCD1234",
        on_bad_signature=lambda: None,
    )
    front = Front()
    front.waits_for = waits_for
    made.open = partial(front.open, app)
    if waits_for is None:
        made.open()
    with listening("127.0.0.1", 0) as sock:
        made.port = sock.getsockname()[1]
        server = build_server(Secured(front, is_https=is_https), entrance)
        async with Supervisor.beside(partial(server.run_at, sock)):
            try:
                yield made
            finally:
                await server.end()


async def send(served: Served, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(data)
    await writer.drain()
    return reader, writer


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Return what came before the server closed."""
    said = b""
    async with patience():
        try:
            while piece := await reader.read(65536):
                said += piece
        except ConnectionError:
            pass
    return said


@pytest.mark.fault("S14")
@pytest.mark.parametrize("data", [b"", HEAD[:10], HEAD, HEAD + b"x-more: 1\r\n"], ids=len)
async def test_a_head_that_does_not_come_in_time_ends_its_connection(data):
    async with serving(ConnectionLimits(head_seconds=0.05)) as served:
        reader, writer = await send(served, data)

        assert await until_closed(reader) == b""
        writer.close()


@pytest.mark.fault("S14")
async def test_a_second_head_has_its_time_too_and_an_answered_body_is_not_waited_for():
    async with serving(ConnectionLimits(head_seconds=0.05)) as served:
        again, one = await send(served, HEAD + b"\r\n" + HEAD)
        body, other = await send(served, HEAD + b"content-length: 100\r\n\r\nx")

        assert (await until_closed(again)).count(b"200 OK") == 1
        assert (await until_closed(body)).count(b"200 OK") == 1
        one.close()
        other.close()


@pytest.mark.fault("S14", "C7")
async def test_silent_connections_keep_nobody_out():
    async with serving(ConnectionLimits(head_seconds=NEVER, most=20)) as served:
        silent = [await send(served, HEAD) for _ in range(60)]
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{served.url}/healthz")).status_code == 200

        said = [await until_closed(reader) for reader, _ in silent[:39]]
        assert set(said) == {b""}
        for _, writer in silent:
            writer.close()


@pytest.mark.fault("S14", "C7")
async def test_an_endless_body_of_chunks_is_cut_off_unread():
    async with serving() as served:
        head = f"POST {PATH} HTTP/1.1\r\nhost: d\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        reader, writer = await send(served, head)
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        async with patience():
            for _ in range(6):
                writer.write(chunk)
            await writer.drain()
            status = await reader.readline()

        assert status == b"HTTP/1.1 413 \r\n" or b" 413 " in status
        assert served.taken == []
        writer.close()


@pytest.mark.fault("S14")
@pytest.mark.parametrize("length", ["1000001", "9" * 5_000, "-1", "\u0661", "1e3", ""])
async def test_a_length_that_is_too_much_or_none_is_refused_before_reading(length):
    async def never() -> dict[str, object]:
        raise AssertionError("read")

    scope = {"type": "http", "headers": [(b"content-length", length.encode("latin-1", "replace"))]}
    with pytest.raises(BodyRefused) as caught:
        await read_body(Request(scope, never), 1_000_000)
    assert caught.value.status == 413


@pytest.mark.fault("S14")
async def test_a_body_that_does_not_come_is_not_waited_for():
    async def silence() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    with pytest.raises(BodyRefused) as caught:
        await read_body(Request({"type": "http", "headers": []}, silence), 10, seconds=0.01)
    assert caught.value.status == 408


@pytest.mark.fault("S23", "C8")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("GET", "/livez", 200),
        ("GET", "/metrics", 200),
        ("GET", "/nothing", 404),
        ("POST", "/healthz", 405),
        ("OPTIONS", "/healthz", 405),
        ("GET", "/healthz/", 404),
        ("POST", PATH, 401),
        ("GET", "/broken", 500),
    ],
)
async def test_every_answer_carries_the_security_headers(method, path, status):
    async with serving(is_https=True) as served, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, f"{served.url}{path}")

    assert answer.status_code == status
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "server" not in answer.headers


@pytest.mark.fault("S23")
@pytest.mark.parametrize("sent", [b"this is no http\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"])
async def test_what_is_no_http_is_answered_with_the_security_headers_too(sent):
    async with serving(is_https=True) as served:
        reader, writer = await asyncio.open_connection(*served.url.removeprefix("http://").split(":"))
        writer.write(sent)
        answer = (await reader.read()).decode().lower()
        writer.close()

    assert answer.startswith("http/1.1 400 ")
    assert "x-content-type-options: nosniff" in answer
    assert "content-security-policy: default-src 'none'" in answer
    assert "strict-transport-security: max-age=31536000" in answer


@pytest.mark.fault("S23", "C9")
@pytest.mark.parametrize("path", ["/healthz/", "/page/x/", "//healthz"])
async def test_nothing_sends_on_to_an_address_that_is_made_of_the_host(path):
    async with serving() as served, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{served.url}{path}", headers={"host": "evil.example"})

    assert "location" not in answer.headers
    assert "evil.example" not in answer.text


@pytest.mark.fault("S23", "C8")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 503),
        ("HEAD", "/healthz", 503),
        ("GET", "/livez", 200),
        ("HEAD", "/livez", 200),
        ("GET", "/metrics", 503),
        ("POST", "/slack/events", 503),
        ("POST", PATH, 503),
        ("GET", "/connect/canary-ticket", 503),
        ("OPTIONS", "/nothing", 503),
    ],
)
async def test_while_deputy_starts_every_path_says_come_again_with_the_security_headers(method, path, status):
    async with serving(is_https=True, waits_for="database") as served, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, f"{served.url}{path}", content=b"x" * 100_000 if method == "POST" else None)

    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "canary" not in answer.text
    assert served.taken == []


@pytest.mark.fault("S23")
async def test_health_says_what_the_start_waits_for_and_the_connection_outlives_it():
    async with serving(waits_for="database") as served, httpx.AsyncClient(trust_env=False) as http:
        before = await http.get(f"{served.url}/healthz")
        stream = before.extensions["network_stream"]
        served.open()
        after = await http.get(f"{served.url}/healthz")

    assert (before.status_code, before.json()) == (503, {"starting": True, "waits_for": "database"})
    assert (after.status_code, after.json()) == (200, {"database": True})
    assert after.extensions["network_stream"] is stream


async def test_deputy_that_is_not_well_lives_all_the_same():
    """A probe of life that failed would have it started again, and nothing was better for that."""
    async with serving(is_well=False) as served, httpx.AsyncClient(trust_env=False) as http:
        health, answer = await http.get(f"{served.url}/healthz"), await http.get(f"{served.url}/livez")

    assert (health.status_code, health.json()) == (503, {"database": False})
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


def test_the_door_takes_a_free_port():
    with listening("127.0.0.1", 0) as sock:
        assert isinstance(sock, socket.socket)
