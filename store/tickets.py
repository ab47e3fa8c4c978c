"""Links to connect a service, and the attempts that they begin; each step is one compare-and-set."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from store.database import Tx
from store.errors import SealBroken
from store.members import owned, owner_of
from store.messages import message_of, message_values
from store.records import Attempt, Member, MessageRef, Secret, ServiceName, Ticket, TicketId, TicketState, WorkspaceId
from store.schema import UtcTime, message_columns, metadata, owner_key, states_check, states_sql, within

OPEN_TICKET_STATES = (
    TicketState.NEW,
    TicketState.IDENTIFYING,
    TicketState.AUTHORIZING,
    TicketState.EXCHANGING,
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("service", String, nullable=False),
    Column("state", String, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Column("settled_at", UtcTime),
    # Hashes only: whoever reads the database can use no link, cookie or state.
    Column("ticket_hash", String, nullable=False, unique=True),
    Column("cookie_hash", String),
    # Set when the browser is sent to Slack, and to the service; erased when the answer is claimed. So one that is left
    # after the end says that no answer ever came (`registrations.drop_unanswered`).
    Column("identity_state_hash", String, unique=True),
    Column("state_hash", String, unique=True),
    Column("nonce", String),
    # Sealed, as the client's secret is; both are needed once, for the exchange of the code.
    Column("verifier", Text),
    # From here on: what was validated when the browser was sent off. The callback uses this, whatever the service's
    # metadata says by then (docs/reference/oauth.md#session-fixation).
    Column("issuer", String),
    Column("token_endpoint", String),
    Column("redirect_uri", String),
    Column("resource", String),
    Column("scope", String),
    Column("client_id", String),
    Column("client_secret", Text),
    Column("auth_method", String),
    Column("iss_required", Boolean, nullable=False),
    Column("mcp_server_url", String),
    Column("userinfo_endpoint", String),
    *message_columns("card"),
    owner_key(),
    states_check(TicketState),
    CheckConstraint(
        "(verifier IS NULL AND client_secret IS NULL) OR state IN ('authorizing', 'exchanging')", name="secrets_erased"
    ),
    CheckConstraint("cookie_hash IS NULL OR settled_at IS NULL", name="cookie_erased"),
    # Of several links for one service only the newest works: an older one may have been seen by somebody.
    Index(
        "uq_tickets_one_open",
        "workspace_id",
        "owner_id",
        "service",
        unique=True,
        sqlite_where=text(states_sql("state", OPEN_TICKET_STATES)),
        postgresql_where=text(states_sql("state", OPEN_TICKET_STATES)),
    ),
    Index(
        "ix_tickets_interrupted",
        "state",
        sqlite_where=text("state IN ('exchanging')"),
        postgresql_where=text("state IN ('exchanging')"),
    ),
)


_SETTLED_STATES = frozenset(TicketState) - frozenset(OPEN_TICKET_STATES)
_ERASED = {"cookie_hash": None, "nonce": None, "verifier": None, "client_secret": None}


async def issue(tx: Tx, ticket: Ticket, ticket_hash: str) -> tuple[Ticket, ...]:
    """Store a new ticket; return the owner's open tickets for the service, which it supersedes."""
    older = await _supersede(
        tx, and_(_open_for(ticket.owner), tickets.c.service == ticket.service), TicketState.SUPERSEDED
    )
    await tx.connection.execute(
        insert(tickets).values(
            id=ticket.id,
            workspace_id=ticket.owner.workspace_id,
            owner_id=ticket.owner.user_id,
            service=ticket.service,
            state=ticket.state,
            expires_at=ticket.expires_at,
            ticket_hash=ticket_hash,
            iss_required=False,
            **message_values("card", ticket.card),
        )
    )
    return older


async def find_by_link(tx: Tx, ticket_hash: str) -> Ticket | None:
    """Return the ticket of a link, in any state, expired or not; None for an unknown link."""
    row = (await tx.connection.execute(owned(tickets).where(tickets.c.ticket_hash == ticket_hash))).one_or_none()
    return None if row is None else _read(row)


async def find(tx: Tx, owner: Member, ticket_id: TicketId) -> Ticket | None:
    """Return the owner's ticket, in any state; None for somebody else's."""
    query = owned(tickets).where(
        tickets.c.id == ticket_id,
        tickets.c.workspace_id == owner.workspace_id,
        tickets.c.owner_id == owner.user_id,
    )
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else _read(row)


