"""Every table in one `metadata`, for who needs them all: migrations and their tests."""

from __future__ import annotations

from store import (  # noqa: F401  # to import a noun is to define its tables
    allowances,
    approvals,
    asides,
    audit,
    connections,
    deliveries,
    homes,
    members,
    outputs,
    profiles,
    quotes,
    registrations,
    retries,
    segments,
    service_tools,
    services,
    settings,
    shortfalls,
    sources,
    threads,
    tickets,
    tool_pins,
    turns,
    vaults,
)
from store.schema import metadata

__all__ = ["metadata"]
