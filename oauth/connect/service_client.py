"""Talks to a service and its authorization server, with requests that `oauth/protocol` builds and parses.

It stores client registrations only; `oauth/connect/authorize.py` and `oauth/connect/callback.py` keep the attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from oauth.catalog.service import Service
from oauth.discovery_walk import find_resource, find_server, send_probes
from oauth.errors import ConnectError, RuleBroken, ServiceDeclined, ServiceMisbehaved, UrlRefused
from oauth.protocol import discovery, registration, tokens, userinfo
from oauth.protocol.authorization import AuthorizationRequest, EarlierRequest, choose_scope
from oauth.protocol.discovery import AuthorizationServer, ProtectedResource
from oauth.protocol.http_messages import HttpRequest, HttpResponse
from oauth.protocol.registration import RegisteredClient
from oauth.protocol.tokens import CodeExchange, TokenResponse
from oauth.protocol.www_authenticate import Challenge
from store import registrations
from store.database import Database
from store.records import Registration, Secret

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender

log = structlog.get_logger(__name__)

USERINFO_SECONDS = 5.0
"""How long the member's browser waits for a label."""
# `invalid_scope`: a client is registered with scopes, and may have been registered with fewer than are wanted now.
_CLIENT_REFUSED = frozenset({"invalid_client", "unauthorized_client", "invalid_scope"})


@dataclass(frozen=True, slots=True)
class PreparedAuthorization:
    """What was discovered and registered, to send a browser to the service."""

    server: AuthorizationServer
    registration: Registration
    ask: AuthorizationRequest


@contextmanager
def step(service: Service, name: str) -> Iterator[None]:
    """Turn a broken rule inside the block into `ServiceMisbehaved` of this service at the step `name`."""
    try:
        yield
    except (RuleBroken, UrlRefused) as error:
        raise ServiceMisbehaved(service.name, name, error.rule) from error


