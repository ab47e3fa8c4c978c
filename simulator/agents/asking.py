"""A request as an endpoint receives it, after the server has authenticated it and applied faults."""

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
    """The headers that a streamed response must carry."""

    def path(self, name: str) -> str:
        """Return a parameter of the path."""
        return self.request.match_info[name]

    def body(self, params: Any, *, path: frozenset[str] = frozenset()) -> Json:
        """Return the body, validated against the SDK's `params` type. Raises 400."""
        return schemas.read_body(params, self.raw, path)

    def no_body(self) -> None:
        """Raise 400 if there is a body: this endpoint takes none."""
        if self.raw:
            raise bad_request("body: not expected")

    def query(self, params: Any) -> Json:
        """Return the query, validated against the SDK's `params` type. Raises 400."""
        return schemas.read_query(params, self.request.query)


Endpoint = Callable[[Ask], Awaitable[Json | web.StreamResponse]]
Route = tuple[str, str, Endpoint]
