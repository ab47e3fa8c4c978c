"""Lists in pages: a cursor holds its order and position."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from simulator.agents.errors import bad_request

Row = dict[str, Any]


def _cursor(order: str, at: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"order": order, "at": at}).encode()).decode()


def _position(page: str | None, order: str) -> int:
    if page is None:
        return 0
    try:
        cursor = json.loads(base64.urlsafe_b64decode(page.encode()))
        at = int(cursor["at"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request("page: invalid cursor") from error
    if cursor["order"] != order:
        raise bad_request("page: the cursor was made with another order")
    return at


def page_of(rows: Sequence[Row], query: Row, *, default: int = 20, most: int = 100, order: str = "desc") -> Row:
    """Return `{data, next_page}` of rows that are already sorted. Raises 400 for a bad limit or cursor."""
    limit = query.get("limit", default)
    if not 1 <= limit <= most:
        raise bad_request(f"limit: must be between 1 and {most}")
    at = _position(query.get("page"), order)
    rest = at + limit < len(rows)
    return {"data": list(rows[at : at + limit]), "next_page": _cursor(order, at + limit) if rest else None}


def both_ways(rows: Sequence[Row], query: Row, *, order: str) -> Row:
    """Return `{data, next_page, prev_page}`, the form of `sessions.list`."""
    page = page_of(rows, query, order=order)
    at = _position(query.get("page"), order)
    before = max(0, at - query.get("limit", 20))
    return page | {"prev_page": _cursor(order, before) if at else None}
