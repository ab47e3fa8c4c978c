"""The first half of an attempt: claim a browser for the link, prove whose it is, send it to the service's consent.

`oauth/connect/callback.py` handles its return; `oauth/connect/attempt_store.py` decides races.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from oauth.catalog.service import Service
from oauth.connect.attempt_store import AttemptStore, Pairs
from oauth.connect.browser import SlackSignIn, build_cookie, build_member, derive_state, new_secret
from oauth.connect.connect_context import ConnectContext
from oauth.connect.service_client import PreparedAuthorization, ServiceClient, step
from oauth.connect.vault_refusals import refusing
from oauth.errors import IdentityMismatch, IdentityUnproven, RuleBroken, ServiceDeclined
from oauth.protocol.authorization import AuthorizationError, build_authorization_url, parse_callback
from store.records import Attempt, Secret, Ticket


@dataclass(frozen=True, slots=True)
class StartedAuthorization:
    """Where the browser goes next, and the cookie to set on the way."""

    ticket: Ticket
    url: str
    cookie: str | None = None


class AuthorizationStart:
    """The steps from the link to the service; one per process, stateless."""

    def __init__(
        self,
        context: ConnectContext,
        *,
        attempts: AttemptStore,
        service_client: ServiceClient,
        sign_in: SlackSignIn | None,
    ) -> None:
        """Without `sign_in` a code at the end proves whose browser it is (docs/reference/oauth.md#code-in-slack)."""
        self._base_url = context.base_url
        self._catalog = context.catalog
        self._vaults = context.vaults
        self._attempts = attempts
        self._service_client = service_client
        self._sign_in = sign_in

    async def peek(self, link: str) -> tuple[Ticket, Service]:
        """Return what a link is for, without changing anything. Raises as `AttemptStore.peek` and the catalogue."""
        # Link scanners and previews open every link before its owner does: that must not use it up.
        ticket = await self._attempts.peek(link)
        return ticket, self._catalog.get_available(ticket.service)

    async def begin(self, link: str, cookies: Mapping[str, str]) -> StartedAuthorization:
        """Bind the link to this browser and send it to Sign in with Slack. Raises as `peek`."""
        started = await self._attempts.find_started(link, cookies)
        if started is not None:
            # The button was pressed twice: the second answer is what the browser shows, so it leads on as the first.
            return self._to_proof(started[0].ticket, started[1], started[0].nonce)
        # Before the claim: a link that leads nowhere is not used up by finding that out.
        self._catalog.get_available((await self._attempts.peek(link)).service)
        cookie, nonce = new_secret(), new_secret()
        ticket = await self._attempts.start(link, cookie=cookie, state=derive_state(cookie), nonce=nonce)
        return self._to_proof(ticket, cookie, nonce)

    def _to_proof(self, ticket: Ticket, cookie: str, nonce: str) -> StartedAuthorization:
        state = derive_state(cookie)
        if self._sign_in is None:
            url = f"{self._base_url}/connect/proceed?state={state}"
        else:
            url = self._sign_in.build_url(state, nonce, ticket.owner.team_id)
        return StartedAuthorization(ticket, url, build_cookie(ticket, cookie))

    async def identify(self, pairs: Pairs, cookies: Mapping[str, str]) -> StartedAuthorization:
        """Prove that the browser is the member's, then send it to the service.

        Raises `TicketUnusable`, `AttemptEnded`.
        """
        attempt = await self._attempts.find_identifying(pairs, cookies)
        # Before Slack is asked: a second request with the same code finds the attempt used.
        await self._attempts.claim_identity(attempt)
        async with self._attempts.ending_on_error(attempt.ticket):
            if self._sign_in is not None:
                await self._require_owner(self._sign_in, attempt, pairs)
            service = self._catalog.get_available(attempt.ticket.service)
            # The vault asks again when it stores; here so that nobody consents in vain (docs/decisions/0043).
            with refusing(service.name):
                await self._vaults.require_permitted(attempt.ticket.owner, service.name)
            earlier = await self._attempts.find_earlier(attempt.ticket, service.mcp_url)
            prepared = await self._service_client.prepare(service, self._attempts.now(), earlier)
            return await self._send_to_service(attempt, service, prepared)

    async def _require_owner(self, sign_in: SlackSignIn, attempt: Attempt, pairs: Pairs) -> None:
        code = _read_identity_code(attempt, pairs, sign_in.issuer)
        proof = await sign_in.prove(code, attempt.nonce, self._attempts.now())
        if build_member(proof, attempt.ticket.owner) is None:
            raise IdentityMismatch(attempt.ticket.service)

    async def _send_to_service(
        self, attempt: Attempt, service: Service, prepared: PreparedAuthorization
    ) -> StartedAuthorization:
        state, verifier = new_secret(), Secret(new_secret())
        with step(service, "authorization"):
            url = build_authorization_url(prepared.server, prepared.ask, state, verifier)
        # Recorded before the browser leaves: its answer may be back before we have done anything more.
        await self._attempts.claim_authorizing(_record(attempt, service, prepared, verifier), state)
        return StartedAuthorization(attempt.ticket, url)


def _read_identity_code(attempt: Attempt, pairs: Pairs, issuer: str) -> Secret:
    try:
        # Slack does not advertise `iss`; the one in the id_token is required when that is verified.
        answer = parse_callback(pairs, issuer, iss_required=False)
    except RuleBroken as error:
        raise IdentityUnproven(error.rule) from error
    if isinstance(answer, AuthorizationError):
        raise ServiceDeclined(attempt.ticket.service, "identity", answer.code)
    return answer.code


def _record(attempt: Attempt, service: Service, prepared: PreparedAuthorization, verifier: Secret) -> Attempt:
    # The callback uses what was validated now, whatever the metadata says by then: it could lead the code elsewhere.
    registered, server = prepared.registration, prepared.server
    return replace(
        attempt,
        verifier=verifier,
        issuer=server.issuer,
        token_endpoint=server.token_endpoint,
        userinfo_endpoint=server.userinfo_endpoint,
        redirect_uri=registered.redirect_uri,
        resource=prepared.ask.resource,
        scope=prepared.ask.scope,
        client_id=registered.client_id,
        client_secret=registered.client_secret,
        auth_method=registered.auth_method,
        iss_required=server.sends_iss,
        mcp_server_url=service.mcp_url,
    )