async def claim_start(
    tx: Tx, ticket_id: TicketId, *, cookie_hash: str, state_hash: str, nonce: str, now: datetime
) -> bool:
    """Bind a new ticket to one browser; False if it has expired or another browser was faster."""
    return await _claim(
        tx,
        and_(_at(ticket_id, TicketState.NEW), tickets.c.expires_at > now),
        state=TicketState.IDENTIFYING,
        cookie_hash=cookie_hash,
        identity_state_hash=state_hash,
        nonce=nonce,
    )


async def find_by_identity_state(tx: Tx, state_hash: str) -> Attempt | None:
    """Return the attempt whose browser is at Sign in with Slack; None once Slack's answer was claimed."""
    query = owned(tickets).where(
        tickets.c.identity_state_hash == state_hash, tickets.c.state == TicketState.IDENTIFYING
    )
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else _read_attempt(tx, row)


async def claim_identity(tx: Tx, ticket_id: TicketId) -> bool:
    """Claim Slack's answer, success or error; False if an answer was claimed before."""
    # The state changes once the browser is sent on; until then the erased hash says that an answer was claimed.
    where = and_(_at(ticket_id, TicketState.IDENTIFYING), tickets.c.identity_state_hash.is_not(None))
    return await _claim(tx, where, identity_state_hash=None)


async def claim_authorizing(tx: Tx, attempt: Attempt, *, state_hash: str, now: datetime) -> bool:
    """Store what the exchange will need, before the browser goes to the service; False if the attempt has ended."""
    key = attempt.ticket.id
    return await _claim(
        tx,
        and_(_at(key, TicketState.IDENTIFYING), tickets.c.expires_at > now),
        state=TicketState.AUTHORIZING,
        state_hash=state_hash,
        verifier=tx.sealer.seal_secret(attempt.verifier, place=f"tickets.verifier:{key}"),
        issuer=attempt.issuer,
        token_endpoint=attempt.token_endpoint,
        userinfo_endpoint=attempt.userinfo_endpoint,
        redirect_uri=attempt.redirect_uri,
        resource=attempt.resource,
        scope=attempt.scope,
        client_id=attempt.client_id,
        client_secret=tx.sealer.seal_secret(attempt.client_secret, place=f"tickets.client_secret:{key}"),
        auth_method=attempt.auth_method,
        iss_required=attempt.iss_required,
        mcp_server_url=attempt.mcp_server_url,
    )


async def find_by_state(tx: Tx, state_hash: str) -> Attempt | None:
    """Return the attempt whose browser is at the service; None once its answer was claimed."""
    query = owned(tickets).where(tickets.c.state_hash == state_hash, tickets.c.state == TicketState.AUTHORIZING)
    row = (await tx.connection.execute(query)).one_or_none()
    return None if row is None else _read_attempt(tx, row)


async def claim_exchange(tx: Tx, ticket_id: TicketId, now: datetime) -> bool:
    """Claim the service's answer, success or error; False if one was claimed before, or the attempt has expired."""
    return await _claim(
        tx,
        and_(_at(ticket_id, TicketState.AUTHORIZING), tickets.c.expires_at > now),
        state=TicketState.EXCHANGING,
        state_hash=None,
    )


async def settle(tx: Tx, ticket_id: TicketId, state: TicketState, now: datetime) -> bool:
    """End an attempt and erase its secrets; False if it had ended before (superseded, voided)."""
    if state not in _SETTLED_STATES:
        raise ValueError(f"{state} is not an end")
    # An expired one can be ended too: whoever did not come back in time is to be told so.
    where = and_(tickets.c.id == ticket_id, within(tickets.c.state, OPEN_TICKET_STATES))
    return await _claim(tx, where, state=state, settled_at=now, **_ERASED)


async def set_card(tx: Tx, ticket_id: TicketId, card: MessageRef) -> None:
    """Store which message has the link's button."""
    await tx.connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(**message_values("card", card)))


async def count_open(tx: Tx, owner: Member, now: datetime) -> int:
    """Return how many of the owner's links are open and not expired."""
    query = select(func.count()).select_from(tickets).where(_open_for(owner), tickets.c.expires_at > now)
    return int((await tx.connection.execute(query)).scalar_one())


async def count_issued(tx: Tx, workspace_id: WorkspaceId, since: datetime, owner: Member | None = None) -> int:
    """Return how many links that expire after `since`, in any state, a workspace or one member was issued."""
    where = and_(tickets.c.workspace_id == workspace_id, tickets.c.expires_at > since)
    if owner is not None:
        where = and_(where, tickets.c.owner_id == owner.user_id)
    return int((await tx.connection.execute(select(func.count()).select_from(tickets).where(where))).scalar_one())


