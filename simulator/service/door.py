"""Wraps the mcp SDK's OAuth handlers: adds the checks that the SDK leaves out, and a scenario's faults.

The SDK's server compares normalised redirect URIs, does not check `resource`, demands `client_id` beside Basic and a
`client_secret` of public clients, and accepts a code challenge without a method. The strict rules are here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from mcp.server.auth.handlers.authorize import AuthorizationHandler
from mcp.server.auth.handlers.register import RegistrationHandler
from mcp.server.auth.handlers.revoke import RevocationHandler
from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.client_auth import ClientAuthenticator
from mcp.server.auth.settings import ClientRegistrationOptions
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator.service.authority import OPENID, SCOPES, Authority
from simulator.service.documents import PRM, laid_over, resource_metadata, server_metadata
from simulator.service.forms import Refused, add_basic_client_id, checked, checked_form, oauth_error, with_body
from simulator.service.quirks import Quirks

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
ODD_LIFETIMES = (3599.98, "3600", 315705599, 10**12, -1)
"""Values of `expires_in` that were seen; RFC 6749 §5.1 wants whole seconds and has no way to say "for ever"."""


class Door:
    """The service's OAuth and metadata routes."""

    def __init__(self, quirks: Quirks, authority: Authority, url: str) -> None:
        self._quirks = quirks
        self._authority = authority
        self._url = url
        authenticator = ClientAuthenticator(authority)
        options = ClientRegistrationOptions(enabled=True, valid_scopes=[*SCOPES, OPENID], default_scopes=SCOPES)
        self._authorization = AuthorizationHandler(authority)
        self._token = TokenHandler(authority, authenticator)
        self._registration = RegistrationHandler(authority, options)
        self._revocation = RevocationHandler(authority, authenticator)

    def routes(self) -> list[Route]:
        """Return the routes, each behind its checks."""
        return [
            Route(PRM + "/mcp", self.resource_metadata, methods=["GET"]),
            Route(PRM, self.root_resource_metadata, methods=["GET"]),
            Route("/.well-known/{name:str}", self.server_metadata, methods=["GET"]),
            Route("/.well-known/{name:str}/{path:path}", self.server_metadata, methods=["GET"]),
            Route("/authorize", self.authorize, methods=["GET"]),
            Route("/token", checked(self.token), methods=["POST"]),
            Route("/register", self.register, methods=["POST"]),
            Route("/revoke", checked(self.revoke), methods=["POST"]),
            Route("/userinfo", self.userinfo, methods=["GET"]),
        ]

    async def server_metadata(self, request: Request) -> Response:
        """Serve RFC 8414 metadata, only at the URL that is made from the issuer."""
        path = f"/{request.path_params['path']}" if "path" in request.path_params else ""
        if request.path_params["name"] != self._quirks.metadata_name or path != self._quirks.server_path:
            return Response(status_code=404)
        return JSONResponse(server_metadata(self._quirks, self._url))

    async def resource_metadata(self, _request: Request) -> Response:
        """Serve RFC 9728 metadata, at the URL with the resource's path."""
        if self._quirks.resource_metadata in {"missing", "root"}:
            return Response(status_code=404)
        return JSONResponse(resource_metadata(self._quirks, self._url))

    async def root_resource_metadata(self, _request: Request) -> Response:
        """Serve RFC 9728 metadata, at the well-known URL without a path."""
        if self._quirks.resource_metadata != "root":
            return Response(status_code=404)
        return JSONResponse(resource_metadata(self._quirks, self._url))

    async def authorize(self, request: Request) -> Response:
        """Check what the SDK does not check, then let it send the browser to the consent page."""
        query = request.query_params
        self._forget_client(query.get("client_id", ""))
        problem = self._authorize_problem(request)
        redirect_uri = query.get("redirect_uri", "")
        known = self._authority.redirect_uris.get(query.get("client_id", ""), [])
        # Never redirected to an address that is not known to be the client's (RFC 6749 §4.1.2.1): people see an error
        # and the client hears nothing.
        if await self._authority.get_client(query.get("client_id", "")) is None or redirect_uri not in known:
            return JSONResponse(
                {"error": "invalid_request", "error_description": "unknown client or redirect_uri"}, 400
            )
        if problem is not None:
            state = {"state": query["state"]} if "state" in query else {}
            return RedirectResponse(self._authority.with_iss(redirect_uri, {"error": problem, **state}), 302)
        return self._with_iss(await self._authorization.handle(request), redirect_uri, query)

    def _forget_client(self, client_id: str) -> None:
        """Forget a client that was used before, if `service:client_forgotten` strikes."""
        # As a server that keeps its clients in memory and was restarted since.
        is_old = any(consent.client.client_id == client_id for consent in self._authority.consents.values())
        if is_old and client_id in self._authority.clients and self._quirks.rough.strikes("service:client_forgotten"):
            del self._authority.clients[client_id]

    def _authorize_problem(self, request: Request) -> str | None:
        query = request.query_params
        # A parameter must not be there twice (RFC 6749 §3.1); the SDK would read one of them.
        if len(query.multi_items()) != len(query.keys()):
            return "invalid_request"
        if query.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(query.get("code_challenge", "")):
            return "invalid_request"
        return None

    def _with_iss(self, response: Response, redirect_uri: str, query: Mapping[str, str]) -> Response:
        """Add `iss` to the SDK's own error redirects, and record the redirect URI as the request had it."""
        location = response.headers.get("location", "")
        consent = self._authority.consents.get(location.rpartition("/")[2])
        if consent is not None:
            consent.asked = dict(query)
            consent.exact_redirect_uri = redirect_uri
        elif location:
            answer = dict(parse_qsl(urlsplit(location).query))
            sent = dict(parse_qsl(urlsplit(redirect_uri).query))
            response.headers["location"] = self._authority.with_iss(
                redirect_uri, {key: value for key, value in answer.items() if key not in sent}
            )
        return response

    async def token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749 §3.2), with RFC 8707 and codes that work once."""
        form = await checked_form(request)
        add_basic_client_id(form, request)
        failure = self._token_failure(form)
        if failure not in {None, "lost"}:
            return token_failure(str(failure))
        self._check_resource(form)
        if form.get("grant_type") == "authorization_code" and not VERIFIER.fullmatch(form.get("code_verifier", "")):
            return oauth_error("invalid_grant", "code_verifier is malformed")
        response: Response = await self._token.handle(with_body(request, urlencode(form).encode()))
        if failure == "lost":  # it was carried out, and the client does not hear of it
            return Response(status_code=500)
        return self._bent(response)

    def _bent(self, response: Response) -> Response:
        """Return the token response with the scenario's deviations."""
        body = json.loads(bytes(response.body))
        if response.status_code != 200:
            return JSONResponse({"ok": False, **body}) if self._quirks.refusals_with_200 else response
        rough = self._quirks.rough
        if rough.strikes("service:scopes_with_commas"):
            body["scope"] = body["scope"].replace(" ", ",")
        if rough.strikes("service:odd_lifetime"):
            body["expires_in"] = ODD_LIFETIMES[rough.struck["service:odd_lifetime"] % len(ODD_LIFETIMES)]
        if self._quirks.token_form == "nested":
            body = nested(body)
        status = 201 if rough.strikes("service:status_201") else 200
        answer = laid_over(body, self._quirks.extra_token_fields)
        return JSONResponse(answer, status, headers={"Cache-Control": "no-store"})

    def _token_failure(self, form: dict[str, str]) -> str | None:
        failure, self._quirks.fail_next_token = self._quirks.fail_next_token, None
        if form.get("grant_type") == "refresh_token" and failure is None:
            failure, self._quirks.fail_next_refresh = self._quirks.fail_next_refresh, None
        return failure

    def _check_resource(self, form: dict[str, str]) -> None:
        code = self._authority.codes.get(form.get("code", ""))
        refresh = self._authority.tokens.get(form.get("refresh_token", ""))
        if code is not None and form.get("redirect_uri") != code.exact_redirect_uri:
            raise Refused(oauth_error("invalid_grant", "redirect_uri is not the one of the authorization request"))
        if self._quirks.ignore_resource:
            form.pop("resource", None)
        elif code is not None:
            if "resource" not in form and not self._quirks.require_resource:
                return
            if form.get("resource") != code.resource:
                raise Refused(oauth_error("invalid_target", "resource is not the one of the authorization request"))
        elif refresh is not None and form.get("resource", refresh.resource) != refresh.resource:
            raise Refused(oauth_error("invalid_target", "resource is not the one of the grant"))

    async def register(self, request: Request) -> Response:
        """Register a client (RFC 7591), and record its redirect URIs as the request had them."""
        if self._quirks.no_registration:
            return Response(status_code=404)
        body = await request.body()
        response = await self._registration.handle(with_body(request, body))
        if response.status_code != 201:
            return response
        answer = json.loads(bytes(response.body))
        self._authority.redirect_uris[answer["client_id"]] = list(json.loads(body)["redirect_uris"])
        return JSONResponse(laid_over(answer, self._quirks.extra_registration_fields), 201)

    async def revoke(self, request: Request) -> Response:
        """Revoke a token (RFC 7009)."""
        form = await checked_form(request)
        add_basic_client_id(form, request)
        # The SDK demands the field of public clients too.
        form.setdefault("client_secret", "")
        return await self._revocation.handle(with_body(request, urlencode(form).encode()))

    async def userinfo(self, request: Request) -> Response:
        """Answer a userinfo request (OpenID Connect Core §5.3) with a token in the header (RFC 6750 §2.1)."""
        if not self._quirks.tells_account or request.query_params:
            return Response(status_code=400 if self._quirks.tells_account else 404)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        token = await self._authority.load_access_token(given) if scheme.lower() == "bearer" else None
        if token is None or token.subject is None:
            return Response(status_code=401, headers={"www-authenticate": 'Bearer error="invalid_token"'})
        if OPENID not in token.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{OPENID}"'
            return Response(status_code=403, headers={"www-authenticate": challenge})
        claims = {"sub": f"user-{token.subject}", "email": token.subject, "email_verified": True}
        return JSONResponse(laid_over(claims, self._quirks.extra_userinfo))


def nested(grant: dict[str, Any]) -> dict[str, Any]:
    """Return a token response in the form of Slack's `oauth.v2.user.access`."""
    user = {**grant, "scope": grant["scope"].replace(" ", ","), "token_type": "user"}
    return {"ok": True, "app_id": "A1", "authed_user": {"id": "U1", **user}, "team": {"id": "T1"}}


def token_failure(kind: str) -> Response:
    """Return a scenario's failure of the token endpoint; its description has a mark that tests look for in leaks."""
    if kind == "500":
        return Response("internal error canary-upstream-prose", 500)
    if kind == "html":
        return HTMLResponse("<h1>canary-upstream-prose</h1>")
    if kind == "error_200":
        return JSONResponse({"ok": False, "error": "invalid_code"})
    return oauth_error(kind, "canary-upstream-prose", 401 if kind == "invalid_client" else 400)
