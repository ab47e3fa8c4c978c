"""One request as an endpoint sees it, and the table of endpoints.

HTTP itself, authentication and faults are the server's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulator.agents import schemas
from simulator.agents.errors import bad_request

Json = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """A request that passed authentication."""

    request: web.Request
    raw: bytes
    headers: dict[str, str]
    """What a streamed answer has to carry."""

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def body(self, params: Any, *, path: frozenset[str] = frozenset()) -> Json:
        """Return the body as the SDK's `params` have it. Raises 400."""
        return schemas.read_body(params, self.raw, path)

    def no_body(self) -> None:
        """Raise 400 for a body, which this endpoint has none of."""
        if self.raw:
            raise bad_request("body: not expected")

    def query(self, params: Any) -> Json:
        """Return the query as the SDK's `params` have it. Raises 400."""
        return schemas.read_query(params, self.request.query)


Endpoint = Callable[[Ask], Awaitable[Json | web.StreamResponse]]
Route = tuple[str, str, Endpoint]
