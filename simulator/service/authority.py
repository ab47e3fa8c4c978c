"""The authorization server's state: clients, codes, tokens and their families.

Implements the mcp SDK's provider interface. `simulator/service/door.py` checks the requests, people consent in
`simulator/service/consent.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from simulator.clock import SimulatorClock
from simulator.service.quirks import Quirks

SCOPES = ["notes:read", "notes:write"]
OPENID = "openid"
"""The scope that userinfo needs (OpenID Connect Core §5.3)."""
CONSENT_LIFETIME = 600.0


def mint(kind: str) -> str:
    """Return a secret that tests for leaks can find by its mark: `canary-{kind}-…`."""
    return f"canary-{kind}-{secrets.token_urlsafe(24)}"


class Code(AuthorizationCode):
    """An authorization code, and whether it was used."""

    exact_redirect_uri: str
    family: str
    used: bool = False
    may_refresh: bool = True


class Access(AccessToken):
    """An access token; its `subject` is the account."""

    family: str
    ends: float | None
    """Seconds since the epoch, by the simulator's clock; None: it does not expire."""
    revoked: bool = False


class Refresh(RefreshToken):
    """A refresh token; `used` once it was rotated."""

    family: str
    ends: float | None
    revoked: bool = False
    used: bool = False


@dataclass
class Consent:
    """One request to `/authorize` that waits for a person."""

    id: str
    client: OAuthClientInformationFull
    params: AuthorizationParams
    asked_at: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    exact_redirect_uri: str = ""
    """As the request had it, to the character; the SDK's own is normalised. Set by `door`."""
    account: str | None = None
    settled: bool = False
    asked: dict[str, str] = field(default_factory=dict)
    """The query of the authorization request."""


