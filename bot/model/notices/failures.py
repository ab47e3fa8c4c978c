"""Notices that something broke or is down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """A bug of ours; `reference` finds the details in the log."""

    reference: str


@dataclass(frozen=True, slots=True)
class Outage:
    """Something we need is down; nothing was lost."""

    who: str
    """`slack`, `agents` or a service's name."""
