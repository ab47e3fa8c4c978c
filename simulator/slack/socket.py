"""Socket Mode: single-use addresses, `hello`, envelopes, acknowledgements, refreshes."""

from __future__ import annotations

import json
import secrets
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from simulator.slack.delivery import Deliveries
from simulator.slack.people import APP

MOST_CONNECTIONS = 10


class Socket:
    """One open WebSocket of the app."""

    def __init__(self, response: web.WebSocketResponse) -> None:
        self._response = response

    async def send(self, envelope: dict[str, Any]) -> None:
        """Send one envelope. Raises ConnectionError when it is closed."""
        await self.send_text(json.dumps(envelope))

    async def send_text(self, text: str) -> None:
        """Send text as it is. Raises ConnectionError when it is closed."""
        try:
            await self._response.send_str(text)
        except (aiohttp.ClientError, RuntimeError) as error:
            raise ConnectionError from error

    def abort(self, request: web.Request) -> None:
        """Break the connection without a closing handshake."""
        if request.transport is not None:
            request.transport.abort()

    async def close(self) -> None:
        """Close the connection with a closing handshake."""
        await self._response.close(code=aiohttp.WSCloseCode.GOING_AWAY)


class SocketMode:
    """All sockets, and the tickets for new ones."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._tickets: set[str] = set()
        self.open: dict[Socket, web.Request] = {}
        self.connected = 0
        """How many connections were ever made."""
        self.received: list[dict[str, Any]] = []
        """Everything that the app sent, well-formed or not."""

    def issue(self, url: str) -> str:
        """Return a new single-use address."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"{url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="this ticket is not valid")
        self._tickets.discard(ticket)
        response = web.WebSocketResponse(autoping=True)
        await response.prepare(request)
        socket = Socket(response)
        if len(self.open) >= MOST_CONNECTIONS:
            await socket.send({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return response
        self.open[socket] = request
        self.connected += 1
        try:
            await socket.send(self._hello())
            self._deliveries.carrier_found(socket)
            await self._receive(response)
        except ConnectionError:
            pass  # the app went away between two lines; what it had not answered is redelivered below
        finally:
            self._forget(socket)
        return response

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {"host": "applink-simulator", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }

    async def _receive(self, response: web.WebSocketResponse) -> None:
        async for message in response:
            if message.type != WSMsgType.TEXT:
                continue
            try:
                answer = json.loads(message.data)
            except ValueError:
                continue
            self.received.append(answer)
            if isinstance(answer, dict) and "envelope_id" in answer:
                self._deliveries.acked(answer["envelope_id"], answer.get("payload") or None)

    def _forget(self, socket: Socket) -> None:
        self.open.pop(socket, None)
        self._deliveries.carrier_lost(socket)

    def drop(self) -> None:
        """Break all connections."""
        for socket, request in list(self.open.items()):
            self._forget(socket)
            socket.abort(request)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask the app to connect anew; `warning` is the ten seconds' notice."""
        for socket in list(self.open):
            await socket.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-simulator"}})

    async def close(self) -> None:
        """Close all connections."""
        for socket in list(self.open):
            await socket.close()
