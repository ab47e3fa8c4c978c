"""The pages a person sees: choose an account, allow or deny, and later revoke what was allowed.

A GET changes nothing.
"""

from __future__ import annotations

import hmac
import secrets
from html import escape
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator.service.accounts import hinted
from simulator.service.authority import Authority, Consent

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;background:#f4f1ea;color:#2b2620;margin:0;
display:grid;min-height:100vh;place-items:center}
main{background:#fff;border-radius:14px;padding:32px 36px;width:min(420px,86vw);box-shadow:0 6px 28px #0002}
h1{font-size:15px;letter-spacing:.04em;margin:0 0 18px;color:#8a5a14}h2{font-size:21px;line-height:1.3;margin:0 0 10px}
form{display:grid;gap:10px;margin-top:18px}ul{padding-left:20px}p{margin:8px 0}.quiet{color:#6d655a;font-size:14px}
button{font:inherit;padding:11px 16px;border-radius:9px;border:1px solid #cfc6b6;
background:#fff;text-align:center;cursor:pointer}
button:hover,button:focus{border-color:#8a5a14;outline:2px solid #8a5a1444}
button.main{background:#8a5a14;border-color:#8a5a14;color:#fff;text-align:center}button.other{text-align:center}
"""


class ConsentPages:
    """Sign-in, consent and account pages of the service at `url`."""

    def __init__(
        self, authority: Authority, accounts: dict[str, dict[str, str]], personas: dict[str, str], url: str
    ) -> None:
        self._authority = authority
        self._personas = personas
        self._accounts = accounts
        self._url = url

    def routes(self) -> list[Route]:
        """Return the pages' routes."""
        return [
            Route("/consent/{id}", self.show, methods=["GET"]),
            Route("/consent/{id}/account", self.choose, methods=["POST"]),
            Route("/consent/{id}/decision", self.decide, methods=["POST"]),
            Route("/account", self.account, methods=["GET"]),
            Route("/account/revoke", self.revoke, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the account choice, then the question."""
        consent = self._authority.waiting(request.path_params["id"])
        if consent is None:
            return gone()
        if consent.account is None:
            hint = request.cookies.get("sim_user", "")
            body = self._account_choice(consent, self._personas.get(hint) or hinted(hint))
        else:
            body = question(consent, consent.account)
        response = page(body, form_targets=origin(consent.exact_redirect_uri))
        response.set_cookie(
            cookie_name(consent), consent.csrf, httponly=True, samesite="lax", path=f"/consent/{consent.id}"
        )
        return response

    async def choose(self, request: Request) -> Response:
        """Record which account signs in."""
        consent, form = await self._sent(request)
        if consent is None:
            return gone()
        if form is None:
            return refused()
        account = str(form.get("account", ""))
        if account not in self._accounts:
            return refused()
        consent.account = account
        return RedirectResponse(f"{self._url}/consent/{consent.id}", 303)

    async def decide(self, request: Request) -> Response:
        """Send the browser back to the client with the decision."""
        consent, form = await self._sent(request)
        if consent is None:
            return gone()
        if form is None:
            return refused()
        decision = form.get("decision")
        if consent.account is None or decision not in {"allow", "deny"}:
            return refused()
        target = self._authority.settle(consent, allow=decision == "allow")
        response = RedirectResponse(
            target, 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )
        response.delete_cookie(cookie_name(consent), path=f"/consent/{consent.id}")
        return response

    async def account(self, request: Request) -> Response:
        """Show what each account allows; the page a disconnected member is sent to."""
        csrf = request.cookies.get("notes_account") or secrets.token_urlsafe(16)
        rows = [
            f'<button name="account" value="{escape(account)}">Revoke access to {escape(account)} '
            f'<span class="quiet">({len(self._authority.live(account))} active)</span></button>'
            for account in self._accounts
        ]
        response = page(
            "<h2>Connected apps</h2><p>Apps that may read and write your notes.</p>"
            f'<form method="post" action="/account/revoke">{hidden(csrf)}{"".join(rows)}</form>'
        )
        response.set_cookie("notes_account", csrf, httponly=True, samesite="strict", path="/account")
        return response

    async def revoke(self, request: Request) -> Response:
        """Revoke all tokens of an account."""
        form = await request.form()
        csrf = request.cookies.get("notes_account")
        account = str(form.get("account", ""))
        if (
            not csrf
            or not self._genuine(request, csrf, str(form.get("csrf", "")), csrf)
            or account not in self._accounts
        ):
            return refused()
        self._authority.revoke_account(account)
        return RedirectResponse(f"{self._url}/account", 303)

    async def _sent(self, request: Request) -> tuple[Consent | None, FormData | None]:
        """Return the waiting consent and its form's fields; None if either is not from the consent's own page."""
        consent = self._authority.waiting(request.path_params["id"])
        if consent is None:
            return None, None
        form = await request.form()
        cookie = request.cookies.get(cookie_name(consent))
        return consent, form if self._genuine(request, consent.csrf, str(form.get("csrf", "")), cookie) else None

    def _genuine(self, request: Request, expected: str, sent: str, cookie: str | None) -> bool:
        same_site = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        same_origin = request.headers.get("origin", self._url) == self._url
        return same_site and same_origin and equal(expected, sent) and equal(expected, cookie or "")

    def _account_choice(self, consent: Consent, suggested: str | None) -> str:
        order = sorted(self._accounts, key=lambda account: account != suggested)
        buttons = [
            f'<button name="account" value="{escape(account)}"'
            f"{' class=main autofocus' if account == suggested else ''}>{escape(account)}</button>"
            for account in order
        ]
        return (
            f"<h2>Sign in</h2><p>Choose the account that {escape(client_name(consent))} may use.</p>"
            f'<form method="post" action="/consent/{consent.id}/account">{hidden(consent.csrf)}'
            f"{''.join(buttons)}</form>"
        )


def question(consent: Consent, account: str) -> str:
    """Return the question whether the client may have what it asks for."""
    scopes = consent.params.scopes or ["notes:read", "notes:write"]
    may = {"notes:read": "Read your notes", "notes:write": "Write and delete your notes"}
    rows = "".join(f"<li>{escape(may.get(scope, scope))}</li>" for scope in scopes)
    return (
        f"<h2>Allow {escape(client_name(consent))} to read and write your notes?</h2>"
        f'<p class="quiet">Signed in as {escape(account)}</p><ul>{rows}</ul>'
        f'<p class="quiet">You go back to {escape(origin(consent.exact_redirect_uri))}</p>'
        f'<form method="post" action="/consent/{consent.id}/decision">{hidden(consent.csrf)}'
        '<button class="main" name="decision" value="allow">Allow</button>'
        '<button class="other" name="decision" value="deny">Deny</button></form>'
    )


def client_name(consent: Consent) -> str:
    """Return the client's name, as it registered it."""
    return consent.client.client_name or "Deputy"


def cookie_name(consent: Consent) -> str:
    """Return the name of this consent's cookie: one for each, so that two tabs do not disturb each other."""
    return f"notes_{consent.id[:8]}"


def hidden(csrf: str) -> str:
    """Return the hidden field against cross-site requests: another site cannot read its value."""
    return f'<input type="hidden" name="csrf" value="{escape(csrf)}">'


def origin(address: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def equal(one: str, other: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def page(body: str, status: int = 200, form_targets: str = "") -> HTMLResponse:
    """Return a page of the service; `form_targets` are allowed too, since Chrome applies form-action to redirects."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Notes</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head>"
        f"<body><main><h1>NOTES</h1>{body}</main></body></html>",
        status,
        headers={
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self' {form_targets}".strip(),
        },
    )


def gone() -> HTMLResponse:
    """Return the page for an unknown or finished request."""
    return page("<h2>This request is over</h2><p>Go back and start again.</p>", 410)


def refused() -> HTMLResponse:
    """Return the page for a form that did not come from the service's own page."""
    return page("<h2>That did not come from this page</h2><p>Go back and start again.</p>", 403)
