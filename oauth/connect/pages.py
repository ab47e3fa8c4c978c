"""Renders the browser's pages: the words for every outcome, and the templates; pure.

Of what came from outside only the service's title and host and the member's name are shown, escaped.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from oauth import errors
from oauth.catalog.catalog import Catalog
from oauth.catalog.service import Service
from oauth.connect.code_confirmation import UnconfirmedToken, show_code
from oauth.errors import ConnectError, Reason
from oauth.ports import Failure
from oauth.protocol.url_policy import get_host
from store.records import ServiceName, Ticket

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True)
class BrowserPage:
    """A page, its HTTP status, and the nonce that the Content-Security-Policy must allow for its style."""

    html: str
    nonce: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class PageWords:
    """How an attempt ended, in words for people: what happened, and what to do now."""

    status: int
    title: str
    text: str
    next_step: str = "Go back to Slack and type {command} for a new link."


_REASONS = {
    Reason.UNKNOWN: PageWords(
        404, "This link is not one of ours", "It may be incomplete: a link works only as a whole."
    ),
    Reason.EXPIRED: PageWords(410, "This link has expired", "For your safety links work for ten minutes only."),
    Reason.USED: PageWords(
        410,
        "This link was used already",
        "Each link works once, in one browser. If you have just used it, look in Slack: the result is there.",
    ),
    Reason.SUPERSEDED: PageWords(
        410,
        "There is a newer link",
        "You asked for another link after this one.",
        "Go back to Slack and use the newest link.",
    ),
    Reason.OTHER_BROWSER: PageWords(
        403,
        "This is not the browser you began in",
        "A connection must begin and end in one browser, with cookies allowed. Nothing was connected, and this attempt "
        "is over. If somebody sent you here: do not try again, they would have used your account.",
        "If you began it yourself, go back to Slack, type {command} for a new link, and stay in the browser it opens.",
    ),
    Reason.FOREIGN_FORM: PageWords(
        403,
        "This did not come from our page",
        "Connecting begins with the button on our own page. Nothing was connected.",
        "Open the link from Slack and press its button.",
    ),
    Reason.LOST: PageWords(
        410, "This attempt cannot go on", "Deputy was set up anew while you were away. Nothing was connected."
    ),
    Reason.MALFORMED: PageWords(400, "We could not read that", "The address in your browser is not complete."),
}

_DECLINED = PageWords(200, "Nothing was connected", "You, or {service}, said no to the request. That is fine.")
_NOT_YOURS = (
    "Slack says that you are not the person who asked for it, so nothing was connected. "
    "If somebody sent you this link: do not continue, they would have used your account."
)
_WORDS: dict[type[ConnectError], PageWords] = {
    errors.TooManyRequests: PageWords(
        429,
        "Too many requests",
        "From where you are, our pages were opened very often in a short time.",
        "Wait a minute, then open the link from Slack again.",
    ),
    errors.IdentityMismatch: PageWords(
        403,
        "This link belongs to somebody else",
        _NOT_YOURS,
        "To connect your own account, type {command} in Slack yourself.",
    ),
    errors.IdentityUnproven: PageWords(
        502, "Slack could not confirm who you are", "Its answer failed a check of ours, so nothing was connected."
    ),
    errors.ServiceDeclined: PageWords(
        502, "{service} did not complete the connection", "It accepted the sign-in and refused the rest."
    ),
    errors.ServiceMisbehaved: PageWords(
        502,
        "{service} answered in a way we do not trust",
        "It broke a rule that keeps your account safe, so we stopped. Nothing was connected.",
        "Please tell your admin, with the reference below.",
    ),
    errors.Unreachable: PageWords(
        502, "{service} cannot be reached right now", "It did not answer as it should. Nothing was connected."
    ),
    errors.UrlRefused: PageWords(
        502,
        "{service} answered in a way we do not trust",
        "It sent us to an address we do not visit. Nothing was connected.",
        "Please tell your admin, with the reference below.",
    ),
    errors.NoRegistration: PageWords(
        502,
        "{service} must be set up first",
        "It does not let us introduce ourselves.",
        "Please ask your admin to register Deputy with it.",
    ),
    errors.CredentialRefused: PageWords(
        502,
        "The access that {service} gave does not work",
        "{service} agreed, but the access it gave did not work when we tried it. Nothing was kept.",
    ),
    errors.CredentialNotStored: PageWords(
        502,
        "The connection could not be stored",
        "{service} agreed, but Claude did not store the access. Nothing was kept.",
        "Go back to Slack and type {command} to try again. If it keeps failing, tell your admin the reference below.",
    ),
    errors.NoRoom: PageWords(
        502,
        "There is no room for one more connection",
        "Twenty services can be connected at most. Nothing was changed.",
        "Disconnect one you no longer use with <code>/agent disconnect</code> in Slack, then try {command} again.",
    ),
    errors.UnknownService: PageWords(404, "This service is no longer offered", "An admin has removed it."),
    errors.ServiceNotAvailable: PageWords(
        404,
        "{service} is not available here",
        "It must be set up first.",
        "Please ask your admin to set it up.",
    ),
}
_ASK_AN_ADMIN = "Please ask an admin of Deputy in your workspace if that surprises you."
_FORBIDDEN = {
    Failure.ALL_PAUSED: PageWords(
        403, "Deputy is paused", "An admin has paused it for everybody. Nothing was connected.", "Try again later."
    ),
    Failure.MEMBER_PAUSED: PageWords(
        403, "Deputy is paused for you", "An admin has paused it. Nothing was connected.", _ASK_AN_ADMIN
    ),
    Failure.SERVICE_PAUSED: PageWords(
        403, "{service} is paused", "An admin has paused this service. Nothing was connected.", "Try again later."
    ),
    Failure.MAY_NOT_CONNECT: PageWords(
        403,
        "{service} is not open to you",
        "Your admins decide who may connect it. Nothing was connected.",
        _ASK_AN_ADMIN,
    ),
    Failure.NOT_SERVED: PageWords(
        403,
        "Deputy does not work for this account",
        "Slack says that it is no full member of the workspace, or not any more. Nothing was connected.",
        _ASK_AN_ADMIN,
    ),
    Failure.UNVERIFIABLE: PageWords(
        502, "Slack did not say who you are", "It could not be asked just now, so nothing was connected."
    ),
}
_OTHERWISE = PageWords(500, "Something went wrong", "Nothing was connected.")


def render_start(ticket: Ticket, service: Service, action: str, *, is_by_code: bool = False) -> BrowserPage:
    """Return the page that a link opens: which service, for which member, and one button."""
    return _render(
        "start.html",
        title=f"Connect {service.title}",
        service=service.title,
        host=get_host(service.mcp_url),
        member=ticket.owner.name,
        command=f"/agent connect {service.name}",
        action=action,
        is_by_code=is_by_code,
    )


def render_going(place: str) -> BrowserPage:
    """Return the page between our form and the site at `place`; `routes.py` adds the refresh that leads there."""
    return _render("going.html", title=f"On to {place}", place=place)


def render_code(held: UnconfirmedToken) -> BrowserPage:
    """Return the page with the code that the member types into Slack."""
    shown = show_code(held.code)
    return _render(
        "code.html",
        title="One last step",
        service=held.service.title,
        member=held.attempt.ticket.owner.name,
        command=f"/agent connect {held.service.name}",
        code=shown,
        spelled=" ".join(shown),
        until=f"{held.ends_at:%H:%M}",
        until_iso=held.ends_at.isoformat(timespec="seconds"),
    )


def render_connected() -> BrowserPage:
    """Return the page after a connection was made."""
    return _render("connected.html", title="Connected")


def render_problem(error: ConnectError, reference: str, catalog: Catalog) -> BrowserPage:
    """Return the page for an error: what happened, what to do now, and the reference."""
    cause = error.cause if isinstance(error, errors.AttemptEnded) else error
    name = error.service if isinstance(error, errors.AttemptEnded) else getattr(error, "service", None)
    words = find_words(cause)
    title = _title(name, catalog)
    command = f"/agent connect {name}" if name else "/agent connect"
    return _render(
        "problem.html",
        status=words.status,
        title=words.title.format(service=title),
        text=words.text.format(service=title),
        # Only our own words are markup; the values that are put into them are escaped.
        next_step=Markup(words.next_step).format(command=Markup("<code>{}</code>").format(command)),  # noqa: S704
        reference=reference,
    )


def find_words(error: ConnectError) -> PageWords:
    """Return the words for an error; general ones for an error that has none."""
    if isinstance(error, errors.TicketUnusable):
        return _REASONS[error.reason]
    if isinstance(error, errors.NotPermittedNow):
        return _FORBIDDEN.get(error.reason, _OTHERWISE)
    if isinstance(error, errors.ServiceDeclined) and error.code == "access_denied":
        return _DECLINED
    return _WORDS.get(type(error), _OTHERWISE)


def _title(name: str | None, catalog: Catalog) -> str:
    try:
        return catalog.get(ServiceName(name)).title if name else "The service"
    except errors.UnknownService:
        return "The service"


def _render(template: str, status: int = 200, **values: Any) -> BrowserPage:
    # New for each page, or whoever injects something into one knows it from another (w3.org/TR/CSP3 §7.1).
    nonce = secrets.token_urlsafe(16)
    return BrowserPage(_templates().get_template(template).render(nonce=nonce, **values), nonce, status)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  # slow to import; for pages only

    return Environment(
        loader=PackageLoader("oauth.connect", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
