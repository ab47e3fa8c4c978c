"""The session stream: server-sent events from the moment it is opened; it does not end when the session is idle."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from simulator.agents.faults import StreamFault
from simulator.agents.rough import sent
from simulator.agents.state import Session, Subscriber, World

Json = dict[str, Any]
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def frame(world: World, name: str, data: Json) -> bytes:
    """Return one server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), world.written(data))


def cut(request: web.Request) -> None:
    """Break the connection without ending the response."""
    if request.transport is not None:
        request.transport.abort()


class Stream:
    """One open stream until its client leaves, the session is deleted or a fault strikes."""

    def __init__(self, world: World, session: Session, request: web.Request, deltas: frozenset[str]) -> None:
        self._world = world
        self._session = session
        self._request = request
        self._subscriber = Subscriber(deltas, lambda: cut(request))
        self._number = 0

    async def serve(self, headers: dict[str, str]) -> web.StreamResponse:
        """Write events as they come."""
        response = web.StreamResponse(
            headers=headers | {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        )
        self._session.subscribers.append(self._subscriber)
        try:
            await response.prepare(self._request)
            # A comment, so that the client has a response before the first event.
            await response.write(b": open\n\n")
            if self._world.rough.strikes("agents:history_replayed"):
                for event in list(self._session.events):
                    await self._put(response, event)
            self._world.note()
            while await self._write(response):
                pass
        except ConnectionResetError:
            pass  # the client left, which is how streams end
        finally:
            self._session.subscribers.remove(self._subscriber)
            self._world.note()
        return response

    async def _write(self, response: web.StreamResponse) -> bool:
        try:
            async with asyncio.timeout(self._world.ping_every):
                data = await self._subscriber.frames.get()
        except TimeoutError:
            await response.write(frame(self._world, "ping", {"type": "ping"}))
            return True
        if data is None:
            return False
        fault = self._world.faults.of_frame(self._session.id, data["type"], self._number)
        self._number += 1
        if fault is not None:
            return await self._strike(response, fault, frame(self._world, data["type"], data))
        await self._put(response, data)
        return True

    async def _put(self, response: web.StreamResponse, data: Json) -> None:
        for copy in sent(self._world.rough, data):
            await response.write(frame(self._world, copy["type"], copy))

    async def _strike(self, response: web.StreamResponse, fault: StreamFault, whole: bytes) -> bool:
        match fault.kind:
            case "drop":
                await response.write(whole[: len(whole) // 2])
                await asyncio.sleep(0)
                cut(self._request)
                return False
            case "eof":
                return False
            case "silence":
                await asyncio.Event().wait()
            case "error":
                await response.write(frame(self._world, "error", OVERLOADED))
                return False
            case "duplicate":
                await response.write(whole + whole)
            case "delay":
                await asyncio.sleep(fault.seconds)
                await response.write(whole)
        return True
