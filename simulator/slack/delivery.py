"""Delivers events, commands and clicks to the app, which has three seconds to answer, with Slack's schedule of retries.

By Socket Mode (`simulator/slack/socket.py`) or by a signed POST; `simulator/slack/payloads.py` makes the contents.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import Clock, SignatureVerifier

from simulator.clock import SimulatorClock

Kind = Literal["events_api", "slash_commands", "interactive"]
ANSWER_WITHIN = 3.0
RETRIES_AFTER = (0.0, 60.0, 300.0)
"""Seconds from a failure to the next attempt; only events are retried (docs/reference/slack.md#repeated-events)."""


@dataclass(eq=False)
class Delivery:
    """A request to the app, with all its attempts."""

    kind: Kind
    payload: dict[str, Any]
    envelope_id: str = ""
    attempt: int = 0
    reason: str = ""
    state: Literal["new", "sent", "waiting", "acked", "failed"] = "new"
    carrier: object = None
    """The socket it went through."""
    sent_at: float = 0.0
    due_at: float = 0.0
    started: float = 0.0
    body: Any = None
    """What the app answered with."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_acked(self) -> bool:
        """Return whether the app said yes."""
        return self.state == "acked"


@dataclass(frozen=True)
class Ack:
    """One acknowledgement: what it was for, how long it took in real seconds, what it said."""

    kind: Kind
    name: str
    latency: float
    body: Any
    attempt: int
    payload: dict[str, Any]


class Carrier(Protocol):
    """A socket that an envelope can go through."""

    async def send(self, envelope: dict[str, Any]) -> None:
        """Send it. Raises ConnectionError."""


class Deliveries:
    """All deliveries; `tick` has to be called as time passes."""

    def __init__(self, clock: SimulatorClock, signing_secret: str, on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._verifier = SignatureVerifier(signing_secret)
        self._on_change = on_change
        self.shape: Callable[[Kind, dict[str, Any]], dict[str, Any]] = lambda _, payload: payload
        """Puts a payload as this workspace's app gets it."""
        self.endpoint: str | None = None
        """Where signed HTTP goes; None for Socket Mode."""
        self.carriers: list[Carrier] = []
        self.log: list[Delivery] = []
        self.acks: list[Ack] = []
        self.lost: list[Delivery] = []
        """Events that ran out of retries, commands and clicks that failed."""
        self._unsettled: dict[int, Delivery] = {}
        self._turn = 0
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Send what is queued, in order, until cancelled."""
        try:
            while True:
                await self._attempt(await self._queue.get())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._session:
                await self._session.close()

    def send(self, kind: Kind, payload: dict[str, Any]) -> Delivery:
        """Queue something for its first attempt."""
        return self.queue(Delivery(kind, payload))

    def queue(self, delivery: Delivery) -> Delivery:
        """Queue a new delivery for its first attempt."""
        delivery.payload = self.shape(delivery.kind, delivery.payload)
        self.log.append(delivery)
        self._unsettled[id(delivery)] = delivery
        self._queue.put_nowait(delivery)
        return delivery

    def carrier_found(self, carrier: Carrier) -> None:
        """Send every waiting event now: a socket has opened."""
        self.carriers.append(carrier)
        self._on_change()
        for delivery in list(self._unsettled.values()):
            if delivery.state == "waiting":
                delivery.state = "new"
                self._queue.put_nowait(delivery)

    def tick(self) -> None:
        """Fail what was not answered in time, and send what is due again."""
        now = self._clock.felt()
        for delivery in list(self._unsettled.values()):
            if delivery.state == "sent" and now - delivery.sent_at >= ANSWER_WITHIN:
                self._failed(delivery, "timeout" if self.endpoint is None else "http_timeout")
            elif delivery.state == "waiting" and now >= delivery.due_at and (self.endpoint or self.carriers):
                delivery.state = "new"
                self._queue.put_nowait(delivery)
            elif delivery.state == "waiting" and now >= delivery.due_at:
                self._failed(delivery, "timeout")

    def carrier_lost(self, carrier: Carrier) -> None:
        """Fail what went through a socket and was not answered: it is redelivered."""
        if carrier in self.carriers:
            self.carriers.remove(carrier)
        self._on_change()
        for delivery in list(self._unsettled.values()):
            if delivery.state == "sent" and delivery.carrier is carrier:
                self._failed(delivery, "timeout")

    def acked(self, envelope_id: str, body: Any) -> None:
        """Take an acknowledgement, through whichever socket; late ones change nothing."""
        for delivery in self._unsettled.values():
            if delivery.envelope_id == envelope_id and delivery.state == "sent":
                self._settle(delivery, body)
                return

    async def _attempt(self, delivery: Delivery) -> None:
        delivery.envelope_id = str(uuid.uuid4())
        delivery.sent_at, delivery.started = self._clock.felt(), time.monotonic()
        if self.endpoint is not None:
            delivery.state = "sent"
            task = asyncio.create_task(self._post(delivery, self.endpoint))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        while self.carriers:
            self._turn += 1
            carrier = self.carriers[self._turn % len(self.carriers)]
            delivery.state, delivery.carrier = "sent", carrier
            try:
                await carrier.send(self._envelope(delivery))
            except ConnectionError:
                if carrier in self.carriers:
                    self.carriers.remove(carrier)
            else:
                return
        self._failed(delivery, "timeout")

    def _envelope(self, delivery: Delivery) -> dict[str, Any]:
        envelope: dict[str, Any] = {
            "envelope_id": delivery.envelope_id,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": delivery.attempt, "retry_reason": delivery.reason}
        return envelope

    async def _post(self, delivery: Delivery, endpoint: str) -> None:
        body, headers = self.signed(delivery.kind, delivery.payload)
        if delivery.attempt:
            headers |= {"x-slack-retry-num": str(delivery.attempt), "x-slack-retry-reason": delivery.reason}
        self._session = self._session or aiohttp.ClientSession()
        try:
            async with self._session.post(endpoint, data=body, headers=headers) as response:
                text = await response.text()
                is_final = response.headers.get("x-slack-no-retry") == "1"
                content_type = response.content_type
        except aiohttp.ClientError:
            self._failed(delivery, "connection_failed")
            return
        if delivery.state != "sent":
            return
        if response.status // 100 == 2:
            is_json = content_type == "application/json"
            self._settle(delivery, json.loads(text) if is_json and text else {"text": text} if text else None)
        else:
            self._failed(delivery, "http_error", is_final=is_final)

    def signed(self, kind: Kind, payload: dict[str, Any], body: str | None = None) -> tuple[bytes, dict[str, str]]:
        """Return body and headers as Slack posts them, signed with the real time (Bolt compares with it)."""
        content_type = "application/x-www-form-urlencoded"
        if body is None:
            if kind == "events_api":
                content_type, body = "application/json", json.dumps(payload)
            else:
                body = urlencode({"payload": json.dumps(payload)} if kind == "interactive" else payload)
        timestamp = str(int(Clock().now()))
        signature = self._verifier.generate_signature(timestamp=timestamp, body=body)
        headers = {"content-type": content_type, "x-slack-request-timestamp": timestamp}
        return body.encode(), headers | {"x-slack-signature": signature or ""}

    def _settle(self, delivery: Delivery, body: Any) -> None:
        delivery.state, delivery.body = "acked", body
        self._unsettled.pop(id(delivery), None)
        latency = time.monotonic() - delivery.started
        payload = delivery.payload
        name = payload.get("command") or (payload.get("event") or payload)["type"]
        self.acks.append(Ack(delivery.kind, name, latency, body, delivery.attempt, payload))
        delivery.settled.set()
        self._on_change()

    def _failed(self, delivery: Delivery, reason: str, *, is_final: bool = False) -> None:
        if delivery.kind == "events_api" and delivery.attempt < len(RETRIES_AFTER) and not is_final:
            delivery.due_at = self._clock.felt() + RETRIES_AFTER[delivery.attempt]
            delivery.attempt, delivery.reason, delivery.state = delivery.attempt + 1, reason, "waiting"
        else:
            delivery.state, delivery.reason = "failed", reason
            self._unsettled.pop(id(delivery), None)
            self.lost.append(delivery)
            delivery.settled.set()
        self._on_change()

    async def close(self, task: asyncio.Task[None]) -> None:
        """End `run`."""
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
