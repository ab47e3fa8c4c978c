"""The SDK client, and the one place that turns its exceptions into ours."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic

from bot.agents.lenient_json import Pool
from bot.model.errors import AgentsRejected, AgentsUnavailable, DeputyError, SessionLost
from store.records import Secret

TIMEOUT = httpx2.Timeout(60, connect=5)
"""Seconds for each read and write of a call, and to connect."""
# Seconds that a header may have us wait: somebody waits for the answer, and to ask sooner costs little.
LONGEST_WAIT = 60.0
RETRIES = 2
"""How often the SDK repeats a call that is safe to repeat (docs/reference/managed-agents.md#retries)."""
LIST_PAGE = 100
"""Objects that one call lists; events have pages of their own (`event_stream.PAGE_SIZE`)."""
# Once a stream is open, the SDK does not wrap the errors of its transport
# (docs/reference/managed-agents.md#event-stream).
API_ERRORS = (anthropic.APIError, httpx2.HTTPError)
"""Everything that a call of the SDK can raise."""

# The API has no error code for these two, only these words
# (docs/reference/managed-agents.md#ended-sessions and #held-tool-calls).
_ARCHIVED = "cannot send events to archived session"
_WAITING = "waiting on responses to events"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@asynccontextmanager
async def open_client(
    *, api_key: Secret, base_url: str, timeouts: httpx2.Timeout = TIMEOUT, max_retries: int = RETRIES
) -> AsyncIterator[AsyncAnthropic]:
    """Open the client and its connection pool, shared by everything in this folder.

    `max_retries` holds for calls that are safe to repeat; the others switch retries off themselves.
    """
    # Redirects are not followed: one would send a credential in a request's body to another host. Tracing is off since
    # its spans would contain vault ids.
    async with Pool(timeout=timeouts, follow_redirects=False, verify=_trusted()) as pool:
        yield AsyncAnthropic(
            api_key=api_key.reveal(),
            base_url=base_url,
            timeout=timeouts,
            max_retries=max_retries,
            http_client=pool,
            open_telemetry=False,
        )


@contextmanager
def errors_translated(*, in_session: bool = False) -> Iterator[None]:
    """Turn the SDK's errors into ours; with `in_session` a 404 becomes `SessionLost`."""
    try:
        yield
    except API_ERRORS as error:
        raise translate_error(error, in_session=in_session) from error


def translate_error(error: Exception, *, in_session: bool) -> DeputyError:
    """Return our error for one of the SDK's: a class and a code, never its words, which may quote what was sent."""
    # No answer at all: the connection failed or timed out.
    if not isinstance(error, anthropic.APIStatusError):
        return AgentsUnavailable()
    if _is_transient(error.status_code):
        return AgentsUnavailable(_retry_after(error.response), error.status_code)
    # By the words, not by 400 alone: other 400s are about our request, and must not cost the thread its session.
    if in_session and (error.status_code == 404 or _says(error, _ARCHIVED)):
        return SessionLost()
    if _says(error, _WAITING):
        return AgentsRejected("waiting", error.status_code)
    return AgentsRejected(_code(error), error.status_code)


def is_anothers_answer(error: AgentsRejected) -> bool:
    """Tell whether something other than the API answered (a proxy, a wrong address): the API's errors have a type."""
    return error.code.startswith("http_")


def status_of(error: DeputyError) -> int | None:
    """Return the HTTP status behind a translated error, None if there was no answer."""
    cause = error.__cause__
    return cause.status_code if isinstance(cause, anthropic.APIStatusError) else None


def is_clash(error: DeputyError) -> bool:
    """Tell whether a refusal may be about the session's state, in which case the caller looks that state up.

    The API answers 400 in such a case; 403, 409 and 422 have been reported too. A wrong key, a rate limit and an
    unknown session have statuses of their own.
    """
    status = status_of(error)
    return status is not None and _is_clash(status)


def words_of(error: DeputyError) -> str:
    """Return the API's own words behind a translated error in lower case; for matching only, never for people."""
    cause = error.__cause__
    return _words(cause) if isinstance(cause, anthropic.APIStatusError) else ""


def text_of(answer: object, name: str) -> str:
    """Return a string that every answer of its kind has. Raises `AgentsUnavailable` for an answer without it."""
    value: Any = getattr(answer, name, None)
    if not isinstance(value, str) or not value:
        raise AgentsUnavailable
    return value


# Cached, since reading the trusted certificates takes longer than everything else about making a client.
@cache
def _trusted() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _is_transient(status: int) -> bool:
    # 200 is an `event: error` inside an open stream (docs/reference/managed-agents.md#event-stream).
    return status in (200, 408, 429) or status >= 500


def _retry_after(response: httpx2.Response) -> float | None:
    try:
        return min(max(0.0, float(response.headers["retry-after"])), LONGEST_WAIT)
    except (KeyError, ValueError):
        return None  # absent, or a date, which the API does not send: the caller keeps its own pace


def _says(error: anthropic.APIStatusError, words: str) -> bool:
    return _is_clash(error.status_code) and words in _words(error)


def _is_clash(status: int) -> bool:
    return 400 <= status < 500 and status not in (401, 404, 408, 429)


def _words(error: anthropic.APIStatusError) -> str:
    return error.api_message.lower() if isinstance(error.api_message, str) else ""


def _code(error: anthropic.APIStatusError) -> str:
    # The more specific one first; both are checked, for a proxy may have written them.
    for candidate in (error.error_code, error.type):
        if isinstance(candidate, str) and _CODE.fullmatch(candidate):
            return candidate
    return f"http_{error.status_code}"
