"""Proves whose browser this is, by the flow's cookie and Sign in with Slack. One of two places that create a `Member`.

`oauth/connect/authorize.py` acts on a match or a mismatch.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from joserfc.errors import JoseError

from oauth.errors import IdentityUnproven, RuleBroken
from oauth.protocol.discovery import USER_AGENT
from oauth.protocol.http_messages import HttpRequest, HttpResponse, parse_json_object
from oauth.protocol.tokens import build_client_request
from store.records import LINK_LIFE, Member, Secret, Ticket, UserId, WorkspaceId

if TYPE_CHECKING:
    from joserfc.jwt import Token

    from oauth.guarded_http import GuardedSender

COOKIE_SECONDS = int(LINK_LIFE.total_seconds())
_LEEWAY_SECONDS = 60  # how far our clock and Slack's may differ
_TICKET_SHOWN = 12  # of a ticket's id, in the name of its cookie
_TEAM = "https://slack.com/team_id"
_USER = "https://slack.com/user_id"
_ENTERPRISE = "https://slack.com/enterprise_id"


@dataclass(frozen=True, slots=True)
class SlackIdentity:
    """The configuration of Sign in with Slack: our app's client, and Slack's endpoints."""

    client_id: str
    client_secret: Secret
    authorize_url: str
    token_url: str
    keys_url: str
    issuer: str = "https://slack.com"

    @classmethod
    def at(
        cls, slack_url: str, *, client_id: str, client_secret: Secret, issuer: str = "https://slack.com"
    ) -> SlackIdentity:
        """Return the configuration with the endpoints below a Slack base URL, such as `https://slack.com/`."""
        base = slack_url.rstrip("/")
        return cls(
            client_id=client_id,
            client_secret=client_secret,
            authorize_url=f"{base}/openid/connect/authorize",
            token_url=f"{base}/api/openid.connect.token",
            keys_url=f"{base}/openid/connect/keys",
            issuer=issuer,
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """Who is at the browser, by the claims of a verified id_token."""

    user_id: UserId
    team_id: str
    enterprise_id: str | None
    name: str


def new_secret() -> str:
    """Return 256 random bits for a ticket, cookie, state, nonce or verifier (43 characters: RFC 7636 §4.1)."""
    return secrets.token_urlsafe(32)


def derive_state(cookie: str) -> str:
    """Return the flow's state for Sign in with Slack."""
    # Derived, so that a second press of the button finds the same state though only hashes are stored. One way:
    # the state is in URLs and must not give the cookie away.
    return hmac.new(cookie.encode(), b"deputy: state for sign in with slack", hashlib.sha256).hexdigest()


def hash_secret(secret: str) -> str:
    """Return how a ticket, cookie or state is stored: whoever reads the database cannot use it."""
    # No salt and no stretching: 256 random bits are not to be guessed, and a row is found by its hash.
    return hashlib.sha256(secret.encode()).hexdigest()


def build_cookie_name(ticket: Ticket) -> str:
    """Return the name of the flow's cookie."""
    # One for each flow, so that two in one browser do not disturb each other. `__Host-` lets no other subdomain set
    # it and tie a victim's browser to an attacker's flow (draft-ietf-httpbis-rfc6265bis §4.1.3.2).
    return f"__Host-connect-{ticket.id.rpartition('_')[2][:_TICKET_SHOWN]}"


def build_cookie(ticket: Ticket, value: str) -> str:
    """Return the `Set-Cookie` value that binds the browser to the flow."""
    # `Lax`, not `Strict`: a callback is a top-level GET that comes from another site.
    return f"{build_cookie_name(ticket)}={value}; Path=/; Max-Age={COOKIE_SECONDS}; Secure; HttpOnly; SameSite=Lax"


def build_cookie_removal(ticket: Ticket) -> str:
    """Return the `Set-Cookie` value that removes the flow's cookie."""
    return f"{build_cookie_name(ticket)}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"


def is_same_browser(ticket: Ticket, cookie_hash: str | None, cookies: Mapping[str, str]) -> bool:
    """Say whether the request carries the cookie that this flow was started with."""
    given = cookies.get(build_cookie_name(ticket))
    return bool(given and cookie_hash) and hmac.compare_digest(hash_secret(given or ""), cookie_hash or "")


def build_identity_url(identity: SlackIdentity, redirect_uri: str, state: str, nonce: str, team_id: str) -> str:
    """Return the URL to send the browser to (OpenID Connect Core §3.1.2.1)."""
    # Without `team` Slack asks people with several workspaces which one they mean.
    url: str = prepare_grant_uri(
        identity.authorize_url, identity.client_id, "code", redirect_uri, "openid", state, nonce=nonce, team=team_id
    )
    return url


def build_identity_exchange(identity: SlackIdentity, redirect_uri: str, code: Secret) -> HttpRequest:
    """Return the token request of Sign in with Slack (OpenID Connect Core §3.1.3.1)."""
    body = prepare_token_request("authorization_code", redirect_uri=redirect_uri, code=code.reveal())
    return build_client_request(
        identity.token_url, body, identity.client_id, identity.client_secret, "client_secret_post"
    )


