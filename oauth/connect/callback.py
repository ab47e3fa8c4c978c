"""The second half of an attempt: exchange the code for tokens and store them in the member's vault.

A token is only in memory, from the token response to the vault.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from oauth.catalog.service import Service
from oauth.connect.attempt_store import AttemptStore, Pairs
from oauth.connect.code_confirmation import CodeConfirmation, UnconfirmedToken
from oauth.connect.connect_context import ConnectContext, OnHold
from oauth.connect.service_client import ServiceClient, step
from oauth.connect.vault_refusals import refusing
from oauth.errors import (
    AttemptEnded,
    CodeRefused,
    CodeWrong,
    CredentialRefused,
    Reason,
    ServiceDeclined,
    ServiceMisbehaved,
    TicketUnusable,
)
from oauth.ports import Validity
from oauth.protocol import userinfo
from oauth.protocol.authorization import AuthorizationError, parse_callback
from oauth.protocol.tokens import CodeExchange, build_credential, find_granted
from store.records import Attempt, Connection, Member, Secret, Ticket, TicketId

OnToken = Callable[[Service, Connection, Secret], None]
"""Called once with a fresh access token, after its connection is made, to list tools with it; returns at once."""


class AuthorizationCallback:
    """The steps from the service's answer to the vault; one per process."""

    def __init__(
        self,
        context: ConnectContext,
        *,
        attempts: AttemptStore,
        service_client: ServiceClient,
        on_token: OnToken | None,
        on_hold: OnHold | None,
    ) -> None:
        """With `on_hold` (without Sign in with Slack) an attempt is completed by a code typed into Slack."""
        self.confirmation = CodeConfirmation()
        self._catalog = context.catalog
        self._vaults = context.vaults
        self._attempts = attempts
        self._service_client = service_client
        self._on_token = on_token
        self._on_hold = on_hold

    async def complete(self, path_service: str, pairs: Pairs, cookies: Mapping[str, str]) -> Ticket:
        """Use the service's answer, once, and connect the member.

        `path_service` is the one in the URL's path. Raises `TicketUnusable`, `AttemptEnded`.
        """
        attempt = await self._attempts.find_authorizing(pairs, cookies)
        ticket = attempt.ticket
        async with self._attempts.ending_on_error(ticket):
            # Before anything is judged: a bad answer too uses the attempt up, so nobody can try several.
            await self._attempts.claim_exchange(attempt)
            if not attempt.is_readable:
                raise TicketUnusable(Reason.LOST)
            service = self._present_service(attempt)
            # Another service's path: its server has sent its own answer to this attempt
            # (docs/reference/oauth.md#cross-toolkit-mix-up).
            if path_service != ticket.service:
                raise ServiceMisbehaved(ticket.service, "callback", "COAT: answered at another service's path")
            code = await self._read_code(attempt, service, pairs)
            exchange = _build_exchange(attempt)
            tokens = await self._service_client.exchange(service, attempt.issuer or "", exchange, code)
            if userinfo.SCOPE in (find_granted(tokens, attempt.scope) or "").split():
                tokens = await self._service_client.ask_account(service, tokens, attempt.userinfo_endpoint)
            held = self.confirmation.hold(attempt, service, exchange, tokens, self._attempts.now())
            if self._on_hold is None:
                self.confirmation.drop(ticket.id)
                connection = await self._store_or_revoke(held)
        # Outside the block: what goes wrong from here on must not end an attempt that has succeeded.
        if self._on_hold is None:
            self._announce(held, connection)
        else:
            self._on_hold(held.ends_at, lambda: self.give_up(ticket.id))
            await self._attempts.want_code(ticket, held.ends_at)
        return ticket

    async def confirm(self, owner: Member, ticket_id: TicketId, given: str) -> None:
        """Connect the member who typed the code that their browser shows (docs/reference/oauth.md#code-in-slack).

        Raises `CodeMissed`, `CodeWrong`; `AttemptEnded` where the attempt ends without a connection.
        """
        try:
            held = self.confirmation.take(owner, ticket_id, given, self._attempts.now())
        except CodeWrong as error:
            if error.left == 0:
                await self.give_up(ticket_id, CodeRefused)
            raise
        async with self._attempts.ending_on_error(held.attempt.ticket):
            connection = await self._store_or_revoke(held)
        self._announce(held, connection)

    async def give_up(self, ticket_id: TicketId, why: type[CodeRefused] | None = None) -> None:
        """Revoke tokens whose code was not typed, or wrong too often, and tell the member; no effect once used."""
        held = self.confirmation.drop(ticket_id)
        if held is None:
            return
        await self._service_client.revoke(held.service, held.exchange, held.tokens)
        with contextlib.suppress(AttemptEnded):  # raised for a page, and no browser waits for this one
            async with self._attempts.ending_on_error(held.attempt.ticket):
                raise why(held.service.name) if why else TicketUnusable(Reason.EXPIRED)

    def _present_service(self, attempt: Attempt) -> Service:
        """Return the service as it is offered now, if still at the attempt's URL. Raises `ConnectError`."""
        service = self._catalog.get_available(attempt.ticket.service)
        if attempt.mcp_server_url != service.mcp_url:
            # An admin moved it meanwhile: the agent would never use a credential for the old URL.
            rule = "docs/reference/oauth.md#account-linking: at another address now"
            raise ServiceMisbehaved(service.name, "callback", rule)
        return service

    def _announce(self, held: UnconfirmedToken, connection: Connection) -> None:
        # First: the member may ask for something as soon as they are told, and that must wait for the tools.
        if self._on_token is not None:
            self._on_token(held.service, connection, held.tokens.access_token)
        self._attempts.tell(held.attempt.ticket)

    async def _read_code(self, attempt: Attempt, service: Service, pairs: Pairs) -> Secret:
        with step(service, "callback"):
            answer = parse_callback(pairs, attempt.issuer or "", iss_required=attempt.iss_required)
        if isinstance(answer, AuthorizationError):
            exchange = _build_exchange(attempt)
            # It may be our client that is refused: then the next attempt registers a new one.
            await self._service_client.heed_refusal(service, attempt.issuer or "", exchange, answer.code)
            raise ServiceDeclined(service.name, "authorization", answer.code)
        return answer.code

    async def _store_or_revoke(self, held: UnconfirmedToken) -> Connection:
        # With `finally`, in this and the next function: a bug or a cancelled request must not leave tokens that work.
        is_stored = False
        try:
            connection = await self._hand_over(held)
            is_stored = True
        finally:
            if not is_stored:
                await self._service_client.revoke(held.service, held.exchange, held.tokens)
        return connection

    async def _hand_over(self, held: UnconfirmedToken) -> Connection:
        attempt = held.attempt
        service = self._present_service(attempt)  # again: a code may have been waited for
        with step(service, "token"):
            credential = build_credential(
                held.tokens,
                held.exchange,
                attempt.mcp_server_url or service.mcp_url,
                attempt.scope,
                held.received_at,
                grant_days=service.grant_days,
            )
        with refusing(service.name):
            connection = await self._vaults.put(attempt.ticket.owner, service.name, credential)
        is_kept = False
        try:
            # Only a clear no counts: an outage of the check says nothing about the credential.
            if await self._vaults.validate(connection) is Validity.INVALID:
                raise CredentialRefused(service.name)
            if not await self._attempts.finish(attempt.ticket, connection):
                # Voided or superseded while it was being exchanged: nothing may stay behind.
                raise TicketUnusable(Reason.SUPERSEDED)
            is_kept = True
        finally:
            if not is_kept:
                await self._vaults.remove(connection)
        return connection


def _build_exchange(attempt: Attempt) -> CodeExchange:
    return CodeExchange(
        token_endpoint=attempt.token_endpoint or "",
        client_id=attempt.client_id or "",
        client_secret=attempt.client_secret,
        auth_method=attempt.auth_method or "none",
        redirect_uri=attempt.redirect_uri or "",
        resource=attempt.resource or "",
        verifier=attempt.verifier or Secret(""),
    )
