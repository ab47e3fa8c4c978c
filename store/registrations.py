"""Our OAuth clients at issuers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    exists,
    or_,
    select,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from store.database import Tx
from store.errors import NotFound, SealBroken
from store.records import Registration, ServiceName, TicketState
from store.schema import UtcTime, metadata, within
from store.tickets import tickets

registrations = Table(
    "registrations",
    metadata,
    Column("service", String, primary_key=True),
    Column("issuer", String, primary_key=True),
    Column("redirect_uri", String, primary_key=True),
    Column("client_id", String, nullable=False),
    Column("client_secret", Text),
    Column("auth_method", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    CheckConstraint("auth_method IN ('none', 'client_secret_basic', 'client_secret_post')", name="auth_method"),
)


async def find(tx: Tx, service: ServiceName, issuer: str, redirect_uri: str) -> Registration | None:
    """Return our client, expired or not. One whose secret does not open is forgotten: another is registered."""
    query = select(registrations).where(_key(service, issuer, redirect_uri))
    row = (await tx.connection.execute(query)).one_or_none()
    try:
        return None if row is None else _read(tx, row)
    except SealBroken:
        await tx.connection.execute(delete(registrations).where(_key(service, issuer, redirect_uri)))
        return None


async def put_first(tx: Tx, registration: Registration) -> Registration:
    """Store a client unless there is one that opens; return the one that is there now."""
    await find(tx, registration.service, registration.issuer, registration.redirect_uri)
    added = tx.insert(registrations).values(
        service=registration.service,
        issuer=registration.issuer,
        redirect_uri=registration.redirect_uri,
        client_id=registration.client_id,
        client_secret=tx.sealer.seal_secret(registration.client_secret, place=_place(registration)),
        auth_method=registration.auth_method,
        created_at=registration.created_at,
        expires_at=registration.expires_at,
    )
    await tx.connection.execute(added.on_conflict_do_nothing())
    winner = await find(tx, registration.service, registration.issuer, registration.redirect_uri)
    if winner is None:
        raise NotFound("registration", registration.service)
    return winner


async def drop(tx: Tx, registration: Registration) -> None:
    """Forget this client; one that took its place stays. Idempotent."""
    await tx.connection.execute(
        delete(registrations).where(
            _key(registration.service, registration.issuer, registration.redirect_uri),
            registrations.c.client_id == registration.client_id,
        )
    )


async def drop_unanswered(tx: Tx, now: datetime) -> int:
    """Forget each client with which a browser was sent off that never came back; return how many.

    A server that does not know a client must not redirect (RFC 6749 §4.1.2.1): people see its own page, and we see
    nothing. Where an attempt that began later did come back, the client is known there, and somebody merely left.
    """
    lost, later = tickets.alias("lost"), tickets.alias("later")
    is_over = or_(within(lost.c.state, (TicketState.SUPERSEDED, TicketState.FAILED)), lost.c.expires_at <= now)
    is_known = exists().where(_is_with(later.c), later.c.state_hash.is_(None), later.c.expires_at > lost.c.expires_at)
    is_unanswered = exists().where(_is_with(lost.c), lost.c.state_hash.is_not(None), is_over, ~is_known)
    return await tx.changed(delete(registrations).where(is_unanswered))


async def forget(tx: Tx, service: ServiceName) -> int:
    """Forget every client that we are at a service; return how many."""
    return await tx.changed(delete(registrations).where(registrations.c.service == service))


def _is_with(attempt: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[bool]:
    return and_(
        attempt.service == registrations.c.service,
        attempt.issuer == registrations.c.issuer,
        attempt.client_id == registrations.c.client_id,
    )


def _key(service: str, issuer: str, redirect_uri: str) -> ColumnElement[bool]:
    return and_(
        registrations.c.service == service,
        registrations.c.issuer == issuer,
        registrations.c.redirect_uri == redirect_uri,
    )


async def list_sealed(tx: Tx) -> list[tuple[str, str]]:
    """Return the clients' secrets, each with its place."""
    rows = (await tx.connection.execute(select(registrations))).all()
    return [(row.client_secret, _place(row)) for row in rows if row.client_secret is not None]


def _place(row: Registration | Row[Any]) -> str:
    # A URL has no spaces, so the three parts cannot be cut in another way.
    return f"registrations.client_secret:{row.service} {row.issuer} {row.redirect_uri}"


def _read(tx: Tx, row: Row[Any]) -> Registration:
    return Registration(
        service=row.service,
        issuer=row.issuer,
        redirect_uri=row.redirect_uri,
        client_id=row.client_id,
        client_secret=tx.sealer.open_secret(row.client_secret, place=_place(row)),
        auth_method=row.auth_method,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
