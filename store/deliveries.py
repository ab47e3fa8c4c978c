"""Requests from Slack: which were seen, and which still have to be carried out (docs/decisions/0010)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Row, String, Table, Text, delete, select, update

from store.database import Tx
from store.ids import new_id
from store.records import Delivery, DeliveryId, DeliveryState
from store.schema import UtcTime, metadata, states_check

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    # Slack repeats a request that got no answer (docs/reference/slack.md#repeated-events): the key makes them one.
    Column("key", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    # Sealed; empty once it is carried out. The key stays, to know later repetitions.
    Column("payload", Text),
    Column("state", String, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    states_check(DeliveryState),
    CheckConstraint("(state = 'received') = (payload IS NOT NULL)", name="payload_erased"),
    Index("ix_deliveries_state_received_at", "state", "received_at"),
)


async def claim(tx: Tx, key: str, kind: str, payload: str, now: datetime) -> Delivery | None:
    """Store and return a request; None if its key was seen before."""
    delivery = Delivery(id=DeliveryId(new_id("dlv")), key=key, kind=kind, payload=payload, received_at=now)
    added = tx.insert(deliveries).values(
        id=delivery.id,
        key=key,
        kind=kind,
        payload=tx.sealer.seal(payload, place=_place(delivery.id)),
        state=DeliveryState.RECEIVED,
        received_at=now,
    )
    is_new = await tx.changed(added.on_conflict_do_nothing(index_elements=["key"])) == 1
    return delivery if is_new else None


async def is_known(tx: Tx, key: str) -> bool:
    """Say whether a request with this key was stored before."""
    found = await tx.connection.execute(select(deliveries.c.id).where(deliveries.c.key == key))
    return found.one_or_none() is not None


async def settle(tx: Tx, delivery_id: DeliveryId, kind: str, payload: str) -> None:
    """Replace a request by its outcome, which is still to be told."""
    # In the same row: a crash before the telling leaves the outcome to be told, and never the request to be repeated.
    sealed = tx.sealer.seal(payload, place=_place(delivery_id))
    await tx.connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.RECEIVED)
        .values(kind=kind, payload=sealed)
    )


async def done(tx: Tx, delivery_id: DeliveryId) -> None:
    """Record that a request was carried out, and erase its payload. Idempotent."""
    await tx.connection.execute(
        update(deliveries).where(deliveries.c.id == delivery_id).values(state=DeliveryState.DONE, payload=None)
    )


async def list_received(tx: Tx) -> tuple[DeliveryId, ...]:
    """Return the requests that are not carried out, the oldest first."""
    # Ids only: one that does not open must not keep the others from being carried out.
    rows = await tx.connection.execute(
        select(deliveries.c.id)
        .where(deliveries.c.state == DeliveryState.RECEIVED)
        .order_by(deliveries.c.received_at, deliveries.c.id)
    )
    return tuple(DeliveryId(delivery_id) for delivery_id in rows.scalars())


async def find_received(tx: Tx, delivery_id: DeliveryId) -> Delivery | None:
    """Return a request that is not carried out, None for any other. Raises `SealBroken`."""
    row = (
        await tx.connection.execute(
            select(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.RECEIVED)
        )
    ).one_or_none()
    return None if row is None else _read(tx, row)


async def list_sealed(tx: Tx) -> list[tuple[str, str]]:
    """Return the sealed payloads of requests that are not carried out, each with its place."""
    query = select(deliveries.c.id, deliveries.c.payload).where(deliveries.c.state == DeliveryState.RECEIVED)
    return [(row.payload, _place(row.id)) for row in await tx.connection.execute(query)]


async def purge(tx: Tx, before: datetime) -> int:
    """Delete requests that were carried out and received before a time; return how many."""
    return await tx.changed(
        delete(deliveries).where(deliveries.c.state == DeliveryState.DONE, deliveries.c.received_at < before)
    )


async def purge_unreadable(tx: Tx, before: datetime) -> int:
    """Delete requests from before a time that were never carried out and do not open; return how many."""
    # Not at once: the missing key may be put back (docs/decisions/0047).
    where = (deliveries.c.state == DeliveryState.RECEIVED) & (deliveries.c.received_at < before)
    rows = (await tx.connection.execute(select(deliveries.c.id, deliveries.c.payload).where(where))).all()
    broken = [row.id for row in rows if tx.sealer.open_if_whole(row.payload, place=_place(row.id)) is None]
    return await tx.changed(delete(deliveries).where(deliveries.c.id.in_(broken))) if broken else 0


def _place(delivery_id: DeliveryId) -> str:
    return f"deliveries.payload:{delivery_id}"


def _read(tx: Tx, row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        key=row.key,
        kind=row.kind,
        payload=tx.sealer.open_sealed(row.payload, place=_place(row.id)),
        received_at=row.received_at,
    )
