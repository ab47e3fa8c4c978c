"""Checks whether the sealing keys open what is stored: all of it, some, or nothing.

A single value that does not open is one damaged row. If none opens, these are not the keys it was sealed with.
"""

from __future__ import annotations

from dataclasses import dataclass

from store import deliveries, registrations, services, turns
from store.database import Tx
from store.errors import SealBroken


@dataclass(frozen=True, slots=True)
class Seals:
    """What came of opening everything."""

    opened: int
    broken: tuple[str, ...]
    """The places of what does not open."""


async def look(tx: Tx) -> Seals:
    """Try to open everything that a running Deputy would have to."""
    opened, broken = 0, list[str]()
    for noun in (deliveries, turns, services, registrations):
        for sealed, place in await noun.list_sealed(tx):
            try:
                tx.sealer.open_sealed(sealed, place=place)
            except SealBroken as error:
                broken.append(error.place)
            else:
                opened += 1
    return Seals(opened, tuple(broken))
