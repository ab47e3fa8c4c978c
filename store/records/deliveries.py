"""Requests from Slack that are still to be carried out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.records.ids import DeliveryId


class DeliveryState(StrEnum):
    """`done` only after the request's effect is stored, so that a crash in between leaves it to the next start."""

    RECEIVED = "received"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request from Slack, carried out once."""

    id: DeliveryId
    key: str
    """The same for each repetition of the request, such as an event's `event_id`."""
    kind: str
    """The command's class, by name."""
    payload: str
    """The command as JSON; sealed at rest."""
    received_at: datetime
