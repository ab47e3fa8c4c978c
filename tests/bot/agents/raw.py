"""An API of bytes: every answer of the event endpoints is written out by who tests with it."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

EOF = "eof"
RESET = "reset"
HOLD = "hold"
LISTED = "listed"
"""Go on once the past was listed."""
Step = bytes | str | Callable[[], None]


class Raw(dict[str, Any]):
    """An event of which a part is written as no JSON library writes it."""

    def __init__(self, event: dict[str, Any], part: bytes, raw: bytes) -> None:
        super().__init__(event)
        self._part = part
        self._raw = raw

    def bytes(self) -> bytes:
        return json.dumps(self, separators=(",", ":")).encode().replace(self._part, self._raw)


def frame(event: dict[str, Any]) -> bytes:
    """One event as the API writes it into a stream."""
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), _written(event))


@dataclass
class Answer:
    """A JSON answer other than the usual one."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def refusal(status: int, kind: str, message: str = "prose of the API", **headers: str) -> Answer:
    """An error as the API words it."""
    return Answer(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)


@dataclass
class RawSession:
    """What one session answers: streams in their order, and what its list has persisted so far."""

    streams: deque[list[Step] | Answer] = field(default_factory=deque)
    lists: deque[Answer] = field(default_factory=deque)
    """Answers that come before the usual one."""
    posts: deque[Answer | None] = field(default_factory=deque)
    """What comes back from what is sent; None cuts the connection."""
    persisted: list[dict[str, Any]] = field(default_factory=list)
    is_chunked: bool = False
    page_size: int = 1000
    requests: list[str] = field(default_factory=list)
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """The client let go of a stream on hold."""


class RawApi:
    """The event endpoints of any number of sessions, byte by byte."""

    def __init__(self) -> None:
        self.sessions: dict[str, RawSession] = {}
        self.url = ""

    def session(self, session_id: str = "sesn_1", **script: Any) -> RawSession:
        self.sessions[session_id] = session = RawSession(**script)
        return session

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target = head.decode().split(" ")[:2]
                session = self.sessions[target.split("/")[3]]
                session.requests.append(target)
                if method != "GET":
                    await reader.readexactly(_length(head))
                    if (answer := session.posts.popleft()) is None:
                        return
                    await self._answer(writer, answer)
                    continue
                if not target.split("?")[0].endswith("/stream"):
                    await self._answer(writer, session.lists.popleft() if session.lists else _list(session, target))
                    session.listed.set()
                elif await self._stream(session, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        body = _body(answer.body)
        headers = {"content-type": "application/json", "content-length": str(len(body)), **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode() + body)
        await writer.drain()

    async def _stream(self, session: RawSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        script = session.streams.popleft()
        if isinstance(script, Answer):
            await self._answer(writer, script)
            return False
        encoding = "transfer-encoding: chunked" if session.is_chunked else "connection: close"
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{encoding}\r\n\r\n".encode())
        for step in script:
            await self._perform(step, session, reader, writer)
        return True

    async def _perform(
        self, step: Step, session: RawSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if isinstance(step, bytes):
            writer.write(b"%x\r\n%s\r\n" % (len(step), step) if session.is_chunked and step else step)
            await writer.drain()
        elif callable(step):
            step()
        elif step == LISTED:
            await session.listed.wait()
        elif step == HOLD:
            await reader.read()
            session.closed.set()
        elif step == RESET:
            writer.transport.abort()


def _written(event: dict[str, Any]) -> bytes:
    return (
        event.bytes()
        if isinstance(event, Raw)
        else json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    )


def _body(answer: dict[str, Any]) -> bytes:
    """Return an answer as it is written, event by event where it is a page."""
    events = answer.get("data")
    if not isinstance(events, list):
        return json.dumps(answer).encode()
    rest = json.dumps(answer | {"data": "@page"}).encode()
    return rest.replace(b'"@page"', b"[%s]" % b", ".join(map(_written, events)))


def _length(head: bytes) -> int:
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def _list(session: RawSession, target: str) -> Answer:
    query = parse_qs(urlsplit(target).query)
    since = query.get("created_at[gte]", [""])[0].replace("+00:00", "Z")
    found = [event for event in session.persisted if (event.get("processed_at") or "") >= since]
    start = int(query.get("page", ["0"])[0])
    end = start + session.page_size
    return Answer(200, {"data": found[start:end], "next_page": str(end) if end < len(found) else None})
