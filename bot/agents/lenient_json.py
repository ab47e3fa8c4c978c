"""Repairs the API's JSON before the SDK parses it, so that one broken event does not break its page or its stream.

Numbers with too many digits become text, invalid UTF-8 becomes U+FFFD. Of an event that cannot be parsed at all, only
its id is kept, and its type if that ends the session. `translate` says what events mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from itertools import accumulate
from typing import Any

import httpx2
import structlog
from anthropic import DefaultAsyncHttpxClient
from cachetools import FIFOCache

log = structlog.get_logger(__name__)

UNREADABLE = "deputy.unreadable"
"""The type of the event that replaces an unreadable one; the list of events may have the original."""
# Levels of nesting that are parsed: the parser recurses once per level, and no honest event comes near.
_DEEPEST = 200
# Digits of an integer; Python refuses to parse more than 4,300
# (https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation).
_LONGEST_NUMBER = 4000
# Bytes of one frame, which is held in memory until it is complete.
_LARGEST = 16 * 1024 * 1024
# How many broken events are remembered, so that each is logged once although the list repeats it.
_REMEMBERED = 1000
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_KEPT = re.compile(r'"(id|type|processed_at)"\s*:\s*("[^"\\]{0,200}")')
# Events about the session's state need no more than their type, so they count even if the rest is broken.
_ENDS = ("session.status_", "session.deleted")
_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
# Bytes to go back in a search: a separator may be cut between two pieces.
_CUT_END = 3
# Frames that the SDK does not parse as events.
_UNJUDGED = ("", "error", "ping")
# Hex digits by which what was broken is remembered.
_DIGEST_SHOWN = 16
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
# These describe the original body, and would be wrong for the repaired one.
_BODILY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Pool(DefaultAsyncHttpxClient):
    """The SDK's connection pool, with repaired answers. A success that is no JSON object counts as a lost answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._reading = Reading()

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request; return the answer with its JSON repaired. Raises `httpx2.DecodingError` if it is not JSON."""
        response = await super().send(request, **options)
        # A deletion may be answered with no content (RFC 9110 §15.3.5), which is a success, not broken JSON.
        if not response.is_success or response.status_code == httpx2.codes.NO_CONTENT or _is_file(request):
            return response
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return _rebuilt(response, stream=_Frames(response, self._reading))
        content = await response.aread()
        readable = self._reading.body(content)
        if readable is None:
            raise httpx2.DecodingError("not JSON", request=request)
        # Checked here, since the SDK would return an answer that is not JSON as a bare string.
        return response if readable is content else _rebuilt(response, content=readable)


class Reading:
    """Repairs bodies and frames, and logs each broken event once."""

    def __init__(self) -> None:
        self._told = FIFOCache[str, None](_REMEMBERED)

    def body(self, content: bytes) -> bytes | None:
        """Return a repaired body, the same object if nothing is wrong with it; None if it is no JSON object."""
        text, cause = _text(content)
        if cause is None and (cause := why_not(text)) is None:
            return content if text.lstrip()[:1] == "{" else None
        if not (spans := _items(text)):
            return self._whole_body(text, cause)
        pieces, done = list[str](), 0
        for start, end in spans:
            pieces += [text[done:start], self._item(text[start:end], cause)]
            done = end
        mended = "".join((*pieces, text[done:]))
        return mended.encode("utf-8", "replace") if why_not(mended) is None else None

    def frame(self, raw: bytes) -> bytes:
        """Return a repaired frame of a stream, the same object if nothing is wrong with it."""
        name, data = _fields(raw)
        if name in _UNJUDGED or not data:
            return raw
        text, cause = _text(data)
        if cause is None and (cause := why_not(text)) is None:
            return raw
        mended = _mended(text)
        self.tell(cause, text, is_left_out=mended is None)
        if mended is None:
            is_cut = why_not(text) == "no JSON"
            mended = json.dumps({"type": UNREADABLE, "of": _digest(text)}) if is_cut else _remains(text)
        return f"event: {name}\ndata: {mended}\n\n".encode("utf-8", "replace")

    def tell(self, cause: str, text: str, *, is_left_out: bool) -> None:
        """Log that an event was broken, without any of its content, which is the member's."""
        known = json.loads(_remains(text)).get("id")
        key = known or _digest(text)
        if key not in self._told:
            self._told[key] = None
            log.warning("event_not_readable", cause=cause, event_id=known, is_left_out=is_left_out)

    def _whole_body(self, text: str, cause: str) -> bytes | None:
        mended = _mended(text)
        if mended is None or mended[:1] != "{":
            return None
        self.tell(cause, text, is_left_out=False)
        return mended.encode()

    def _item(self, text: str, cause: str) -> str:
        own = "no UTF-8" if cause == "no UTF-8" and "\ufffd" in text else why_not(text)
        if own is None:
            return text
        mended = _mended(text)
        self.tell(own, text, is_left_out=mended is None)
        return _remains(text) if mended is None else mended


