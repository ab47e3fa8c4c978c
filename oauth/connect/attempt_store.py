"""Reads, claims and ends tickets, and says who is told of the end. Races are decided here, by compare-and-set.

`oauth/connect/authorize.py` goes to the service, `oauth/connect/callback.py` comes back from it.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from oauth.connect.browser import build_cookie_name, derive_state, hash_secret, is_same_browser
from oauth.errors import (
    AttemptEnded,
    CodeRefused,
    ConnectError,
    CredentialNotStored,
    CredentialRefused,
    IdentityMismatch,
    NoRoom,
    NotPermittedNow,
    Reason,
    RuleBroken,
    ServiceDeclined,
    ServiceNotAvailable,
    TicketUnusable,
    UnknownService,
)
from oauth.ports import Clock, Failure, Outcomes
from oauth.protocol.authorization import EarlierRequest, parse_state
from store import audit, connections, tickets
from store.database import Database, Tx
from store.records import Attempt, AuditEntry, Connection, Ticket, TicketState

LINK_LIFE = timedelta(minutes=10)
"""How long a link and the attempt behind it are good for."""

log = structlog.get_logger(__name__)

Pairs = Sequence[tuple[str, str]]
"""A query, in order, with what is repeated."""


def new_reference() -> str:
    """Return a short word for people to quote and operators to search the log for."""
    return secrets.token_hex(4).upper()


class AttemptStore:
    """Every attempt of every member; the database decides each race."""

    def __init__(self, *, database: Database, outcomes: Outcomes, clock: Clock) -> None:
        self._database = database
        self._outcomes = outcomes
        self._clock = clock

    def now(self) -> datetime:
        """Return the current time."""
        return self._clock.now()

    async def peek(self, link: str) -> Ticket:
        """Return the ticket of an unused link, without any effect. Raises `TicketUnusable`."""
        async with self._database.transaction() as tx:
            ticket = await tickets.find_by_link(tx, hash_secret(link))
        return _require_new(ticket, self.now())

    async def start(self, link: str, *, cookie: str, state: str, nonce: str) -> Ticket:
        """Claim the link for one browser. Raises `TicketUnusable` for all but the first."""
        ticket = await self.peek(link)
        async with self._database.transaction() as tx:
            is_ours = await tickets.claim_start(
                tx,
                ticket.id,
                cookie_hash=hash_secret(cookie),
                state_hash=hash_secret(state),
                nonce=nonce,
                now=self.now(),
            )
        if not is_ours:
            raise TicketUnusable(Reason.USED)
        return ticket

    async def find_started(self, link: str, cookies: Mapping[str, str]) -> tuple[Attempt, str] | None:
        """Return the attempt that this very browser began with the link, and its cookie, until Slack has answered."""
        async with self._database.transaction() as tx:
            ticket = await tickets.find_by_link(tx, hash_secret(link))
            cookie = cookies.get(build_cookie_name(ticket)) if ticket else None
            attempt = await tickets.find_by_identity_state(tx, hash_secret(derive_state(cookie))) if cookie else None
        if attempt is None or cookie is None or attempt.ticket != ticket or ticket.expires_at <= self.now():
            return None
        return attempt, cookie

    async def find_identifying(self, pairs: Pairs, cookies: Mapping[str, str]) -> Attempt:
        """Return the attempt that comes back from Slack in its own browser. Raises as `_require_browser`."""
        state = _read_state(pairs)
        async with self._database.transaction() as tx:
            attempt = await tickets.find_by_identity_state(tx, hash_secret(state))
        return await self._require_browser(attempt, cookies, self.claim_identity)

    async def find_earlier(self, ticket: Ticket, mcp_url: str) -> EarlierRequest | None:
        """Return what the owner's present connection to the server may do; to connect again keeps it."""
        async with self._database.transaction() as tx:
            connection = await connections.find(tx, ticket.owner, ticket.service)
        if connection is None or connection.mcp_server_url != mcp_url:
            return None
        return EarlierRequest(connection.asked_scope or connection.scope)

    async def find_authorizing(self, pairs: Pairs, cookies: Mapping[str, str]) -> Attempt:
        """Return the attempt that comes back from the service in its own browser. Raises as `_require_browser`."""
        state = _read_state(pairs)
        async with self._database.transaction() as tx:
            attempt = await tickets.find_by_state(tx, hash_secret(state))
        return await self._require_browser(attempt, cookies, self.claim_exchange)

    async def _require_browser(
        self, attempt: Attempt | None, cookies: Mapping[str, str], claim: Callable[[Attempt], Awaitable[None]]
    ) -> Attempt:
        """Return the attempt if it is back in its own browser; end it where its answer came in another one.

        Only who was given the address knows the state, so it was passed on. The answer in it may be another person's
        consent: whoever began must not be able to use it. Raises `TicketUnusable`, `AttemptEnded`.
        """
        if attempt is None:
            raise TicketUnusable(Reason.USED)
        if is_same_browser(attempt.ticket, attempt.cookie_hash, cookies):
            return attempt
        async with self.ending_on_error(attempt.ticket):
            await claim(attempt)
            raise TicketUnusable(Reason.OTHER_BROWSER)

    async def claim_identity(self, attempt: Attempt) -> None:
        """Take the one right to use Slack's answer, good or bad. Raises `TicketUnusable`."""
        async with self._database.transaction() as tx:
            is_ours = await tickets.claim_identity(tx, attempt.ticket.id)
        if not is_ours:
            raise TicketUnusable(Reason.USED)

    async def claim_authorizing(self, attempt: Attempt, state: str) -> None:
        """Record what the way back needs. Raises `TicketUnusable` if the attempt has ended meanwhile."""
        async with self._database.transaction() as tx:
            is_ours = await tickets.claim_authorizing(tx, attempt, state_hash=hash_secret(state), now=self.now())
            if is_ours:
                await self._record(tx, attempt.ticket, "connect.identified", {})
        if not is_ours:
            raise TicketUnusable(Reason.USED)

    async def claim_exchange(self, attempt: Attempt) -> None:
        """Take the one right to use the service's answer, good or bad. Raises `TicketUnusable`."""
        async with self._database.transaction() as tx:
            is_ours = await tickets.claim_exchange(tx, attempt.ticket.id, self.now())
        if not is_ours:
            raise TicketUnusable(Reason.USED)

    @asynccontextmanager
    async def ending_on_error(self, ticket: Ticket) -> AsyncIterator[None]:
        """End the attempt if the block does not succeed, whatever happens in it.

        Who lost a race (`Reason.USED`) ends nothing: the attempt is the winner's. Raises
        `AttemptEnded` for what the block refuses; a bug goes on to the web's catch-all.
        """
        cause: ConnectError | None = None
        is_over = False
        try:
            self._require_time(ticket)
            yield
            is_over = True
        except TicketUnusable as error:
            cause = error
            is_over = error.reason is Reason.USED
        except ConnectError as error:
            cause = error
        finally:
            if not is_over:
                reference = await self._fail(ticket, cause)
        if is_over and cause is not None:
            raise cause
        if cause is not None:
            raise AttemptEnded(cause, ticket.service, reference) from cause

    def _require_time(self, ticket: Ticket) -> None:
        if ticket.expires_at <= self.now():
            raise TicketUnusable(Reason.EXPIRED)

    async def finish(self, ticket: Ticket, connection: Connection) -> bool:
        """Settle as done; False where the attempt was voided while it was going on."""
        async with self._database.transaction() as tx:
            is_done = await tickets.settle(tx, ticket.id, TicketState.DONE, self.now())
            if is_done:
                details = {
                    "connection": connection.id,
                    "scope": connection.scope or "",
                    "asked": connection.asked_scope or "",
                }
                await self._record(tx, ticket, "connect.connected", details)
                await self._outcomes.connected(tx, ticket, connection)
        return is_done

    def tell(self, ticket: Ticket) -> None:
        """Have the member told that they are connected."""
        log.info("connect.connected", service=ticket.service)
        self._outcomes.send(ticket)

    async def want_code(self, ticket: Ticket, until: datetime) -> None:
        """Ask the member for the code that their browser shows."""
        async with self._database.transaction() as tx:
            await self._record(tx, ticket, "connect.code_wanted", {})
        await self._outcomes.code_wanted(ticket, until)

    async def recover(self, expired_before: datetime | None = None) -> tuple[Ticket, ...]:
        """End the attempts that were cut off in the middle of an exchange; return those that failed.

        Without a time, all of them: nobody carries one on. With one, those whose own time was over before it, for the
        others may be in the hands of this process, or of another one. A connection that was recorded since the link
        was made is this attempt's: it is there and works, so the member is told that, not that it failed.
        """
        failed = []
        async with self._database.transaction() as tx:
            interrupted = await tickets.list_exchanging(tx, expired_before)
            made = [await connections.find(tx, ticket.owner, ticket.service) for ticket in interrupted]
        for ticket, connection in zip(interrupted, made, strict=True):
            if connection is None or connection.connected_at < ticket.expires_at - LINK_LIFE:
                failed.append(ticket)
                await self._fail(ticket, None)
            elif await self.finish(ticket, connection):
                self.tell(ticket)
        return tuple(failed)

    async def _fail(self, ticket: Ticket, cause: ConnectError | None) -> str:
        reference = new_reference()
        failure = _failure_of(cause)
        data = describe(cause) if cause is not None else {"error": "interrupted"}
        async with self._database.transaction() as tx:
            is_ours = await tickets.settle(tx, ticket.id, TicketState.FAILED, self.now())
            await self._record(tx, ticket, "connect.failed", {"failure": failure, "reference": reference, **data})
            if is_ours:
                await self._outcomes.failed(tx, ticket, failure, reference)
        log.warning("connect.failed", service=ticket.service, failure=failure, reference=reference, **data)
        if is_ours:
            self._outcomes.send(ticket)
        return reference

    async def _record(self, tx: Tx, ticket: Ticket, action: str, details: dict[str, str]) -> None:
        owner = ticket.owner
        await audit.record(
            tx, AuditEntry(self.now(), owner.workspace_id, owner.user_id, action, ticket.service, details)
        )


