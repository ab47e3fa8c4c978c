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
    """Return the request, with the token in its header and nowhere else (RFC 6750 §2.1)."""
    headers = {"accept": "application/json", "authorization": f"Bearer {token.reveal()}", "user-agent": USER_AGENT}
    return HttpRequest("GET", endpoint, headers)


def parse_userinfo(answer: HttpResponse, subject: str | None) -> str | None:
    """Return who it is, None where that cannot be shown; raises `RuleBroken`. A signed answer is not read.

    `subject` is the id_token's, where there was one: of another subject nothing may be used
    (OpenID Connect Core §5.3.2).
    """
    if answer.status != 200:
        raise RuleBroken("OpenID Connect Core §5.3.2: not 200")
    claims = parse_json_object(answer)
    told = claims.get("sub")
    if not isinstance(told, str) or not told:
        raise RuleBroken("OpenID Connect Core §5.3.2: no sub")
    if subject is not None and told != subject:
        raise RuleBroken("OpenID Connect Core §5.3.2: sub differs from the id_token's")
    return find_person(claims)