class ServiceClient:
    """All requests that connecting makes to services and their authorization servers; one per process."""

    def __init__(
        self,
        *,
        sender: GuardedSender,
        database: Database,
        base_url: str,
        userinfo_seconds: float = USERINFO_SECONDS,
    ) -> None:
        self._sender = sender
        self._database = database
        self._base_url = base_url
        self._userinfo_seconds = userinfo_seconds

    def build_client(self, service: Service) -> RegisteredClient:
        """Return who we are for a service."""
        # A redirect URI for each, so that no server's answer passes for another's
        # (docs/reference/oauth.md#cross-toolkit-mix-up).
        return RegisteredClient(
            service=service.name,
            redirect_uri=f"{self._base_url}/oauth/callback/{service.name}",
            base_url=self._base_url,
            pre_registered=service.client,
            trusted_issuer=service.pins.trusted_issuer,
        )

    async def prepare(
        self, service: Service, now: datetime, earlier: EarlierRequest | None = None
    ) -> PreparedAuthorization:
        """Discover the service and register with it if needed; `earlier` is the authorization that this one widens.

        Raises `ServiceMisbehaved`, `NoRegistration`, `Unreachable`.
        """
        challenge, resource = await self._discover_resource(service)
        server = await self._discover_server(service, resource)
        with step(service, "scope"):
            # After `insufficient_scope` that challenge counts: the probe's, without a token, names the basic scope.
            said = earlier.challenge if earlier and earlier.challenge else challenge
            scope = choose_scope(service.scopes, said, resource, server, earlier)
        client = self.build_client(service)
        registered = await self._register(service, client, server, _registrable(service, scope, resource), now)
        ask = AuthorizationRequest(
            registered.client_id, client.redirect_uri, resource.resource, scope, service.authorize_params
        )
        return PreparedAuthorization(server, registered, ask)

    async def _discover_resource(self, service: Service) -> tuple[Challenge | None, ProtectedResource]:
        with step(service, "discovery"):
            _, answer = (await send_probes(self._sender, service.mcp_url))[-1]
            challenge = discovery.parse_probe(answer)
            resource = await find_resource(self._sender, service.mcp_url, challenge)
            if resource is None:
                raise RuleBroken("RFC 9728 §3: no protected resource metadata")
            _require_pinned_resource(service, resource)
            return challenge, resource

    async def _discover_server(self, service: Service, resource: ProtectedResource) -> AuthorizationServer:
        def read(answer: HttpResponse, issuer: str) -> AuthorizationServer | None:
            return discovery.parse_server(answer, issuer, service.pins, self._sender.policy)

        pinned = service.pins.trusted_issuer
        with step(service, "metadata"):
            issuers = (pinned,) if pinned and pinned in resource.issuers else resource.issuers
            server = await find_server(self._sender, issuers, read)
            if server is None:
                raise RuleBroken("RFC 8414 §3: no authorization server metadata")
            return server

    async def _register(
        self, service: Service, client: RegisteredClient, server: AuthorizationServer, scope: str | None, now: datetime
    ) -> Registration:
        with step(service, "registration"):
            chosen = registration.choose_registration(client, server, now)
            if chosen is not None:
                return chosen
            kept = await self._find_kept(client, server, now)
            if kept is not None:
                return kept
            request = registration.build_registration_request(client, server, scope)
            fresh = registration.parse_registration(await self._sender.send(request), client, server.issuer, now)
        # Of two attempts that registered at once the first one's client serves both: the second is never used.
        async with self._database.transaction() as tx:
            return await registrations.put_first(tx, fresh)

    async def _find_kept(
        self, client: RegisteredClient, server: AuthorizationServer, now: datetime
    ) -> Registration | None:
        async with self._database.transaction() as tx:
            # A server that lost our client shows an error to the browser and tells us nothing (docs/decisions/0038).
            if forgotten := await registrations.drop_unanswered(tx, now):
                log.info("registration.unanswered", clients=forgotten)
            kept = await registrations.find(tx, client.service, server.issuer, client.redirect_uri)
            if kept is None or registration.is_reusable(kept, now):
                return kept
            await registrations.drop(tx, kept)
            return None

    async def exchange(self, service: Service, issuer: str, exchange: CodeExchange, code: Secret) -> TokenResponse:
        """Exchange the code, once, at the recorded endpoint.

        Raises `ServiceMisbehaved`, `ServiceDeclined`, `Unreachable`.
        """
        with step(service, "token"):
            answer = await self._sender.send(tokens.build_exchange(exchange, code))
            found = tokens.parse_tokens(answer, service.token_profile)
        if isinstance(found, TokenResponse):
            return found
        await self.heed_refusal(service, issuer, exchange, found.code)
        raise ServiceDeclined(service.name, "token", found.code)

    async def ask_account(self, service: Service, held: TokenResponse, endpoint: str | None) -> TokenResponse:
        """Ask userinfo, once, whose the tokens are, if their response did not say; return them with the answer."""
        # Only a label for the owner: whatever fails here leaves the account unknown and the connection as it is.
        if endpoint is None or held.account.person is not None:
            return held
        request = userinfo.build_userinfo_request(endpoint, held.access_token)
        try:
            async with asyncio.timeout(self._userinfo_seconds):
                answer = await self._sender.send(request)
            person = userinfo.parse_userinfo(answer, held.account.subject)
        except (ConnectError, TimeoutError) as error:
            rule = error.rule if isinstance(error, RuleBroken | UrlRefused) else None
            log.info("account.not_told", service=service.name, error=type(error).__name__, rule=rule)
            return held
        return replace(held, account=replace(held.account, person=person))

    async def heed_refusal(self, service: Service, issuer: str, exchange: CodeExchange, code: str) -> None:
        """Drop our registration where the error is about the client or its scopes: the next attempt registers anew."""
        if code not in _CLIENT_REFUSED:
            return
        async with self._database.transaction() as tx:
            kept = await registrations.find(tx, service.name, issuer, exchange.redirect_uri)
            # Only the one that was refused: another attempt may have registered a new one meanwhile.
            if kept is not None and kept.client_id == exchange.client_id:
                await registrations.drop(tx, kept)

    async def revoke(self, service: Service, exchange: CodeExchange, held: TokenResponse) -> bool:
        """Revoke tokens that we hold and will not use (RFC 7009); say whether the server confirmed it."""
        try:
            _, resource = await self._discover_resource(service)
            server = await self._discover_server(service, resource)
        except ConnectError:
            # Best effort: the attempt has failed already, and the member is to hear of that reason.
            return False
        # Metadata that changed since could have our tokens sent to somebody else.
        if server.revocation_endpoint is None or server.token_endpoint != exchange.token_endpoint:
            return False
        # The refresh token first: with it the server should end the access token as well (RFC 7009 §2.1).
        kinds = ((held.refresh_token, "refresh_token"), (held.access_token, "access_token"))
        requests = [
            tokens.build_revocation(server.revocation_endpoint, exchange, token, hint) for token, hint in kinds if token
        ]
        return all([await self._is_done(request) for request in requests])

    async def _is_done(self, request: HttpRequest) -> bool:
        try:
            return (await self._sender.send(request)).status == 200
        except ConnectError:
            return False


def _registrable(service: Service, scope: str | None, resource: ProtectedResource) -> str | None:
    # Everything that the resource knows: all members share the client, and it could never be given more later.
    if service.scopes:
        return scope
    return " ".join(dict.fromkeys([*(scope or "").split(), *(resource.scopes or ())])) or None


def _require_pinned_resource(service: Service, resource: ProtectedResource) -> None:
    if service.resource is not None and service.resource != resource.resource:
        raise RuleBroken("docs/reference/oauth.md#pinned-issuers: resource differs from the pinned one")
