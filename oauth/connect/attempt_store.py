"""Reads, claims and ends the tickets of attempts; every race is decided here, by compare-and-set.

`oauth/connect/authorize.py` sends the browser to the service, `oauth/connect/callback.py` handles its return.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

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
from store.records import LINK_LIFE, Attempt, AuditEntry, Connection, Ticket, TicketState

log = structlog.get_logger(__name__)

Pairs = Sequence[tuple[str, str]]
"""A query's parameters in order, with repeated ones."""


def new_reference() -> str:
    """Return eight hex digits that people can quote and operators can find in the log."""
    return secrets.token_hex(4).upper()


class AttemptStore:
    """The attempts of all members, as they are in the database; one per process."""

    def __init__(self, *, database: Database, outcomes: Outcomes, clock: Clock) -> None:
        self._database = database
        self._outcomes = outcomes
        self._clock = clock

    def now(self) -> datetime:
        """Return the current time."""
        return self._clock.now()

    async def peek(self, link: str) -> Ticket:
        """Return the ticket of an unused link, without changing anything. Raises `TicketUnusable`."""
        async with self._database.transaction() as tx:
            ticket = await tickets.find_by_link(tx, hash_secret(link))
        return _require_new(ticket, self.now())

    async def start(self, link: str, *, cookie: str, state: str, nonce: str) -> Ticket:
        """Claim the link for one browser; every other one gets `TicketUnusable`."""
        # For the reason of a refusal; the claim below decides, since a second browser may be as fast.
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
        """Return the attempt that this browser began with the link, and its cookie; None once Slack has answered."""
        # By the state: its hash is erased when Slack's answer is claimed, so a later step finds nothing here.
        async with self._database.transaction() as tx:
            ticket = await tickets.find_by_link(tx, hash_secret(link))
            cookie = cookies.get(build_cookie_name(ticket)) if ticket else None
            attempt = await tickets.find_by_identity_state(tx, hash_secret(derive_state(cookie))) if cookie else None
        if attempt is None or cookie is None or attempt.ticket != ticket or ticket.expires_at <= self.now():
            return None
        return attempt, cookie

    async def find_identifying(self, pairs: Pairs, cookies: Mapping[str, str]) -> Attempt:
        """Return the attempt that returns from Slack in its own browser. Raises `TicketUnusable`, `AttemptEnded`."""
        state = _read_state(pairs)
        async with self._database.transaction() as tx:
            attempt = await tickets.find_by_identity_state(tx, hash_secret(state))
        return await self._require_browser(attempt, cookies, self.claim_identity)

    async def find_earlier(self, ticket: Ticket, mcp_url: str) -> EarlierRequest | None:
        """Return the authorization behind the owner's connection to this server; connecting again keeps its scope."""
        async with self._database.transaction() as tx:
            connection = await connections.find(tx, ticket.owner, ticket.service)
        if connection is None or connection.mcp_server_url != mcp_url:
            return None
        return EarlierRequest(connection.asked_scope or connection.scope)

    async def find_authorizing(self, pairs: Pairs, cookies: Mapping[str, str]) -> Attempt:
        """Return the attempt that returns from the service in its own browser.

        Raises `TicketUnusable`, `AttemptEnded`.
        """
        state = _read_state(pairs)
        async with self._database.transaction() as tx:
            attempt = await tickets.find_by_state(tx, hash_secret(state))
        return await self._require_browser(attempt, cookies, self.claim_exchange)

    async def _require_browser(
        self, attempt: Attempt | None, cookies: Mapping[str, str], claim: Callable[[Attempt], Awaitable[None]]
    ) -> Attempt:
        if attempt is None:
            raise TicketUnusable(Reason.USED)
        if is_same_browser(attempt.ticket, attempt.cookie_hash, cookies):
            return attempt
        # Nobody guesses a state, so this URL was passed on, and the code in it may be another person's consent. Left
        # open, the attempt's own browser could open the same URL and connect that person's account: it ends here.
        async with self.ending_on_error(attempt.ticket):
            await claim(attempt)
            raise TicketUnusable(Reason.OTHER_BROWSER)

    async def claim_identity(self, attempt: Attempt) -> None:
        """Take the only right to use Slack's answer, success or error. Raises `TicketUnusable`."""
        async with self._database.transaction() as tx:
            is_ours = await tickets.claim_identity(tx, attempt.ticket.id)
        if not is_ours:
            raise TicketUnusable(Reason.USED)

    async def claim_authorizing(self, attempt: Attempt, state: str) -> None:
        """Record what the callback needs. Raises `TicketUnusable` if the attempt has ended meanwhile."""
        async with self._database.transaction() as tx:
            is_ours = await tickets.claim_authorizing(tx, attempt, state_hash=hash_secret(state), now=self.now())
            if is_ours:
                await self._record(tx, attempt.ticket, "connect.identified", {})
        if not is_ours:
            raise TicketUnusable(Reason.USED)

    async def claim_exchange(self, attempt: Attempt) -> None:
        """Take the only right to use the service's answer, success or error. Raises `TicketUnusable`."""
        async with self._database.transaction() as tx:
            is_ours = await tickets.claim_exchange(tx, attempt.ticket.id, self.now())
        if not is_ours:
            raise TicketUnusable(Reason.USED)

    @asynccontextmanager
    async def ending_on_error(self, ticket: Ticket) -> AsyncIterator[None]:
        """End the attempt as failed if the block raises anything, also by a bug or a cancelled request.

        A `ConnectError` becomes `AttemptEnded`; everything else passes through to the web's catch-all. `Reason.USED`
        passes through too and ends nothing.
        """
        cause: ConnectError | None = None
        is_over = False
        try:
            self._require_time(ticket)
            yield
            is_over = True
        except TicketUnusable as error:
            cause = error
            # The block lost a race: the attempt belongs to the winner, and is not ours to end.
            is_over = error.reason is Reason.USED
        except ConnectError as error:
            cause = error
        finally:
            # Here and not in an `except`: a cancelled request (the browser went away) must not leave it open.
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
        """Settle the attempt as done; False where it was voided or superseded meanwhile."""
        # Settled, audited and owed to the member at once: a crash leaves all of it or nothing (docs/decisions/0045).
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
        """Have the member told that they are connected; after `finish`, outside its transaction."""
        log.info("connect.connected", service=ticket.service)
        self._outcomes.send(ticket)

    async def want_code(self, ticket: Ticket, until: datetime) -> None:
        """Ask the member for the code that their browser shows."""
        async with self._database.transaction() as tx:
            await self._record(tx, ticket, "connect.code_wanted", {})
        await self._outcomes.code_wanted(ticket, until)

    async def recover(self, expired_before: datetime | None = None) -> tuple[Ticket, ...]:
        """End the attempts that a crash interrupted in the middle of an exchange; return those that failed.

        Without a time, all that are being exchanged: for the start, when nobody works on one. With a time, those that
        expired before it: the others may be in the hands of this process or of another one.
        """
        failed = []
        async with self._database.transaction() as tx:
            interrupted = await tickets.list_exchanging(tx, expired_before)
            made = [await connections.find(tx, ticket.owner, ticket.service) for ticket in interrupted]
        for ticket, connection in zip(interrupted, made, strict=True):
            # A connection that is newer than the link is this attempt's: the crash came between the vault and the
            # end of the attempt, so the member is told that it was made.
            if connection is None or connection.connected_at < ticket.expires_at - LINK_LIFE:
                failed.append(ticket)
                await self._fail(ticket, None)
            elif await self.finish(ticket, connection):
                self.tell(ticket)
        return tuple(failed)

    async def _fail(self, ticket: Ticket, cause: ConnectError | None) -> str:
        # Recorded and logged also where the ticket is settled already (voided, superseded): the page has the reference,
        # and whoever looks for it must find why. Only the one who settled it tells the member.
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
    """Return the parts of an error that may be logged."""
    # By name, since these hold our own words and known codes only; `str(error)` could hold anything.
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
