"""Sign in with Slack: the authorize page, single-use codes, id_tokens, and knobs to make them wrong.

Who the browser is comes from the cookie `sim_user`, which a page or `POST /sim/act-as` sets.
"""

from __future__ import annotations

import base64
import html
import json
import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from simulator.slack.people import Person
from simulator.slack.webapi import read_arguments
from simulator.slack.workspace import Workspace

COOKIE = "sim_user"
CODE_LIFETIME = 600.0

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in to Deputy</title>
<meta name="viewport" content="width=device-width"><style>
body{{font:16px/1.5 system-ui,sans-serif;background:#f8f8f8;color:#1d1c1d;display:grid;place-items:center;
min-height:95vh}}
main{{background:#fff;border:1px solid #ddd;border-radius:12px;padding:32px;width:min(92vw,400px)}}
h1{{font-size:22px;margin:0 0 8px}}button{{font:inherit;padding:10px 16px;border-radius:8px;border:1px solid #bbb;
background:#fff;cursor:pointer;margin:4px 4px 0 0}}button.main{{background:#611f69;border-color:#611f69;color:#fff}}
</style></head><body><main>{body}</main></body></html>"""


@dataclass
class Code:
    """An authorization code; it works once, for ten minutes."""

    user: str
    nonce: str | None
    redirect_uri: str
    expires_at: float
    is_used: bool = False


@dataclass
class Lies:
    """What is wrong with the next id_tokens; None and empty: nothing."""

    claims: dict[str, Any] = field(default_factory=dict)
    """Claims that replace the right ones, such as `{"aud": "somebody-else"}`; a None removes the claim."""
    alg: str | None = None
    """`HS256` (signed with the client secret) or `none`."""
    kid: str | None = None
    wrong_key: bool = False


@cache  # once a process: making a key takes 0.1 s
def _keys() -> tuple[RSAKey, RSAKey]:
    """Return the signing key, and another one that is not published."""
    signing = RSAKey.generate_key(2048, {"kid": "simulated-key", "use": "sig", "alg": "RS256"})
    return signing, RSAKey.generate_key(2048, {"kid": "simulated-key"})


class OpenId:
    """The handlers of Sign in with Slack."""

    def __init__(self, workspace: Workspace, client_id: str, client_secret: str) -> None:
        self._workspace = workspace
        self.client_id, self.client_secret = client_id, client_secret
        self.issuer = "https://slack.com"
        self.redirect_uris: set[str] = set()
        self.codes: dict[str, Code] = {}
        self.lies = Lies()
        self.enterprise_id: str | None = None
        self._key, self._other_key = _keys()

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Show who would sign in, to the browser of the app's user."""
        problem = self._problem(dict(request.query))
        if problem:
            return self._page(f"<h1>Something is wrong</h1><p>{html.escape(problem)}</p>", 400)
        person = self._workspace.people.get(request.cookies.get(COOKIE, ""))
        return self._page(self._choice(person if request.query.get("pick") is None else None, dict(request.query)))

    def _problem(self, query: dict[str, str]) -> str | None:
        """Return what is wrong with an authorize request, None if nothing is."""
        if query.get("client_id") != self.client_id:
            return "invalid_client_id"
        if query.get("redirect_uri") not in self.redirect_uris:
            return "bad_redirect_uri"
        if "openid" not in query.get("scope", "").replace(",", " ").split():
            return "invalid_scope"
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        return None

    def _choice(self, person: Person | None, query: dict[str, str]) -> str:
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in query.items()
            if name not in {"pick", "as_user"}
        )
        people = [one for one in self._workspace.people.values() if not one.is_bot and not one.deleted]
        if person:
            body = f"<h1>Sign in to Deputy as {html.escape(person.real_name.split()[0])}</h1>"
            body += "<p>Deputy will see who you are in this workspace.</p>"
            button = f'<button class="main" name="as_user" value="{person.id}">Continue</button>'
            other = f'<a href="?{html.escape(urlencode({**query, "pick": "1"}))}">Someone else</a>'
            return f'{body}<form method="post" action="/openid/connect/authorize">{hidden}{button} {other}</form>'
        buttons = "".join(
            f'<button name="as_user" value="{one.id}">{html.escape(one.real_name)}</button>' for one in people
        )
        return f'<h1>Who are you?</h1><form method="post" action="/openid/connect/authorize">{hidden}{buttons}</form>'

    def _page(self, body: str, status: int = 200) -> web.Response:
        return web.Response(text=PAGE.format(body=body), content_type="text/html", status=status)

    async def approve(self, request: web.Request) -> web.StreamResponse:
        """Send the browser back with a code."""
        form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        problem = self._problem(form)
        person = self._workspace.people.get(form.get("as_user", ""))
        if problem or person is None:
            return self._page(f"<h1>Something is wrong</h1><p>{html.escape(problem or 'nobody')}</p>", 400)
        raise web.HTTPFound(self.redirect(form, person.id))

    def redirect(self, query: dict[str, str], user: str) -> str:
        """Return where the browser of `user` goes after Continue. Raises ValueError for a bad request."""
        problem = self._problem(query)
        if problem:
            raise ValueError(problem)
        code = secrets.token_urlsafe(24)
        expires_at = self._workspace.now() + CODE_LIFETIME
        self.codes[code] = Code(user, query.get("nonce"), query["redirect_uri"], expires_at)
        parameters = {"code": code} | ({"state": query["state"]} if "state" in query else {})
        separator = "&" if "?" in query["redirect_uri"] else "?"
        return query["redirect_uri"] + separator + urlencode(parameters)

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code for an id_token."""
        given, _ = await read_arguments(request)
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            given["client_id"], _, given["client_secret"] = base64.b64decode(encoded).decode().partition(":")
        error = self._token_error(given)
        if error:
            return web.json_response({"ok": False, "error": error})
        code = self.codes[given["code"]]
        code.is_used = True
        answer = {"ok": True, "access_token": "xoxp-canary-" + secrets.token_hex(12), "token_type": "Bearer"}
        return web.json_response(answer | {"id_token": self.id_token(code)})

    def _token_error(self, given: dict[str, Any]) -> str | None:
        if given.get("client_id") != self.client_id:
            return "invalid_client_id"
        if given.get("client_secret") != self.client_secret:
            return "bad_client_secret"
        if given.get("grant_type", "authorization_code") != "authorization_code":
            return "invalid_grant_type"
        code = self.codes.get(str(given.get("code")))
        if code is None:
            return "invalid_code"
        if code.is_used:
            return "code_already_used"
        if self._workspace.now() > code.expires_at:
            return "code_expired"
        if given.get("redirect_uri") != code.redirect_uri:
            return "bad_redirect_uri"
        return None

    def id_token(self, code: Code) -> str:
        """Return the id_token, with what `lies` says is wrong with it."""
        person = self._workspace.people[code.user]
        now = int(self._workspace.now())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": person.id,
            "aud": self.client_id,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": code.nonce,
            "at_hash": "simulated",
            "https://slack.com/team_id": person.team_id,
            "https://slack.com/user_id": person.id,
            "https://slack.com/enterprise_id": self.enterprise_id,
            "name": person.real_name,
        }
        claims = {name: value for name, value in (claims | self.lies.claims).items() if value is not None}
        algorithm = self.lies.alg or "RS256"
        header = {"alg": algorithm, "kid": self.lies.kid or "simulated-key", "typ": "JWT"}
        if algorithm == "none":
            return _unsigned(header, claims)
        if algorithm == "HS256":
            return jwt.encode(header, claims, OctKey.import_key(self.client_secret), algorithms=["HS256"])
        return jwt.encode(header, claims, self._other_key if self.lies.wrong_key else self._key)

    async def keys(self, _request: web.Request) -> web.Response:
        """Return the JWKS."""
        return web.json_response({"keys": [self._key.as_dict(private=False)]})

    async def configuration(self, _request: web.Request) -> web.Response:
        """Return `/.well-known/openid-configuration`, with this simulator's addresses."""
        url = self._workspace.url
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{url}/openid/connect/authorize",
                "token_endpoint": f"{url}/api/openid.connect.token",
                "jwks_uri": f"{url}/openid/connect/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def act_as(self, request: web.Request) -> web.Response:
        """Sign this browser in as `user` (a form field or JSON member)."""
        given, _ = await read_arguments(request)
        if given.get("user") not in self._workspace.people:
            return web.json_response({"ok": False, "error": "user_not_found"}, status=400)
        response = web.json_response({"ok": True, "user": given["user"]})
        response.set_cookie(COOKIE, str(given["user"]), path="/", samesite="Lax", httponly=True)
        return response


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in (header, claims)]
    return ".".join([*parts, ""])
