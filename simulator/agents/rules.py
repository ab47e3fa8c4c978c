"""Rules that several endpoints share: lengths, metadata, patches, the time ranges of a list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.agents.errors import bad_request

COMPARE = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def check_length(name: str, value: str | None, low: int, high: int) -> None:
    """Raise 400 unless the text is between `low` and `high` characters; None passes."""
    if value is not None and not low <= len(value) <= high:
        raise bad_request(f"{name}: must be between {low} and {high} characters")


def check_metadata(metadata: dict[str, str]) -> None:
    """Raise 400 `invalid_metadata` beyond 16 pairs, keys of 64 or values of 512 characters."""
    if len(metadata) > 16:
        raise bad_request("metadata: at most 16 pairs", "invalid_metadata")
    for key, value in metadata.items():
        if not 1 <= len(key) <= 64 or len(value) > 512:
            raise bad_request(f"metadata.{key[:64]}: keys up to 64 and values up to 512 characters", "invalid_metadata")


def patched(metadata: dict[str, str], patch: dict[str, str | None] | None) -> dict[str, str]:
    """Return the metadata with the patch applied: null deletes a key. Raises 400."""
    merged = metadata | (patch or {})
    kept = {key: value for key, value in merged.items() if value is not None}
    check_metadata(kept)
    return kept


def as_time(value: str | datetime) -> datetime:
    """Return an aware time. Raises 400."""
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError as error:
        raise bad_request("a timestamp must be RFC 3339") from error
    if when.tzinfo is None:
        raise bad_request("a timestamp must carry its zone")
    return when


def within(query: dict[str, Any], when: datetime | None) -> bool:
    """Say whether a time is inside the query's `created_at` ranges; None is, if the query has no range."""
    ranges = [(name, query[f"created_at_{name}"]) for name in COMPARE if f"created_at_{name}" in query]
    if when is None:
        return not ranges
    return all(COMPARE[name](when, as_time(bound)) for name, bound in ranges)


def live(rows: Iterable[Any], query: dict[str, Any]) -> list[Any]:
    """Return the rows, the newest first; archived ones only if the query asks for them."""
    kept = [row for row in rows if row.archived_at is None or query.get("include_archived", False)]
    return sorted(kept, key=lambda row: (row.created_at, row.serial), reverse=True)
