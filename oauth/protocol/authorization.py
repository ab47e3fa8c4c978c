"""Builds authorization requests and parses their responses: RFC 6749 §4.1, RFC 7636, RFC 8707, RFC 9207; pure.

`oauth/connect/attempt_store.py` decides who may act on a response: the right state, in the right browser, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from oauth.errors import RuleBroken
from oauth.protocol.discovery import AuthorizationServer, ProtectedResource
from oauth.protocol.www_authenticate import Challenge
from store.records import Secret

# RFC 6749 §4.1.2 leaves the size open; this is far above what servers issue, and fits a URL.
_LONGEST_CODE = 4096
_LONGEST_STATE = 512
# MCP authorization, step-up: a client limits its tries, since a server that always wants more would loop for ever.
_MOST_ATTEMPTS = 3
_OFFLINE = "offline_access"
# What we read of a callback. Other parameters may repeat, as a server's own extensions do.
_SINGLE = ("code", "state", "iss", "error")
_SAID = frozenset(
    {
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "resource",
        "response_type",
        "scope",
        "state",
    }
)
"""The parameters that we set: neither the endpoint's query nor the catalogue may set them too."""
KNOWN_ERRORS = frozenset(
    {
        "access_denied",
        "consent_required",
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "login_required",
        "server_error",
        "slow_down",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    }
)
"""The error codes that we pass on; anything else becomes `other`: whoever calls our callback may have written it."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What one attempt asks of the authorization server."""

    client_id: str
    redirect_uri: str
    resource: str
    scope: str | None
    extra: Mapping[str, str] = field(default_factory=dict)
    """What the catalogue adds for this service, such as Google's `access_type`."""


@dataclass(frozen=True, slots=True)
class EarlierRequest:
    """The authorization that this one renews or widens: its scope is asked for again."""

    scope: str | None
    attempts: int = 1
    """How many authorizations in a row the member's present action has taken so far."""
    challenge: Challenge | None = None
    """The challenge with `insufficient_scope`, where the service sent one (RFC 6750 §3.1)."""


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A successful response: a code, to be exchanged once."""

    code: Secret


@dataclass(frozen=True, slots=True)
class AuthorizationError:
    """An error response, from the server or because the person refused; `code` is in `KNOWN_ERRORS` or `other`."""

    code: str


def choose_scope(
    pinned: Sequence[str],
    challenge: Challenge | None,
    resource: ProtectedResource,
    server: AuthorizationServer,
    earlier: EarlierRequest | None = None,
) -> str | None:
    """Return the scope to ask for: the catalogue's, else the challenge's, else the resource's, else None.

    To the latter two the scope of the earlier authorization is added. Raises `RuleBroken` after three
    authorizations in a row (docs/reference/oauth.md#scopes).
    """
    if earlier is not None and earlier.attempts >= _MOST_ATTEMPTS:
        raise RuleBroken("MCP authorization, step-up: more scope did not help three times")
    if pinned:
        # Never widened, not even by a challenge: GitHub's resource lists `delete_repo` among its scopes.
        return " ".join(dict.fromkeys(pinned))
    # The server's own `scopes_supported` is no default: it lists everything the server knows, for all its resources.
    challenged = tuple(challenge.params.get("scope", "").split()) if challenge else ()
    asked = [scope for scope in (earlier.scope or "").split() if _is_known(scope, server)] if earlier else ()
    return _with_offline_access((*asked, *(challenged or resource.scopes or ())), server)


def _is_known(scope: str, server: AuthorizationServer) -> bool:
    # A server may have granted a scope that it does not, or no longer, accept in a request: `invalid_scope`.
    return not server.scopes or scope in server.scopes


def _with_offline_access(scopes: Sequence[str], server: AuthorizationServer) -> str | None:
    # Only where the server lists it (conformance suite), and never alone: that would ask for less than the default.
    kept = [scope for scope in scopes if scope != _OFFLINE or _is_known(_OFFLINE, server)]
    if kept and _OFFLINE in server.scopes:
        kept.append(_OFFLINE)
    return " ".join(dict.fromkeys(kept)) or None


def build_authorization_url(
    server: AuthorizationServer, ask: AuthorizationRequest, state: str, verifier: Secret
) -> str:
    """Return the URL to send the browser to, always with `resource` (RFC 8707 §2) and S256 (RFC 7636 §4.3)."""
    url: str = prepare_grant_uri(
        _build_endpoint(server.authorization_endpoint, ask),
        ask.client_id,
        "code",
        ask.redirect_uri,
        ask.scope,
        state,
        code_challenge=create_s256_code_challenge(verifier.reveal()),
        code_challenge_method="S256",
        resource=ask.resource,
    )
    return url


def _build_endpoint(endpoint: str, ask: AuthorizationRequest) -> str:
    """Return the endpoint with its own and the catalogue's parameters, without those that we set."""
    extra = dict(ask.extra)
    if _OFFLINE in (ask.scope or "").split():
        # Without consent a server may ignore `offline_access` (OpenID Connect Core §11): no refresh token.
        extra.setdefault("prompt", "consent")
    # Authlib appends to the query, and a parameter must not be there twice (RFC 6749 §3.1, docs/decisions/0050).
    said = _SAID if ask.scope else _SAID - {"scope"}
    base, _, query = endpoint.partition("?")
    own = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in {*said, *extra}]
    added = [pair for pair in extra.items() if pair[0] not in said]
    url: str = add_params_to_uri(base, [*own, *added])
    return url


def parse_state(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the `state` of a callback, by which its attempt is found; raises `RuleBroken`."""
    states = [value for name, value in pairs if name == "state"]
    if len(states) != 1 or not 1 <= len(states[0]) <= _LONGEST_STATE:
        raise RuleBroken("RFC 6749 §4.1.2: state missing or repeated")
    return states[0]


def parse_callback(
    pairs: Sequence[tuple[str, str]], issuer: str, *, iss_required: bool
) -> AuthorizationCode | AuthorizationError:
    """Return the authorization response, a code or an error; raises `RuleBroken`.

    `issuer` is the one recorded when the browser was sent off.
    """
    params = _parse_single(pairs)
    # First, and for errors too: nothing of another server's response may be used or shown (RFC 9207 §2.4).
    _require_iss(params.get("iss"), issuer, iss_required=iss_required)
    error, code = params.get("error"), params.get("code")
    if (error is None) is (code is None):
        raise RuleBroken("RFC 6749 §4.1.2: neither or both of code and error")
    if error is not None:
        return AuthorizationError(error if error in KNOWN_ERRORS else "other")
    if not code or len(code) > _LONGEST_CODE or not (code.isascii() and code.isprintable()):
        raise RuleBroken("RFC 6749 appendix A.11: code unusable")
    return AuthorizationCode(Secret(code))


def _parse_single(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    names = [name for name, _ in pairs if name in _SINGLE]
    if len(names) != len(set(names)):
        raise RuleBroken("RFC 6749 §3.1: parameter repeated")
    return dict(pairs)


def _require_iss(given: str | None, issuer: str, *, iss_required: bool) -> None:
    # Compared as strings, never normalised (RFC 3986 §6.2.1 by RFC 9207 §2.4).
    if given is None and iss_required:
        raise RuleBroken("RFC 9207 §2.4: iss missing")
    # Judged wherever it is sent, advertised or not, as Sentry's (docs/reference/oauth.md#authorization-requests).
    if given is not None and given != issuer:
        raise RuleBroken("RFC 9207 §2.4: iss is another's")
