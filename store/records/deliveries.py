"""Slack's requests that are not carried out yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import DeliveryId


class DeliveryState(StrEnum):
    """`done` only after its effect is stored: a crash in between leaves it to the next start."""

    RECEIVED = "received"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One Slack request, by its key; handled once."""

    id: DeliveryId
    key: str
    kind: str
    payload: str
    """The parsed command as JSON; sealed at rest."""
    received_at: datetime