async def void_workspace(tx: Tx, workspace_id: WorkspaceId) -> int:
    """End every open link and attempt of a workspace; return how many."""
    where = and_(tickets.c.workspace_id == workspace_id, within(tickets.c.state, OPEN_TICKET_STATES))
    return len(await _supersede(tx, where, TicketState.FAILED))


async def void_for(tx: Tx, owner: Member, service: ServiceName | None = None) -> int:
    """End the owner's open links and attempts, or those for one service; return how many."""
    where = _open_for(owner) if service is None else and_(_open_for(owner), tickets.c.service == service)
    return len(await _supersede(tx, where, TicketState.FAILED))


async def void_service(tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> int:
    """End every member's open links and attempts for a service; return how many."""
    where = and_(
        tickets.c.workspace_id == workspace_id,
        tickets.c.service == service,
        within(tickets.c.state, OPEN_TICKET_STATES),
    )
    return len(await _supersede(tx, where, TicketState.FAILED))


async def list_exchanging(tx: Tx, expired_before: datetime | None = None) -> tuple[Ticket, ...]:
    """Return the attempts that are exchanging a code; with a time, only those that expired before it."""
    query = owned(tickets).where(within(tickets.c.state, (TicketState.EXCHANGING,))).order_by(tickets.c.expires_at)
    if expired_before is not None:
        query = query.where(tickets.c.expires_at < expired_before)
    rows = await tx.connection.execute(query)
    return tuple(_read(row) for row in rows)


async def purge(tx: Tx, before: datetime) -> int:
    """Delete tickets that expired before a time, except those that are exchanging a code; return how many."""
    # Those are ended and told by `AttemptStore.recover` first: deleted, nobody would hear what became of the link.
    return await tx.changed(
        delete(tickets).where(tickets.c.expires_at < before, tickets.c.state != TicketState.EXCHANGING)
    )


async def _supersede(tx: Tx, where: ColumnElement[bool], state: TicketState) -> tuple[Ticket, ...]:
    rows = (await tx.connection.execute(owned(tickets).where(where))).all()
    await tx.connection.execute(update(tickets).where(where).values(state=state, **_ERASED))
    return tuple(replace(_read(row), state=state) for row in rows)


async def _claim(tx: Tx, where: ColumnElement[bool], **values: object) -> bool:
    return await tx.changed(update(tickets).where(where).values(**values)) == 1


def _at(ticket_id: TicketId, state: TicketState) -> ColumnElement[bool]:
    return and_(tickets.c.id == ticket_id, tickets.c.state == state)


def _open_for(owner: Member) -> ColumnElement[bool]:
    return and_(
        tickets.c.workspace_id == owner.workspace_id,
        tickets.c.owner_id == owner.user_id,
        within(tickets.c.state, OPEN_TICKET_STATES),
    )


def _read(row: Row[Any]) -> Ticket:
    return Ticket(
        id=row.id,
        owner=owner_of(row),
        service=row.service,
        state=TicketState(row.state),
        expires_at=row.expires_at,
        card=message_of(row.card_channel, row.card_ts),
    )


def _read_attempt(tx: Tx, row: Row[Any]) -> Attempt:
    try:
        verifier = tx.sealer.open_secret(row.verifier, place=f"tickets.verifier:{row.id}")
        secret = tx.sealer.open_secret(row.client_secret, place=f"tickets.client_secret:{row.id}")
    except SealBroken:
        # Without its secrets it can still be ended, and its member told.
        return replace(_attempt(row, None, None), is_readable=False)
    return _attempt(row, verifier, secret)


def _attempt(row: Row[Any], verifier: Secret | None, client_secret: Secret | None) -> Attempt:
    return Attempt(
        ticket=_read(row),
        cookie_hash=row.cookie_hash,
        nonce=row.nonce,
        verifier=verifier,
        issuer=row.issuer,
        token_endpoint=row.token_endpoint,
        userinfo_endpoint=row.userinfo_endpoint,
        redirect_uri=row.redirect_uri,
        resource=row.resource,
        scope=row.scope,
        client_id=row.client_id,
        client_secret=client_secret,
        auth_method=row.auth_method,
        iss_required=row.iss_required,
        mcp_server_url=row.mcp_server_url,
    )
