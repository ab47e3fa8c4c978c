"""Repairs the API's JSON before the SDK parses it, so that one broken event costs neither its page nor its stream.

Infinite numbers become their digits as text, invalid UTF-8 becomes U+FFFD. Of an event that cannot be parsed at all,
only its id is kept, and whether it ends the session. `translate` says what events mean.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from hashlib import sha256
from itertools import accumulate
from typing import Any

import httpx2
import structlog
from anthropic import DefaultAsyncHttpxClient

log = structlog.get_logger(__name__)

UNREADABLE = "deputy.unreadable"
"""The type of what stands for a frame that is no JSON: whatever it was, a list may have it whole."""
_DEEPEST = 200
"""Levels that are read: what reads them goes deeper with each, and nobody sends more in earnest."""
_LONGEST_NUMBER = 4000
"""Digits of a whole number; from 4,300 on Python reads none."""
_LARGEST = 16 * 1024 * 1024
"""Bytes of one frame; it is held in memory until it is whole."""
_REMEMBERED = 1000
"""So many of what was broken are logged once only."""
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_KEPT = re.compile(r'"(id|type|processed_at)"\s*:\s*("[^"\\]{0,200}")')
_ENDS = ("session.status_", "session.deleted")
"""What a session says of its own state is believed without the rest."""
_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_UNJUDGED = ("", "error", "ping")
"""Names of frames that the SDK does not read as events."""
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
_BODILY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Pool(DefaultAsyncHttpxClient):
    """The SDK's connections, with every answer readable. A success that is no object of JSON is a broken connection."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._reading = Reading()

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send, and return what can be read."""
        response = await super().send(request, **options)
        # A deletion may be answered with no content (RFC 9110 §15.3.5); it is not repeated for that.
        if not response.is_success or response.status_code == httpx2.codes.NO_CONTENT or _is_file(request):
            return response
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return _rebuilt(response, stream=_Frames(response, self._reading))
        content = await response.aread()
        readable = self._reading.body(content)
        if readable is None:
            raise httpx2.DecodingError("not JSON", request=request)
        # The SDK would return what is no JSON as a bare string.
        return response if readable is content else _rebuilt(response, content=readable)


class Reading:
    """Reads, and says once of each thing that could not be read as it was."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, None] = OrderedDict()

    def body(self, content: bytes) -> bytes | None:
        """Return a body as it can be read, itself where it can; None where it is no object of JSON."""
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
        """Return a frame of a stream as it can be read, itself where it can."""
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
        """Log it, without a word of what it says."""
        known = json.loads(_remains(text)).get("id")
        key = known or _digest(text)
        if key not in self._told:
            self._told[key] = None
            log.warning("event_not_readable", cause=cause, event_id=known, is_left_out=is_left_out)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)

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
    """A stream's bytes, frame by frame."""

    def __init__(self, response: httpx2.Response, reading: Reading) -> None:
        self._response = response
        self._reading = reading

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest, is_too_large, looked = b"", False, 0
        async for piece in self._response.aiter_bytes():
            rest += piece
            while (end := _FRAME_END.search(rest, max(0, looked - 3))) is not None:
                raw, rest, looked = rest[: end.end()], rest[end.end() :], 0
                if not is_too_large:
                    yield self._reading.frame(raw)
                is_too_large = False
            looked = len(rest)
            if looked > _LARGEST:
                self._reading.tell("too large", "", is_left_out=True)
                rest, is_too_large, looked = rest[-3:], True, 3
        if rest and not is_too_large:
            yield rest  # cut in the middle: the SDK makes no event of it

    async def aclose(self) -> None:
        await self._response.aclose()


def why_not(text: str) -> str | None:
    """Return why a text cannot be read as it is, None where it can."""
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
        return 0  # no need to look
    return max(accumulate(_STEP[bracket] for bracket in _BRACKET.findall(_STRING.sub("", text))), default=0)


def _mended(text: str) -> str | None:
    """Return a value of JSON with every number readable, None where that is not what is wrong with it."""
    if _depth(text) > _DEEPEST:
        return None
    try:
        return json.dumps(json.loads(text, parse_int=_number))
    except ValueError:
        return None


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _remains(text: str) -> str:
    """Return what is left of an event that cannot be read: which it is, and whether it ends its session.

    Its type goes with the rest: a call without its arguments must not look like one that has none.
    """
    found = {name: json.loads(value, strict=False) for name, value in _KEPT.findall(_surface(text))}
    if not found.get("type", "").startswith(_ENDS):
        found["type"] = UNREADABLE
    return json.dumps(found)


def _surface(text: str) -> str:
    """Return an object without what is nested in it."""
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
    """Return where the objects of a page's `data` are."""
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
    """Return a frame's name and data."""
    name, data = "", list[bytes]()
    for line in raw.splitlines():
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.removeprefix(b" ").decode(errors="replace")
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    return name, b"\n".join(data)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
