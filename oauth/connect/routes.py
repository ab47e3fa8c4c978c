"""The browser's routes: each parses a request, calls `Connections` and returns a page with the security headers.

`oauth/connect/pages.py` has the words; `bot/web/asgi.py` mounts the routes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from oauth.connect import pages
from oauth.connect.attempt_store import Pairs, describe, new_reference
from oauth.connect.browser import build_cookie_removal
from oauth.connect.connections import Connections
from oauth.connect.ip_rate_limit import IpRateLimit, find_address
from oauth.errors import AttemptEnded, ConnectError, Reason, TicketUnusable, TooManyRequests, UnknownService
from oauth.protocol.registration import build_client_document
from oauth.security_headers import build_headers, build_page_policy
from store.records import ServiceName

log = structlog.get_logger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
# Four times the longest code that we take, and the rest of a callback's parameters.
_LONGEST_QUERY = 16_384
_MOST_PARAMETERS = 32
_REFERENCE = re.compile(r"[0-9A-F]{8}")


def routes(connections: Connections, *, proxies: int = 0, limiter: IpRateLimit | None = None) -> list[Route]:
    """Return the routes below the base URL of `connections`; `proxies` is how many proxies of ours are before them."""
    doors = BrowserRoutes(connections, proxies, limiter or IpRateLimit())
    return [
        *_proofs(doors, is_by_code=connections.is_by_code),
        Route("/connect/{ticket}", doors.guarded(doors.show), methods=["GET"]),
        Route("/connect/{ticket}/start", doors.guarded(doors.start), methods=["POST"]),
        Route("/oauth/callback/{service}", doors.guarded(doors.arrived), methods=["GET"]),
        Route("/oauth/client/{service}.json", doors.guarded(doors.client_document), methods=["GET"]),
        Route("/connected", doors.guarded(doors.connected), methods=["GET"]),
        Route("/not-connected/{reference}", doors.guarded(doors.not_connected), methods=["GET"]),
    ]


def _proofs(doors: BrowserRoutes, *, is_by_code: bool) -> list[Route]:
    # Only the configured proof has routes, so nobody can choose the weaker one.
    if not is_by_code:
        return [Route("/connect/slack/callback", doors.guarded(doors.identified), methods=["GET"])]
    return [
        Route("/connect/proceed", doors.guarded(doors.identified), methods=["GET"]),
        Route("/connect/code", doors.guarded(doors.show_code), methods=["GET"]),
    ]


class BrowserRoutes:
    """The routes' handlers; one per process."""

    def __init__(self, connections: Connections, proxies: int, limiter: IpRateLimit) -> None:
        self._connections = connections
        self._proxies = proxies
        self._limiter = limiter
        self._is_https = connections.base_url.startswith("https://")
        base = urlsplit(connections.base_url)
        self._origin = f"{base.scheme}://{base.netloc}"

    def guarded(self, handler: Handler) -> Handler:
        """Return the handler behind the rate limit, with its `ConnectError`s turned into pages."""

        async def answer(request: Request) -> Response:
            try:
                self._require_modesty(request)
                return await handler(request)
            except ConnectError as error:
                return self._problem(error)

        return answer

    async def show(self, request: Request) -> Response:
        """Show what the link is for. Changes nothing: scanners and previews open links too."""
        ticket, service = await self._connections.authorize.peek(request.path_params["ticket"])
        page = pages.render_start(
            ticket,
            service,
            action=f"{request.path_params['ticket']}/start",
            is_by_code=self._connections.is_by_code,
        )
        # With `no-referrer` browsers send our own form with `Origin: null`, which `_require_own_form` refuses.
        return self._respond(page, referrer="same-origin")

    async def start(self, request: Request) -> Response:
        """Bind the link to this browser and send it to Slack."""
        self._require_own_form(request)
        started = await self._connections.authorize.begin(request.path_params["ticket"], request.cookies)
        response = self._respond(pages.render_going("the service" if self._connections.is_by_code else "Slack"))
        # A refresh, not a redirect: browsers apply `form-action` to every redirect after a form, and the last one is
        # to a service whose hosts nobody can list (docs/decisions/0012).
        response.headers["refresh"] = f"0;url={started.url}"
        response.headers.append("set-cookie", started.cookie or "")
        return response

    async def identified(self, request: Request) -> Response:
        """Handle Slack's callback and send the browser on to the service."""
        _require_navigation(request)
        started = await self._connections.authorize.identify(_read_query(request), request.cookies)
        return self._redirect(started.url)

    async def arrived(self, request: Request) -> Response:
        """Handle the service's callback and connect."""
        _require_navigation(request)
        service = request.path_params["service"]
        ticket = await self._connections.callback.complete(service, _read_query(request), request.cookies)
        # On to a URL without a query: the code must not stay in the address bar and the history (RFC 9700 §4.3).
        if self._connections.is_by_code:
            return self._redirect(f"{self._connections.base_url}/connect/code")
        response = self._redirect(f"{self._connections.base_url}/connected")
        response.headers.append("set-cookie", build_cookie_removal(ticket))
        return response

    async def show_code(self, request: Request) -> Response:
        """Show the attempt's own browser the code to type into Slack, as often as it asks."""
        held = self._connections.callback.confirmation.find(request.cookies, self._connections.now())
        if held is None:
            raise TicketUnusable(Reason.USED)
        return self._respond(pages.render_code(held))

    async def connected(self, _request: Request) -> Response:
        """Show that the connection was made."""
        return self._respond(pages.render_connected())

    async def not_connected(self, request: Request) -> Response:
        """Tell the wrong browser that the attempt is over, at a URL that holds no code."""
        reference = request.path_params["reference"]
        # It is shown on the page: nobody may write a sentence into our own.
        if not _REFERENCE.fullmatch(reference):
            raise TicketUnusable(Reason.UNKNOWN)
        error = TicketUnusable(Reason.OTHER_BROWSER)
        return self._respond(pages.render_problem(error, reference, self._connections.catalog))

    async def client_document(self, request: Request) -> Response:
        """Serve our client id metadata document for a service (docs/reference/oauth.md#client-registration)."""
        try:
            service = self._connections.catalog.get(ServiceName(request.path_params["service"]))
        except UnknownService:
            return self._secure(JSONResponse({"error": "not_found"}, status_code=404), pages.BrowserPage("", "", 404))
        client = self._connections.service_client.build_client(service)
        if client.document_url is None:
            return self._secure(JSONResponse({"error": "not_found"}, status_code=404), pages.BrowserPage("", "", 404))
        response = self._secure(JSONResponse(build_client_document(client)), pages.BrowserPage("", "", 200))
        # Servers fetch it for each authorization, and nothing in it is secret.
        response.headers["cache-control"] = "public, max-age=3600"
        return response

    def _require_modesty(self, request: Request) -> None:
        peer = request.client.host if request.client else ""
        # A proxy may add a header line of its own instead of extending the present one (RFC 9110 §5.3).
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        address = find_address(peer, forwarded, self._proxies)
        seconds = self._limiter.seconds_to_wait(address, self._connections.now())
        if seconds:
            raise TooManyRequests(seconds)

    def _require_own_form(self, request: Request) -> None:
        # Against a form on another site that starts an attempt in the victim's browser. Not every browser sends
        # `Sec-Fetch-Site`; all send `Origin` with a POST (docs/reference/oauth.md#account-linking).
        site = request.headers.get("sec-fetch-site", "same-origin")
        if request.headers.get("origin") != self._origin or site != "same-origin":
            raise TicketUnusable(Reason.FOREIGN_FORM)

    def _problem(self, error: ConnectError) -> Response:
        reference = error.reference if isinstance(error, AttemptEnded) else new_reference()
        if isinstance(error, AttemptEnded) and error.is_other_browser:
            # This URL holds the service's code: it must not stay in the address bar, where it can be copied.
            return self._redirect(f"{self._connections.base_url}/not-connected/{reference}")
        if not isinstance(error, AttemptEnded):
            log.info("connect.refused", reference=reference, **describe(error))
        response = self._respond(pages.render_problem(error, reference, self._connections.catalog))
        if isinstance(error, TooManyRequests):
            response.headers["retry-after"] = str(error.seconds)
        return response

    def _respond(self, page: pages.BrowserPage, referrer: str = "no-referrer") -> Response:
        return self._secure(HTMLResponse(page.html, status_code=page.status), page, referrer)

    def _redirect(self, url: str) -> Response:
        return self._secure(RedirectResponse(url, status_code=303), pages.BrowserPage("", "", 303))

    def _secure(self, response: Response, page: pages.BrowserPage, referrer: str = "no-referrer") -> Response:
        policy = build_page_policy(page.nonce)
        response.headers.update(build_headers(is_https=self._is_https, policy=policy, referrer=referrer))
        return response


def _require_navigation(request: Request) -> None:
    # A callback changes something, so a prefetch must not run it; HEAD would be routed here as well.
    if request.method != "GET" or "prefetch" in request.headers.get("sec-purpose", ""):
        raise TicketUnusable(Reason.MALFORMED)


def _read_query(request: Request) -> Pairs:
    raw = request.scope["query_string"]
    try:
        if len(raw) > _LONGEST_QUERY:
            raise TicketUnusable(Reason.MALFORMED)
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError as error:
        raise TicketUnusable(Reason.MALFORMED) from error