class Authority(OAuthAuthorizationServerProvider[Code, Refresh, Access]):
    """Issues, rotates and revokes tokens. `resources()` returns the resource names that tokens are accepted for."""

    def __init__(
        self,
        quirks: Quirks,
        clock: SimulatorClock,
        issuer: str,
        resources: Callable[[], set[str]],
        noted: Callable[[], None],
    ) -> None:
        self._quirks = quirks
        self._clock = clock
        self._resources = resources
        self._noted = noted
        self.issuer = issuer
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.redirect_uris: dict[str, list[str]] = {}
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, Access | Refresh] = {}
        self.consents: dict[str, Consent] = {}
        self._clients_until: dict[str, float] = {}

    # clients

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Return the client; None if it is unknown or was forgotten."""
        if self._clients_until.get(client_id, float("inf")) <= self._clock.now():
            return None
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Store the client, with the changes that a scenario makes to it (RFC 7591 §3.2.1)."""
        self._refuse_registration(client_info)
        method = self._quirks.registration_auth_method
        if method is not None:
            client_info.token_endpoint_auth_method = method
            if method == "none":
                client_info.client_secret = client_info.client_secret_expires_at = None
        if client_info.token_endpoint_auth_method != "none":
            client_info.client_secret = mint("cs")
            client_info.client_secret_expires_at = client_info.client_secret_expires_at or 0
        self.clients[client_info.client_id] = client_info
        if self._quirks.client_lifetime is not None:
            self._clients_until[client_info.client_id] = self._clock.now() + self._quirks.client_lifetime
        self._noted()

    def _refuse_registration(self, client_info: OAuthClientInformationFull) -> None:
        if self._quirks.registration_error is not None:
            raise RegistrationError(self._quirks.registration_error, "the scenario says so")  # type: ignore[arg-type]  # a scenario may answer codes outside RFC 7591
        for uri in client_info.redirect_uris or []:
            loopback = uri.host in {"127.0.0.1", "localhost", "[::1]"}
            if uri.scheme != "https" and not (uri.scheme == "http" and loopback):
                raise RegistrationError("invalid_redirect_uri", "redirect_uris must be https, or http on loopback")
            if uri.fragment is not None or uri.username is not None:
                raise RegistrationError("invalid_redirect_uri", "redirect_uris must have no fragment and no user")

    # consent

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Return the address of the consent page."""
        if self._quirks.deny_authorize:
            raise AuthorizeError("access_denied", "The owner refused.")
        if self._quirks.ignore_resource:
            params.resource = None
        elif params.resource is None and self._quirks.require_resource:
            raise AuthorizeError("invalid_target", "resource is required")
        if params.resource is not None and params.resource not in self._resources():
            raise AuthorizeError("invalid_target", "unknown resource")
        consent = Consent(secrets.token_urlsafe(18), client, params, self._clock.now())
        self.consents[consent.id] = consent
        self._noted()
        return f"{self.issuer}/consent/{consent.id}"

    def waiting(self, consent_id: str) -> Consent | None:
        """Return the consent if it is neither given nor expired."""
        consent = self.consents.get(consent_id)
        if consent is None or consent.settled or consent.asked_at + CONSENT_LIFETIME <= self._clock.now():
            return None
        return consent

    def settle(self, consent: Consent, *, allow: bool) -> str:
        """Return the client's redirect URI with a code or an error."""
        consent.settled = True
        if not allow or consent.account is None:
            answer = {"error": "access_denied", "error_description": "The owner refused."}
        else:
            answer = {"code": self._code(consent, consent.account)}
        if consent.params.state is not None:
            answer["state"] = consent.params.state
        self._noted()
        return self.with_iss(consent.exact_redirect_uri, answer)

    def with_iss(self, redirect_uri: str, answer: dict[str, str]) -> str:
        """Return the authorization response with `iss` (RFC 9207), or without it or with a wrong one by scenario."""
        if not self._quirks.omit_iss:
            answer = {**answer, "iss": self._quirks.wrong_iss or self.issuer + self._quirks.server_path}
        return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(answer)}"

    def _code(self, consent: Consent, account: str) -> str:
        params = consent.params
        code = Code(
            code=mint("code"),
            scopes=self._quirks.granted_scopes or params.scopes or SCOPES,
            expires_at=self._clock.now() + self._quirks.code_lifetime,
            client_id=consent.client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=account,
            exact_redirect_uri=consent.exact_redirect_uri,
            family=secrets.token_hex(8),
            may_refresh=self._quirks.refresh_asks.items() <= consent.asked.items(),
        )
        self.codes[code.code] = code
        return code.code

    # tokens

    async def load_authorization_code(self, client: OAuthClientInformationFull, authorization_code: str) -> Code | None:
        """Return the code, once; a second use revokes the tokens that it gave (RFC 6749 §4.1.2)."""
        # Used up here and not by the exchange: of two requests at once only one may go on.
        code = self.codes.get(authorization_code)
        if code is None or code.client_id != client.client_id:
            return None
        if code.used:
            if self._quirks.detect_reuse:
                self.revoke_family(code.family)
            return None
        code.used = True
        return code if code.expires_at > self._clock.now() else None

    async def exchange_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the SDK's interface; the code knows its client
        authorization_code: Code,
    ) -> OAuthToken:
        """Issue the first tokens of a family."""
        return self._grant(authorization_code, authorization_code.scopes, may_refresh=authorization_code.may_refresh)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> Refresh | None:
        """Return a valid refresh token; one that was used before revokes its family (RFC 9700 §4.14.2)."""
        token = self.tokens.get(refresh_token)
        if not isinstance(token, Refresh) or token.client_id != client.client_id or token.revoked:
            return None
        if token.used:
            if self._quirks.detect_reuse:
                self.revoke_family(token.family)
            return None
        return token if token.ends is None or token.ends > self._clock.now() else None

    async def exchange_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the SDK's interface; the token knows its client
        refresh_token: Refresh,
        scopes: list[str],
    ) -> OAuthToken:
        """Issue the next tokens of the family."""
        kept = None
        if self._quirks.rotate_refresh_tokens:
            refresh_token.used = True
        else:
            kept = refresh_token.token
        return self._grant(refresh_token, scopes, kept)

    def _grant(
        self, source: Code | Refresh, scopes: list[str], kept: str | None = None, *, may_refresh: bool = True
    ) -> OAuthToken:
        lifetime = self._quirks.access_token_lifetime
        access = Access(
            token=mint("at"),
            client_id=source.client_id,
            scopes=scopes,
            resource=source.resource,
            subject=source.subject,
            family=source.family,
            ends=None if lifetime is None else self._clock.now() + lifetime,
        )
        self.tokens[access.token] = access
        refresh = kept
        if refresh is None and may_refresh and not self._quirks.no_refresh_token:
            refresh = self._refresh(access)
        self._noted()
        return OAuthToken(access_token=access.token, expires_in=lifetime, scope=" ".join(scopes), refresh_token=refresh)

    def _refresh(self, access: Access) -> str:
        lifetime = self._quirks.refresh_token_lifetime
        refresh = Refresh(
            token=mint("rt"),
            client_id=access.client_id,
            scopes=access.scopes,
            resource=access.resource,
            subject=access.subject,
            family=access.family,
            ends=None if lifetime is None else self._clock.now() + lifetime,
        )
        self.tokens[refresh.token] = refresh
        return refresh.token

    async def load_access_token(self, token: str) -> Access | None:
        """Return a valid access token that was issued for this resource (RFC 8707, RFC 9068 §4)."""
        found = self.tokens.get(token)
        if not isinstance(found, Access) or found.revoked:
            return None
        if found.ends is not None and found.ends <= self._clock.now():
            return None
        return found if found.resource is None or found.resource in self._resources() else None

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the token to the SDK's bearer middleware if it is valid."""
        return await self.load_access_token(token)

    async def revoke_token(self, token: Access | Refresh) -> None:
        """Revoke the whole family (RFC 7009 §2.1)."""
        self.revoke_family(token.family)

    def revoke_family(self, family: str) -> None:
        """Revoke all tokens of one consent."""
        for token in self.tokens.values():
            token.revoked = token.revoked or token.family == family
        self._noted()

    def revoke_account(self, account: str) -> None:
        """Revoke all tokens of an account, as its owner does on the account page."""
        for token in self.tokens.values():
            token.revoked = token.revoked or token.subject == account
        self._noted()

    def live(self, account: str) -> list[Access]:
        """Return the account's valid access tokens."""
        return [
            token
            for token in self.tokens.values()
            if isinstance(token, Access)
            and token.subject == account
            and not token.revoked
            and (token.ends is None or token.ends > self._clock.now())
        ]
