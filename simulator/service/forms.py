"""Strict parsing of the form bodies of token requests."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive

Handler = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """A check failed; `response` is what the client gets."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def checked(handler: Handler) -> Handler:
    """Return the handler with `Refused` turned into its response."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return refused.response

    return answer


async def checked_form(request: Request) -> dict[str, str]:
    """Return the form; raises `Refused` for another content type, repeated members or credentials sent twice."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise Refused(oauth_error("invalid_request", "the body must be form-encoded"))
    body = (await request.body()).decode("utf-8", "replace")
    pairs = parse_qsl(body, keep_blank_values=True)
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refused(oauth_error("invalid_request", "a parameter is repeated"))
    if form.get("client_secret") and "authorization" in request.headers:
        raise Refused(oauth_error("invalid_request", "two client authentication methods"))
    return form


def add_basic_client_id(form: dict[str, str], request: Request) -> None:
    """Put the client id of a Basic header (RFC 6749 §2.3.1) into the form, where the SDK expects it."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or "client_id" in form:
        return
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return
    form["client_id"] = unquote(decoded.partition(":")[0])


def with_body(request: Request, body: bytes) -> Request:
    """Return the request with another body, for the SDK to read."""
    length = (b"content-length", str(len(body)).encode())
    headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-length"] + [length]
    return Request({**request.scope, "headers": headers}, replayed(body, request.receive))


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives this body first and then what the client really sends."""
    first = True

    async def again() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def oauth_error(error: str, description: str, status: int = 400) -> Response:
    """Return an error of the token endpoint (RFC 6749 §5.2)."""
    return JSONResponse(
        {"error": error, "error_description": description}, status, headers={"Cache-Control": "no-store"}
    )
