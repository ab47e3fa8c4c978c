"""Asks whose a token is (OpenID Connect Core §5.3): a label for its owner, by which nothing is decided; pure."""

from __future__ import annotations

from oauth.connect.account import find_person
from oauth.errors import RuleBroken
from oauth.protocol.discovery import USER_AGENT
from oauth.protocol.http_messages import HttpRequest, HttpResponse, parse_json_object
from store.records import Secret

SCOPE = "openid"
"""Without it no token opens the endpoint (OpenID Connect Core §5.3.1, §3.1.2.1)."""


def build_userinfo_request(endpoint: str, token: Secret) -> HttpRequest:
    """Return the userinfo request (OpenID Connect Core §5.3.1), with the token in a header only (RFC 6750 §2.1)."""
    headers = {"accept": "application/json", "authorization": f"Bearer {token.reveal()}", "user-agent": USER_AGENT}
    return HttpRequest("GET", endpoint, headers)


def parse_userinfo(answer: HttpResponse, subject: str | None) -> str | None:
    """Return the person that the claims name, None if nobody that can be shown; raises `RuleBroken`.

    `subject` is the id_token's, None without one. A signed response (a JWT) is not supported.
    """
    if answer.status != 200:
        raise RuleBroken("OpenID Connect Core §5.3.2: not 200")
    claims = parse_json_object(answer)
    told = claims.get("sub")
    if not isinstance(told, str) or not told:
        raise RuleBroken("OpenID Connect Core §5.3.2: no sub")
    # Another subject's claims must not be used: the response may have been swapped (OpenID Connect Core §5.3.2).
    if subject is not None and told != subject:
        raise RuleBroken("OpenID Connect Core §5.3.2: sub differs from the id_token's")
    return find_person(claims)
