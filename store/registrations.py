"""Our dynamically registered OAuth clients, one for each service, issuer and redirect URI."""

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
    """Return our client, expired or not; None if there is none. One whose secret does not open is deleted."""
    query = select(registrations).where(_key(service, issuer, redirect_uri))
    row = (await tx.connection.execute(query)).one_or_none()
    try:
        return None if row is None else _read(tx, row)
    except SealBroken:
        # Nothing is lost: the caller registers another client. Kept, it would stand in that one's place.
        await tx.connection.execute(delete(registrations).where(_key(service, issuer, redirect_uri)))
        return None


async def put_first(tx: Tx, registration: Registration) -> Registration:
    """Store a client unless there is one already; return the stored one."""
    # Deletes one whose secret does not open, which would otherwise win.
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
    """Delete this client, and no other that took its place. Idempotent."""
    await tx.connection.execute(
        delete(registrations).where(
            _key(registration.service, registration.issuer, registration.redirect_uri),
            registrations.c.client_id == registration.client_id,
        )
    )


async def drop_unanswered(tx: Tx, now: datetime) -> int:
    """Delete each client that its server seems to have forgotten; return how many (docs/decisions/0038).

    Its sign: a browser was sent off with it, and the attempt has ended without an answer.
    """
    # A server that does not know a client must not redirect (RFC 6749 §4.1.2.1): it shows its own error to the browser
    # and we see nothing. An attempt without an answer still has its state's hash, which `claim_exchange` erases.
    lost, later = tickets.alias("lost"), tickets.alias("later")
    is_over = or_(within(lost.c.state, (TicketState.SUPERSEDED, TicketState.FAILED)), lost.c.expires_at <= now)
    # If a later attempt was answered, the server knows the client, and somebody merely closed the page.
    is_known = exists().where(_is_with(later.c), later.c.state_hash.is_(None), later.c.expires_at > lost.c.expires_at)
    is_unanswered = exists().where(_is_with(lost.c), lost.c.state_hash.is_not(None), is_over, ~is_known)
    return await tx.changed(delete(registrations).where(is_unanswered))


async def forget(tx: Tx, service: ServiceName) -> int:
    """Delete all our clients for a service; return how many."""
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
    """Return the sealed client secrets, each with its place."""
    rows = (await tx.connection.execute(select(registrations))).all()
    return [(row.client_secret, _place(row)) for row in rows if row.client_secret is not None]


def _place(row: Registration | Row[Any]) -> str:
    # A URL has no spaces, so two different sets of parts never give the same text.
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