def parse_identity_exchange(answer: HttpResponse) -> Secret:
    """Return the id_token; raises `RuleBroken`. The access token beside it is not read."""
    document = parse_json_object(answer)
    token = document.get("id_token")
    if answer.status != 200 or document.get("ok") is not True or not isinstance(token, str):
        raise RuleBroken("OpenID Connect Core §3.1.3.3: no id_token")
    return Secret(token)


def verify_id_token(
    id_token: Secret, keys: Mapping[str, Any], identity: SlackIdentity, nonce: str, now: datetime
) -> Proof:
    """Return whom the token proves (OpenID Connect Core §3.1.3.7); raises `RuleBroken`."""
    from authlib.oidc.core import CodeIDToken  # noqa: PLC0415  # slow to import, needed only when somebody connects

    token = _decode(id_token, keys)
    options = {"iss": {"essential": True, "value": identity.issuer}, "nonce": {"essential": True}}
    claims = CodeIDToken(token.claims, token.header, options, {"client_id": identity.client_id})
    try:
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
    except (JoseError, TypeError, ValueError) as error:
        raise RuleBroken(f"OpenID Connect Core §3.1.3.7: {type(error).__name__}") from None
    # Ours alone: Authlib accepts one that is for another client as well, if `azp` is ours.
    if claims["aud"] not in (identity.client_id, [identity.client_id]):
        raise RuleBroken("OpenID Connect Core §3.1.3.7: audience is another's")
    # Ours to compare: Authlib skips it where none is expected, so an attempt that lost its nonce would take any.
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise RuleBroken("OpenID Connect Core §3.1.3.7: nonce is another's")
    return _read_proof(claims)


def _decode(id_token: Secret, keys: Mapping[str, Any]) -> Token:
    from joserfc import jwk, jwt  # noqa: PLC0415  # see verify_id_token

    try:
        # RS256 alone: by a choice of the token's, a public key could be taken for an HMAC secret (RFC 8725 §3.1).
        key_set = jwk.KeySet.import_key_set({"keys": [key for key in keys["keys"] if key.get("kty") == "RSA"]})
        return jwt.decode(id_token.reveal(), key_set, algorithms=["RS256"])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RuleBroken(f"RFC 7519 §7.2: {type(error).__name__}") from None


def _read_proof(claims: Mapping[str, Any]) -> Proof:
    user, team, enterprise = claims.get(_USER), claims.get(_TEAM), claims.get(_ENTERPRISE)
    if not isinstance(user, str) or not user or not isinstance(team, str) or not team:
        raise RuleBroken("openid.connect.token: no user or team claim")
    name = claims.get("name")
    return Proof(
        user_id=UserId(user),
        team_id=team,
        enterprise_id=enterprise if isinstance(enterprise, str) and enterprise else None,
        name=name if isinstance(name, str) else "",
    )


def build_member(proof: Proof, owner: Member) -> Member | None:
    """Return the proven member if they are the ticket's owner, else None."""
    # A user id means something in its workspace only. On Enterprise Grid that may be the organisation or the team,
    # whichever the app is installed in.
    is_same_user = hmac.compare_digest(proof.user_id.encode(), owner.user_id.encode())
    if not is_same_user or owner.workspace_id not in (proof.enterprise_id, proof.team_id):
        return None
    return Member(
        workspace_id=WorkspaceId(owner.workspace_id),
        user_id=proof.user_id,
        team_id=proof.team_id,
        name=proof.name or owner.name,
    )


class SlackSignIn:
    """Sign in with Slack over the guarded sender; one per process, stateless."""

    def __init__(self, *, identity: SlackIdentity, sender: GuardedSender, redirect_uri: str) -> None:
        self._identity = identity
        self._sender = sender
        self._redirect_uri = redirect_uri

    @property
    def issuer(self) -> str:
        """The issuer that Slack's id_tokens must name."""
        return self._identity.issuer

    def build_url(self, state: str, nonce: str, team_id: str) -> str:
        """Return the URL of Slack's page for this workspace."""
        return build_identity_url(self._identity, self._redirect_uri, state, nonce, team_id)

    async def prove(self, code: Secret, nonce: str, now: datetime) -> Proof:
        """Exchange the code and return whom its id_token proves.

        Raises `IdentityUnproven`, `Unreachable`, `UrlRefused`.
        """
        answer = await self._sender.send(build_identity_exchange(self._identity, self._redirect_uri, code))
        # Fetched each time: people connect rarely, and a kept set would refuse everybody after Slack changes its keys.
        keys = await self._sender.send(
            HttpRequest("GET", self._identity.keys_url, {"accept": "application/json", "user-agent": USER_AGENT})
        )
        try:
            id_token = parse_identity_exchange(answer)
            return verify_id_token(id_token, parse_json_object(keys), self._identity, nonce, now)
        except RuleBroken as error:
            raise IdentityUnproven(error.rule) from error
