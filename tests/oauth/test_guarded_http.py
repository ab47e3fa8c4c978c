"""The guarded sender against real sockets.

After docs/reference/oauth.md#guarded-requests and 11 to 17 of docs/oauth-threats.md#a-urls-and-addresses.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address

import pytest

from oauth import guarded_http
from oauth.errors import Unreachable, UrlRefused
from oauth.guarded_http import GuardedSender
from oauth.protocol.http_messages import HttpRequest
from oauth.protocol.url_policy import UrlPolicy
from simulator.patience import patience

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server that says what a test wants, byte by byte, and keeps what it got."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        self.holds_open = False
        self.released = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heard.append(head)
        writer.write(self.answer)
        await writer.drain()
        if self.holds_open:
            await self.released.wait()
        writer.close()


@pytest.fixture
async def peer(no_task_left: None) -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    yield peer
    peer.released.set()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def loopback(peer: Peer) -> AsyncIterator[GuardedSender]:
    async with GuardedSender(UrlPolicy(allow_loopback=True)) as sender:
        yield sender


@pytest.fixture
async def public(peer: Peer) -> AsyncIterator[GuardedSender]:
    async with GuardedSender(UrlPolicy()) as sender:
        yield sender


async def test_an_answer_comes_back_as_plain_values(peer, loopback):
    peer.answer = b"HTTP/1.1 201 Made\r\nX-One: a\r\nx-one: b\r\ncontent-length: 2\r\n\r\nok"

    answer = await loopback.send(HttpRequest("POST", peer.url, {"accept": "x/y"}, b"body"))

    assert (answer.status, answer.body) == (201, b"ok")
    assert answer.header_values("x-one") == ("a", "b")
    assert b"accept: x/y" in peer.heard[0].lower()
    assert b"accept-encoding: identity" in peer.heard[0].lower()


@pytest.mark.threat(1)
async def test_a_url_against_the_policy_is_never_dialled(peer, public):
    with pytest.raises(UrlRefused):
        await public.send(HttpRequest("GET", peer.url))

    assert peer.heard == []


@pytest.mark.threat(9, 11)
@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:169.254.169.254"], ["64:ff9b::7f00:1"], []]
)
async def test_one_address_that_is_not_public_refuses_the_host(public, addresses):
    """The resolver is the network's, so it is the part that is faked."""
    network = guarded_http._VettedNetwork(UrlPolicy())
    asyncio.get_running_loop().getaddrinfo = resolver(addresses)

    with pytest.raises(Unreachable):
        await network.connect_tcp("mcp.example.com", 443)


async def test_a_host_without_an_address_is_said_to_be_so(public):
    network = guarded_http._VettedNetwork(UrlPolicy())
    asyncio.get_running_loop().getaddrinfo = unresolved

    with pytest.raises(Unreachable) as caught:
        await network.connect_tcp("mcp.example.com", 443)
    await network.sleep(0)

    assert caught.value.rule == "host cannot be resolved"


async def unresolved(_host: str, _port: int, **_: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "canary")


@pytest.mark.threat(12)
async def test_the_vetted_address_is_the_one_that_is_dialled(peer, loopback):
    """DNS rebinding: a second answer of the resolver is never asked for."""
    port = int(peer.url.split(":")[2].split("/")[0])
    asked = resolver(["127.0.0.1"])
    asyncio.get_running_loop().getaddrinfo = asked

    answer = await loopback.send(HttpRequest("GET", f"http://localhost:{port}/x"))

    assert answer.status == 200
    assert asked.calls == ["localhost"]
    assert b"host: localhost" in peer.heard[0].lower()


def resolver(addresses: list[str]) -> Callable[..., Awaitable[list[tuple[object, ...]]]]:
    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        if host in ("127.0.0.1", "8.8.8.8"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        getaddrinfo.calls.append(host)
        return [
            (
                socket.AF_INET6 if ip_address(one).version == 6 else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (one, port),
            )
            for one in addresses
        ]

    getaddrinfo.calls = []
    return getaddrinfo


@pytest.mark.threat(13)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_nobody_follows_it(peer, loopback, status):
    peer.answer = f"HTTP/1.1 {status} Moved\r\nlocation: {peer.url}/next\r\ncontent-length: 0\r\n\r\n".encode()

    answer = await loopback.send(HttpRequest("POST", peer.url, {}, b"code=canary"))

    assert answer.status == status
    assert len(peer.heard) == 1


@pytest.mark.threat(15)
async def test_a_large_answer_is_cut_off(peer, loopback):
    peer.answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"x" * 200_000

    with pytest.raises(Unreachable):
        await loopback.send(HttpRequest("GET", peer.url))


@pytest.mark.threat(15)
async def test_a_compressed_answer_is_refused_unread(peer, loopback):
    bomb = gzip.compress(b"0" * 5_000_000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n\r\n"
    peer.answer = head.encode() + bomb

    with pytest.raises(Unreachable):
        await loopback.send(HttpRequest("GET", peer.url))


@pytest.mark.threat(15)
async def test_a_stream_that_never_ends_is_left_after_its_headers(peer, loopback):
    peer.answer = b"HTTP/1.1 401 No\r\nwww-authenticate: Bearer a=b\r\ntransfer-encoding: chunked\r\n\r\n"
    peer.holds_open = True

    async with patience():
        answer = await loopback.send(HttpRequest("POST", peer.url, {}, b"{}", wants_body=False))

    assert answer.header_values("www-authenticate") == ("Bearer a=b",)


@pytest.mark.threat(15)
async def test_an_answer_that_takes_too_long_is_given_up(peer):
    peer.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nx"
    peer.holds_open = True

    async with GuardedSender(UrlPolicy(allow_loopback=True), total_seconds=0.05) as impatient:
        with pytest.raises(Unreachable) as caught:
            await impatient.send(HttpRequest("GET", peer.url))

    assert caught.value.rule == "no answer in time"


@pytest.mark.threat(19)
@pytest.mark.parametrize("answer", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"])
async def test_what_is_no_whole_answer_is_refused_without_its_text(peer, loopback, answer):
    peer.answer = answer

    with pytest.raises(Unreachable) as caught:
        await loopback.send(HttpRequest("GET", f"{peer.url}?code=canary"))

    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_nobody_listening_is_said_so(peer):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        async with GuardedSender(UrlPolicy(allow_loopback=True)) as sender:
            with pytest.raises(Unreachable):
                await sender.send(HttpRequest("GET", f"http://127.0.0.1:{port}/"))


@pytest.mark.threat(17)
async def test_proxies_of_the_environment_are_ignored(peer, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async with GuardedSender(UrlPolicy(allow_loopback=True)) as sender:
        assert (await sender.send(HttpRequest("GET", peer.url))).status == 200


async def test_cookies_of_a_server_are_not_given_back(peer, loopback):
    peer.answer = b"HTTP/1.1 200 OK\r\nset-cookie: a=canary\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

    await loopback.send(HttpRequest("GET", peer.url))
    await loopback.send(HttpRequest("GET", peer.url))

    assert b"cookie" not in peer.heard[1].lower()


async def test_a_certificate_that_is_not_the_hosts_is_refused(peer, loopback):
    with pytest.raises(Unreachable):
        await loopback.send(HttpRequest("GET", peer.url.replace("http://127.0.0.1", "https://localhost")))