def describe(error: ConnectError) -> dict[str, str]:
    """Return what of an error may be logged: our own words and known codes, never upstream prose."""
    names = ("step", "rule", "status", "code", "reason")
    return {"error": type(error).__name__} | {
        name: str(value) for name in names if (value := getattr(error, name, None)) is not None
    }


def _require_new(ticket: Ticket | None, now: datetime) -> Ticket:
    if ticket is None:
        raise TicketUnusable(Reason.UNKNOWN)
    if ticket.state is TicketState.SUPERSEDED:
        raise TicketUnusable(Reason.SUPERSEDED)
    if ticket.state is not TicketState.NEW:
        raise TicketUnusable(Reason.USED)
    if ticket.expires_at <= now:
        raise TicketUnusable(Reason.EXPIRED)
    return ticket


def _read_state(pairs: Pairs) -> str:
    try:
        return parse_state(pairs)
    except RuleBroken as error:
        raise TicketUnusable(Reason.MALFORMED) from error


def _failure_of(cause: ConnectError | None) -> Failure:
    if isinstance(cause, ServiceDeclined) and cause.code == "access_denied":
        return Failure.DENIED
    if isinstance(cause, TicketUnusable):
        return _UNUSABLE.get(cause.reason, Failure.SERVICE)
    if isinstance(cause, NotPermittedNow):
        return cause.reason
    return _FAILURES.get(type(cause), Failure.SERVICE)


_UNUSABLE = {Reason.EXPIRED: Failure.EXPIRED, Reason.LOST: Failure.EXPIRED, Reason.OTHER_BROWSER: Failure.OTHER_BROWSER}
_FAILURES: dict[type, Failure] = {
    CodeRefused: Failure.CODE,
    CredentialNotStored: Failure.VAULT,
    CredentialRefused: Failure.NOT_WORKING,
    IdentityMismatch: Failure.SOMEBODY_ELSE,
    NoRoom: Failure.VAULT_FULL,
    ServiceNotAvailable: Failure.NOT_OFFERED,
    UnknownService: Failure.NOT_OFFERED,
}
