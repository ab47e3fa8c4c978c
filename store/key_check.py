"""Checks whether the sealing keys open what is stored.

One value that does not open is a damaged row. If none opens, the keys are wrong (docs/decisions/0047).
"""

from __future__ import annotations

from dataclasses import dataclass

from store import deliveries, registrations, services, turns
from store.database import Tx
from store.errors import SealBroken


@dataclass(frozen=True, slots=True)
class Seals:
    """The result of opening everything that is sealed."""

    opened: int
    """How many values open."""
    broken: tuple[str, ...]
    """The places of the values that do not."""


async def look(tx: Tx) -> Seals:
    """Try to open everything that a running Deputy must be able to open."""
    # Without asides, retries, quotes and the like: those are left out one by one where they do not open.
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
