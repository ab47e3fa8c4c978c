"""Errors of the SDK become ours: the right class, a code, and not a word of the API."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from anthropic import APIConnectionError, APIStatusError

from bot.agents.client import open_client, status_of, translate_error
from bot.agents.sessions import SessionsApi
from bot.model.errors import AgentsRejected, AgentsUnavailable, SessionLost
from store.records import Secret

PROSE = "canary-prose vlt_secret"
REQUEST = httpx2.Request("GET", "https://api.example/v1/sessions/sesn_1")


def refused(status: int, kind: str = "invalid_request_error", message: str = PROSE, code: str | None = None, **headers):
    body = {"type": "error", "error": {"type": kind, "message": message, "details": {"error_code": code}}}
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    return APIStatusError(message, response=response, body=body)


@pytest.mark.parametrize("status", [200, 408, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_an_outage(status) -> None:
    ours = translate_error(refused(status), in_session=True)

    assert type(ours) is AgentsUnavailable


ENDLESS = [("86400", 60.0), ("1e99", 60.0), ("inf", 60.0), ("nan", 0.0)]
"""What would have a turn wait for a day, or for ever."""


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("Mon, 23 Nov 2026 12:00:00 GMT", None), *ENDLESS]
)
def test_how_long_to_wait_is_passed_on(header, seconds) -> None:
    ours = translate_error(refused(429, **{"retry-after": header}), in_session=False)

    assert ours.retry_after == seconds


def test_no_connection_is_an_outage() -> None:
    ours = translate_error(APIConnectionError(request=REQUEST), in_session=True)

    assert type(ours) is AgentsUnavailable
    assert type(translate_error(httpx2.ReadError("x"), in_session=True)) is AgentsUnavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refused(400), "invalid_request_error"),
        (refused(400, code="invalid_metadata"), "invalid_metadata"),
        (refused(400, code=PROSE), "invalid_request_error"),
        (refused(403, kind=PROSE), "http_403"),
        (refused(402, kind="billing_error"), "billing_error"),
        (refused(400, message="x: waiting on responses to events [sevt_1]; only …"), "waiting"),
        (refused(307, kind=""), "http_307"),
    ],
    ids=["type", "code", "prose as code", "prose as type", "billing", "waiting", "redirect"],
)
def test_a_refusal_carries_a_code_and_nothing_else(error, code) -> None:
    ours = translate_error(error, in_session=True)

    assert isinstance(ours, AgentsRejected)
    assert ours.code == code
    assert PROSE not in f"{ours!r} {ours} {vars(ours)}"


@pytest.mark.parametrize(
    "error",
    [
        refused(404),
        refused(400, message="Cannot send events to archived session: sesn_1"),
        refused(409, message="x: cannot send events to archived session"),
    ],
    ids=["404", "400", "409"],
)
def test_a_dead_session_is_lost(error) -> None:
    assert type(translate_error(error, in_session=True)) is SessionLost


def test_a_404_of_something_else_is_a_refusal() -> None:
    assert type(translate_error(refused(404), in_session=False)) is AgentsRejected


def test_another_400_does_not_lose_the_session() -> None:
    assert type(translate_error(refused(400), in_session=True)) is AgentsRejected


def test_the_status_behind_a_refusal_is_known() -> None:
    ours = AgentsRejected("x")
    ours.__cause__ = refused(409)

    assert status_of(ours) == 409
    assert status_of(AgentsUnavailable()) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\n<html></>",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{no json}",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
        b"nonsense\r\n\r\n",
    ],
    ids=["html", "no json", "cut", "no http"],
)
async def test_an_answer_that_is_none_is_an_outage(answer) -> None:
    async def serve(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, open_client(api_key=Secret("key"), base_url=url, max_retries=0) as client:
        with pytest.raises(AgentsUnavailable):
            await SessionsApi(client).vaults("sesn_1")


async def test_a_redirect_is_not_followed() -> None:
    """A credential in a body must reach the address that was configured, no other."""
    reached = []

    async def serve(reader, writer) -> None:
        reached.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, open_client(api_key=Secret("key"), base_url=url, max_retries=0) as client:
        with pytest.raises(AgentsRejected):
            await SessionsApi(client).vaults("sesn_1")

    assert len(reached) == 1
