"""Delivers signed notifications to the one endpoint: at least once and in no order, as the API does.

After docs/reference/managed-agents.md#webhooks.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from simulator.agents.ids import new_id
from simulator.patience import LONG, patience

TRIES = 3
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass
class Delivery:
    """One event and what the endpoint answered, try by try."""

    id: str
    body: bytes
    statuses: list[int] = field(default_factory=list)
    is_over: bool = False

    @property
    def kind(self) -> str:
        """The event's type."""
        return str(json.loads(self.body)["data"]["type"])


class Webhooks:
    """The endpoint that is registered in the console, and the deliveries to it; without one nothing is sent."""

    def __init__(self) -> None:
        self.key = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.url: str | None = None
        self.copies = 1
        """How often each event is delivered, although the first delivery succeeded."""
        self.holds = False
        """Whether events wait for `release`, which delivers the latest first."""
        self.backoff = 0.05
        """Seconds before the second try; twice as many before the third."""
        self.is_disabled = False
        self.sent: list[Delivery] = []
        self._held: list[Delivery] = []
        self._changed = asyncio.Event()
        self._waiting: asyncio.Queue[Delivery] = asyncio.Queue()

    def register(self, url: str) -> str:
        """Register the endpoint as one does in the console; return the signing key."""
        parts = urlsplit(url)
        is_public = parts.scheme == "https" and parts.port in (None, 443)
        if not is_public and parts.hostname not in LOOPBACK:
            raise ValueError("an endpoint is https, port 443")
        self.url, self.is_disabled = url, False
        return self.key

    def note(self, kind: str, what: str, **more: Any) -> None:
        """Queue the notification of an event of type `kind` about the object `what`."""
        if self.url is None or self.is_disabled:
            return
        data = {"type": kind, "id": what, "organization_id": "org_01Simulator", "workspace_id": "wrkspc_01Simulator"}
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        event = {"type": "event", "id": new_id("whe"), "created_at": created, "data": data | more}
        delivery = Delivery(event["id"], json.dumps(event).encode())  # type: ignore[arg-type]  # new_id made it
        if self.holds:
            self._held.append(delivery)
        else:
            self._waiting.put_nowait(delivery)

    def release(self) -> None:
        """Deliver what was held, the latest first."""
        self.holds = False
        for delivery in reversed(self._held):
            self._waiting.put_nowait(delivery)
        self._held.clear()

    async def until(self, holds: Callable[[Webhooks], object], seconds: float = LONG) -> None:
        """Return once `holds(self)` is true. Raises TimeoutError."""
        async with patience(seconds):
            while not holds(self):
                self._changed.clear()
                await self._changed.wait()

    @asynccontextmanager
    async def delivering(self, http: httpx2.AsyncClient) -> AsyncIterator[None]:
        """Deliver while the block runs."""
        task = asyncio.create_task(self._deliver_all(http))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _deliver_all(self, http: httpx2.AsyncClient) -> None:
        while True:
            delivery = await self._waiting.get()
            self.sent.append(delivery)
            for _ in range(self.copies):
                await self._deliver(http, delivery)
            delivery.is_over = True
            self._changed.set()

    async def _deliver(self, http: httpx2.AsyncClient, delivery: Delivery) -> None:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self.backoff * attempt)
            status = await self._post(http, delivery)
            delivery.statuses.append(status)
            self._changed.set()
            # The API disables an endpoint that redirects.
            if 300 <= status < 400:
                self.is_disabled = True
            if 200 <= status < 400:
                return

    async def _post(self, http: httpx2.AsyncClient, delivery: Delivery) -> int:
        try:
            answer = await http.post(
                str(self.url), content=delivery.body, headers=self.sign(delivery.id, delivery.body)
            )
        except httpx2.HTTPError:
            return 0
        return answer.status_code

    def sign(self, delivery_id: str, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """Return the headers of a delivery, signed as Standard Webhooks says."""
        # By the real clock: the SDK compares the time with it.
        stamp = str(int(at if at is not None else time.time()))
        secret = base64.b64decode(self.key.removeprefix("whsec_"))
        signed = hmac.new(secret, f"{delivery_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "webhook-id": delivery_id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }
