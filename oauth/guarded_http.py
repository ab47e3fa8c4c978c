"""The only sender of requests to services: limits URLs, addresses, size and time.

It never follows a redirect and never takes a proxy from the environment (docs/reference/oauth.md#guarded-requests).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import TracebackType
from typing import Self

import httpcore
import httpx

from oauth.errors import Unreachable
from oauth.protocol.http_messages import HttpRequest, HttpResponse
from oauth.protocol.url_policy import UrlPolicy, is_allowed_address, require_url

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
# A read timeout starts anew with each byte, so only a total ends an answer that trickles.
TOTAL_SECONDS = 20.0
# Bytes. Metadata and token responses are a few thousand; no service has a reason to send more.
_LARGEST = 64 * 1024
_MOST_CONNECTIONS = 20
# How long a connection that is not used stays open for the next request.
_IDLE_SECONDS = 30.0


@cache  # reading the certificates is slow, and every sender can share them
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


class GuardedSender:
    """A pool of connections to public https servers; an async context manager, one per process."""

    def __init__(
        self, policy: UrlPolicy, *, verify: ssl.SSLContext | None = None, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._policy = policy
        self._total_seconds = total_seconds
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(policy, verify or _trusted()),
            timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
            # A redirect would carry a code or token to a host that no policy has judged.
            follow_redirects=False,
            # A proxy resolves names itself, so the address that we vetted would not be the one that is dialled.
            trust_env=False,
        )

    @property
    def policy(self) -> UrlPolicy:
        """What this sender may talk to."""
        return self._policy

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once and return the response, redirects and errors included.

        Raises `UrlRefused` for a URL against the policy, `Unreachable` where no complete response came.
        Never retries: the first attempt may have spent a code (RFC 6749 §4.1.2).
        """
        url = require_url(request.url, self._policy)
        with _translated():
            async with asyncio.timeout(self._total_seconds):
                return await self._exchange(request, url)

    @asynccontextmanager
    async def open(self, request: HttpRequest) -> AsyncIterator[tuple[HttpResponse, AsyncIterator[bytes]]]:
        """Send once; yield the response's status and headers, and its body in chunks while the block lasts.

        For what may be an event stream: the caller limits time and bytes. Raises as `send` does, also
        while the chunks are read.
        """
        url = require_url(request.url, self._policy)
        with _translated():
            async with self._stream(request, url) as response:
                yield HttpResponse(response.status_code, _headers(response)), _pieces(response)

    async def _exchange(self, request: HttpRequest, url: str) -> HttpResponse:
        async with self._stream(request, url) as response:
            body = await _read(response) if request.wants_body else b""
            return HttpResponse(response.status_code, _headers(response), body)

    @asynccontextmanager
    async def _stream(self, request: HttpRequest, url: str) -> AsyncIterator[httpx.Response]:
        # A compressed body could grow past the limit faster than its bytes are counted.
        headers = {**request.headers, "accept-encoding": "identity"}
        async with self._client.stream(request.method, url, headers=headers, content=request.body) as response:
            # All members share this client: a cookie that was set for one must not go along for the next.
            self._client.cookies.clear()
            yield response


@contextmanager
def _translated() -> Iterator[None]:
    # httpx maps httpcore's errors in its own transport only; ours lets them through, so both are caught.
    try:
        yield
    except (TimeoutError, httpx.TimeoutException, httpcore.TimeoutException) as error:
        raise Unreachable("no answer in time") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError, httpcore.ProtocolError) as error:
        # `from None`: their texts may repeat the URL, and with it a code.
        raise Unreachable(f"connection failed: {type(error).__name__}") from None


def _headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw)


async def _pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unreachable("answer is compressed although we asked for it plain")
    with _translated():
        async for piece in response.aiter_raw():
            yield piece


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in _pieces(response):
        body += piece
        if len(body) > _LARGEST:
            raise Unreachable("answer too large")
    return bytes(body)


class _GuardedTransport(httpx.AsyncBaseTransport):
    """A pool whose connections go to vetted addresses; host name, SNI and certificate stay the URL's."""

    def __init__(self, policy: UrlPolicy, context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            network_backend=_VettedNetwork(policy),
            max_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send over the pool; httpcore's errors pass untranslated."""
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        answer = await self._pool.handle_async_request(sent)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        """Close the pool with its idle connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """An httpcore response's body, behind httpx's interface."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        await self._answer.aclose()


class _VettedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name once, refuses it if any address is not allowed, and connects to an address that it vetted.

    There is no second lookup in which the name could lead to another address (DNS rebinding).
    """

    def __init__(self, policy: UrlPolicy) -> None:
        self._policy = policy
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first vetted address that answers."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in await self._vetted(host, port):
            try:
                return await self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or Unreachable("host has no address")

    async def sleep(self, seconds: float) -> None:
        """Wait, for the pool's retries (we configure none)."""
        await self._backend.sleep(seconds)

    async def _vetted(self, host: str, port: int) -> list[IPv4Address | IPv6Address]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # UnicodeError: the name cannot be encoded for DNS
            raise Unreachable("host cannot be resolved") from error
        addresses = list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
        # One bad address refuses the host: beside a public one, an attacker would only wait for that one to fail.
        if not all(is_allowed_address(address, self._policy) for address in addresses):
            raise Unreachable("host resolves to an address that is not public")
        return addresses