class _Frames(httpx2.AsyncByteStream):
    """A stream's bytes, one repaired frame at a time."""

    def __init__(self, response: httpx2.Response, reading: Reading) -> None:
        self._response = response
        self._reading = reading

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest, is_too_large, looked = b"", False, 0
        async for piece in self._response.aiter_bytes():
            rest += piece
            while (end := _FRAME_END.search(rest, max(0, looked - _CUT_END))) is not None:
                raw, rest, looked = rest[: end.end()], rest[end.end() :], 0
                if not is_too_large:
                    yield self._reading.frame(raw)
                is_too_large = False
            looked = len(rest)
            if looked > _LARGEST:
                self._reading.tell("too large", "", is_left_out=True)
                # The frame is dropped, and reading goes on at the next separator.
                rest, is_too_large, looked = rest[-_CUT_END:], True, _CUT_END
        if rest and not is_too_large:
            yield rest  # an incomplete frame: the SDK makes no event of it

    async def aclose(self) -> None:
        await self._response.aclose()


def why_not(text: str) -> str | None:
    """Return why a text cannot be parsed, None if it can."""
    if _depth(text) > _DEEPEST:
        return "too deep"
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return "no JSON"
    except ValueError:
        return "number too long"
    return None


def _is_file(request: httpx2.Request) -> bool:
    return request.url.path.startswith("/v1/files/") and request.url.path.endswith("/content")


def _rebuilt(response: httpx2.Response, **body: Any) -> httpx2.Response:
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _BODILY]
    return httpx2.Response(
        response.status_code, headers=headers, request=response.request, extensions=response.extensions, **body
    )


def _text(content: bytes) -> tuple[str, str | None]:
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return content.decode(errors="replace"), "no UTF-8"


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= _DEEPEST:
        return 0  # it cannot be too deep, which is the usual case and cheap to see
    return max(accumulate(_STEP[bracket] for bracket in _BRACKET.findall(_STRING.sub("", text))), default=0)


def _mended(text: str) -> str | None:
    """Return JSON with its long numbers as text, None if something else is wrong with it."""
    if _depth(text) > _DEEPEST:
        return None
    try:
        return json.dumps(json.loads(text, parse_int=_number))
    except ValueError:
        return None


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _remains(text: str) -> str:
    """Return the rest of an event that cannot be parsed: its id, its time, and its type if that ends the session.

    Other types are dropped: a tool call without its arguments must not look like one that has none.
    """
    found = {name: json.loads(value, strict=False) for name, value in _KEPT.findall(_surface(text))}
    if not found.get("type", "").startswith(_ENDS):
        found["type"] = UNREADABLE
    return json.dumps(found)


def _surface(text: str) -> str:
    """Return the text of an object without its nested objects and lists."""
    pieces, depth, done = list[str](), 0, 0
    for token in _TOKEN.finditer(text):
        step = _STEP.get(token[0], 0)
        if depth + step > 1 and depth <= 1:
            pieces.append(text[done : token.start()])
        elif step < 0 and depth == 2:
            done = token.end()
        depth += step
    return "".join((*pieces, text[done:] if depth <= 1 else ""))


def _items(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each object in a page's `data`."""
    spans, depth, start, key, is_inside = list[tuple[int, int]](), 0, 0, "", False
    for token in _TOKEN.finditer(text):
        step = _STEP.get(token[0], 0)
        if not step:
            key = token[0] if depth == 1 else key
            continue
        if step > 0 and depth == 1:
            is_inside = token[0] == "[" and key == '"data"'
        if step > 0 and depth == 2:
            start = token.start()
        depth += step
        if step < 0 and depth == 2 and is_inside:
            spans.append((start, token.end()))
    return spans


def _fields(raw: bytes) -> tuple[str, bytes]:
    """Return a frame's event name and data, as in server-sent events."""
    name, data = "", list[bytes]()
    for line in raw.splitlines():
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.removeprefix(b" ").decode(errors="replace")
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    return name, b"\n".join(data)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_SHOWN]
