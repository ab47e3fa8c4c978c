"""Exchanges and revokes tokens: RFC 6749 §4.1.3 and §5, RFC 7009; strict, pure.

Nothing here stores or logs a token; they leave as `Secret` inside a `Credential` for the vault.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oauth2.rfc7009 import prepare_revoke_token_request

from oauth.connect.account import NOBODY, Account, find_account
from oauth.errors import RuleBroken
from oauth.ports import Credential, Refresh
from oauth.protocol.authorization import KNOWN_ERRORS
from oauth.protocol.discovery import USER_AGENT
from oauth.protocol.http_messages import HttpRequest, HttpResponse, parse_json_object
from store.records import Secret

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")  # RFC 6750 §2.1, as a header must carry it
_SCOPE = re.compile(r"[\x20-\x7e]{0,4096}")
# Clocks differ by seconds and a call takes some: no token may end between the look at its expiry and its use.
_EARLY = timedelta(seconds=60)
_OFFLINE = "offline_access"
# Ten years, in seconds. Servers send centuries for "for ever", and a datetime ends in the year 9999.
_LONGEST_LIFE = 10 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class CodeExchange:
    """Where and as which client a code is exchanged, as recorded when the browser was sent off."""

    token_endpoint: str
    client_id: str
    client_secret: Secret | None
    auth_method: str
    redirect_uri: str
    resource: str
    verifier: Secret


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A valid token response."""

    access_token: Secret
    refresh_token: Secret | None
    lifetime: int | None
    """Seconds; None where the server did not say."""
    scope: str | None
    """As granted; None where the server did not say: then it is what was asked (RFC 6749 §5.1)."""
    account: Account = NOBODY
    """Whose they are as the server states it, unverified: a label for the owner, nothing is decided by it."""


@dataclass(frozen=True, slots=True)
class TokenError:
    """The token endpoint's error response; `code` is in `KNOWN_ERRORS` or is `other`."""

    code: str


def build_exchange(exchange: CodeExchange, code: Secret) -> HttpRequest:
    """Return the token request (RFC 6749 §4.1.3), with `resource` (RFC 8707 §2.2) and the verifier."""
    body = prepare_token_request(
        "authorization_code",
        redirect_uri=exchange.redirect_uri,
        code=code.reveal(),
        code_verifier=exchange.verifier.reveal(),
        resource=exchange.resource,
    )
    return build_client_request(
        exchange.token_endpoint, body, exchange.client_id, exchange.client_secret, exchange.auth_method
    )


def build_revocation(endpoint: str, exchange: CodeExchange, token: Secret, hint: str) -> HttpRequest:
    """Return the revocation request (RFC 7009 §2.1); `hint` is `access_token` or `refresh_token`."""
    body, _ = prepare_revoke_token_request(token.reveal(), hint)
    return build_client_request(endpoint, body, exchange.client_id, exchange.client_secret, exchange.auth_method)


def build_client_request(
    url: str, body: str, client_id: str, client_secret: Secret | None, auth_method: str
) -> HttpRequest:
    """Return a form POST that authenticates the client (RFC 6749 §2.3.1); `auth_method` is one of `AUTH_METHODS`."""
    headers = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": USER_AGENT,
    }
    secret = client_secret.reveal() if client_secret else ""
    if auth_method == "client_secret_basic":
        # Each is form-encoded first (RFC 6749 §2.3.1). Authlib joins them as they are: a colon in the id would end it.
        client_id, secret = quote_plus(client_id), quote_plus(secret)
    url, headers, body = ClientAuth(client_id, secret, auth_method).prepare("POST", url, headers, body)
    return HttpRequest("POST", url, {name.lower(): value for name, value in headers.items()}, body.encode())


def parse_tokens(answer: HttpResponse, profile: str) -> TokenResponse | TokenError:
    """Return the tokens or the refusal; raises `RuleBroken` for what is neither.

    `profile` is `standard`, or `slack` for tokens inside `authed_user` (docs/reference/oauth.md#token-responses).
    """
    if not 200 <= answer.status < 300:  # RFC 6749 §5.1 says 200; 201 is seen, and the body is what counts
        return _parse_refusal(answer)
    document = parse_json_object(answer)
    # GitHub and Slack send errors with status 200.
    if document.get("error") is not None or document.get("ok") is False:
        return TokenError(_known(document.get("error")))
    tokens = _parse_slack(document) if profile == "slack" else _parse_grant(document, {"bearer"})
    return replace(tokens, account=find_account(document))


def _parse_refusal(answer: HttpResponse) -> TokenError:
    # 400 or 401 with `error` (RFC 6749 §5.2); without it, it is a refusal all the same.
    if not 400 <= answer.status < 500:
        # A redirect is not followed (it would carry the code on), and after a 5xx the code may be spent: no retry.
        raise RuleBroken("RFC 6749 §5: neither 2xx nor 4xx")
    try:
        return TokenError(_known(parse_json_object(answer).get("error")))
    except RuleBroken:
        return TokenError("other")


def _known(code: object) -> str:
    return code if isinstance(code, str) and code in KNOWN_ERRORS else "other"


def _parse_slack(document: dict[str, Any]) -> TokenResponse:
    # Slack's user token is at the top or in `authed_user`, its type `Bearer` or `user`; both are seen.
    nested = document.get("authed_user")
    grant = nested if isinstance(nested, dict) and nested.get("access_token") else document
    return _parse_grant(grant, {"bearer", "user"})


def _parse_grant(document: dict[str, Any], types: set[str]) -> TokenResponse:
    kind = document.get("token_type")
    if not isinstance(kind, str) or kind.lower() not in types:  # case-insensitive by RFC 6749 §5.1
        raise RuleBroken("RFC 6749 §5.1: token_type missing or not bearer")
    access = _parse_token(document, "access_token")
    if access is None:
        raise RuleBroken("RFC 6749 §5.1: access_token missing")
    refresh = _parse_token(document, "refresh_token")
    if refresh == access:
        # The access token goes to the MCP server with each call: it could renew itself there for ever.
        raise RuleBroken("RFC 6749 §1.5: the refresh token would be sent to the service")
    return TokenResponse(
        access, refresh, _parse_lifetime(document.get("expires_in")), _parse_scope(document.get("scope"))
    )


def _parse_token(document: dict[str, Any], key: str) -> Secret | None:
    token = document.get(key)
    if token in (None, ""):
        return None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RuleBroken(f"RFC 6749 §5.1: {key} unusable")
    return Secret(token)


def _parse_lifetime(value: object) -> int | None:
    """Return whole seconds, at most `_LONGEST_LIFE`; None where the server sent nothing usable."""
    # RFC 6749 §5.1 recommends `expires_in` and has no way to say "for ever": strings, fractions, 0, -1 and centuries
    # are seen. It is a hint, so it never refuses a token that was granted.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):  # a whole number that is too large for a float is long enough
        return _LONGEST_LIFE if isinstance(value, int) and value > 0 else None
    if math.isnan(seconds) or seconds <= 0:
        return None
    return max(1, math.floor(min(seconds, _LONGEST_LIFE)))


def _parse_scope(value: object) -> str | None:
    """Return the scopes with one space between them, each once; None where the server names none."""
    # RFC 6749 §3.3 wants spaces; commas (GitHub, Slack) and arrays (Twitch) are seen and mean the same.
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = " ".join(value)
    if value is None:
        return None
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        raise RuleBroken("RFC 6749 §3.3: scope unusable")
    return " ".join(dict.fromkeys(value.replace(",", " ").split())) or None


def find_granted(tokens: TokenResponse, asked_scope: str | None) -> str | None:
    """Return the granted scope, as it is compared with what was asked to tell the member of less access."""
    if tokens.scope is None:
        return asked_scope
    scopes = tokens.scope.split()
    # `offline_access` asks for a refresh token and no access (OpenID Connect Core §11); most servers do not echo it.
    if tokens.refresh_token and _OFFLINE in (asked_scope or "").split() and _OFFLINE not in scopes:
        scopes.append(_OFFLINE)
    return " ".join(scopes)


def build_credential(
    tokens: TokenResponse,
    exchange: CodeExchange,
    mcp_server_url: str,
    asked_scope: str | None,
    now: datetime,
    *,
    grant_days: int | None = None,
) -> Credential:
    """Return what the vault is to hold (docs/reference/oauth.md#vault-credentials); `now` is when the tokens came.

    After `grant_days` the service ends the grant, refreshed or not. Raises `RuleBroken` for a token that
    has less than a minute to live and cannot be refreshed.
    """
    expires_at = now + timedelta(seconds=tokens.lifetime) - _EARLY if tokens.lifetime is not None else None
    if expires_at is not None and expires_at <= now:
        if tokens.refresh_token is None:
            raise RuleBroken("RFC 6749 §5.1: token expires at once and cannot be refreshed")
        # The API takes only an expiry in the future, and a minute before the end is past already.
        expires_at = None
    refresh = _build_refresh(tokens.refresh_token, exchange) if tokens.refresh_token else None
    return Credential(
        mcp_server_url=mcp_server_url,
        access_token=tokens.access_token,
        expires_at=expires_at,
        refresh=refresh,
        scope=find_granted(tokens, asked_scope),
        asked_scope=asked_scope,
        account=tokens.account.label,
        ends_at=_find_end(now, expires_at if refresh is None else None, grant_days),
    )


def _find_end(now: datetime, expires_at: datetime | None, grant_days: int | None) -> datetime | None:
    # For reminders: an access token that can be refreshed ends nothing, the grant behind it does.
    by_grant = now + timedelta(days=grant_days) if grant_days else None
    return min((end for end in (expires_at, by_grant) if end), default=None)


def _build_refresh(token: Secret, exchange: CodeExchange) -> Refresh:
    return Refresh(
        refresh_token=token,
        token_endpoint=exchange.token_endpoint,
        client_id=exchange.client_id,
        client_secret=exchange.client_secret,
        auth_method=exchange.auth_method,
        resource=exchange.resource,
        scope=None,  # left out, a refresh keeps the scope that was granted (RFC 6749 §6)
    )
