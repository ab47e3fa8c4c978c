"""Words for every end, and nothing unescaped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from oauth import errors
from oauth.catalog.catalog import Catalog
from oauth.catalog.service import Service
from oauth.connect.pages import find_words, render_connected, render_going, render_problem, render_start
from oauth.errors import AttemptEnded, ConnectError, Reason, TicketUnusable
from oauth.ports import Failure
from store.records import Member, ServiceName, Ticket, TicketId, TicketState

FORBIDDEN = (
    Failure.ALL_PAUSED,
    Failure.MEMBER_PAUSED,
    Failure.SERVICE_PAUSED,
    Failure.MAY_NOT_CONNECT,
    Failure.NOT_SERVED,
    Failure.UNVERIFIABLE,
)
CATALOG = Catalog.load(None, {})
SHOWN = [
    errors.IdentityMismatch("notion"),
    errors.IdentityUnproven("rule"),
    errors.ServiceDeclined("notion", "token", "invalid_grant"),
    errors.ServiceDeclined("notion", "authorization", "access_denied"),
    errors.ServiceMisbehaved("notion", "step", "RFC 8414 §2"),
    errors.Unreachable("rule"),
    errors.UrlRefused("rule"),
    errors.NoRegistration("notion", "https://as.example"),
    errors.CredentialRefused("notion"),
    errors.CredentialNotStored("notion", "invalid_request_error", 400),
    errors.NoRoom("notion"),
    *(errors.NotPermittedNow("notion", failure) for failure in FORBIDDEN),
    errors.TooManyRequests(3),
    errors.UnknownService("notion"),
    errors.ServiceNotAvailable("notion"),
    *(TicketUnusable(reason) for reason in Reason),
]
NOT_FOR_BROWSERS = {
    errors.CatalogInvalid, errors.TooManyTickets, errors.RuleBroken, errors.NotConnected, errors.AttemptEnded,
    errors.ServerTaken, errors.TokenUnreadable, errors.DraftInvalid, errors.ProbeChanged, errors.ServiceChanged,
    errors.CodeMissed, errors.CodeWrong, errors.CodeRefused, errors.NotAnMcpServer,
}  # fmt: skip


def test_every_error_has_words_of_its_own_or_is_never_shown():
    shown = {type(error) for error in SHOWN}

    kinds = {each for kind in ConnectError.__subclasses__() for each in (kind, *kind.__subclasses__())}
    assert shown | NOT_FOR_BROWSERS == kinds
    assert len({find_words(error).text for error in SHOWN}) == len(SHOWN)


@pytest.mark.parametrize("error", SHOWN, ids=repr)
def test_an_error_is_shown_with_a_next_step_and_the_reference(error):
    page = render_problem(AttemptEnded(error, "notion", "4F2A91C0"), "4F2A91C0", CATALOG)

    assert "4F2A91C0" in page.html
    assert "{" not in page.html.partition("</style>")[2]
    assert "RFC 8414" not in page.html.partition("</style>")[2]
    assert page.status in (200, 400, 403, 404, 410, 429, 502)


@pytest.mark.threat(57)
def test_names_from_outside_are_escaped_everywhere():
    evil = "<script>alert('&amp;')</script>"
    member = Member("T1", "U1", "T1", evil)
    ticket = Ticket(TicketId("tkt_1"), member, ServiceName("x"), TicketState.NEW, datetime.now(UTC), None)
    service = Service(ServiceName("x"), evil, "https://mcp.example.com/mcp", None)
    catalog = Catalog({ServiceName("x"): service})

    pages = [
        render_start(ticket, service, '"><script>'),
        render_problem(AttemptEnded(errors.CredentialRefused("x"), "x", evil), evil, catalog),
        render_problem(errors.UnknownService(evil), evil, catalog),
        render_problem(errors.ServiceNotAvailable(evil), evil, catalog),
    ]

    assert not [page for page in pages if "<script" in page.html]


@pytest.mark.threat(18)
def test_a_host_in_foreign_letters_is_shown_as_it_is_dialled():
    """A homograph must not look like the name it imitates."""
    member = Member("T1", "U1", "T1", "Ana")
    ticket = Ticket(TicketId("tkt_1"), member, ServiceName("x"), TicketState.NEW, datetime.now(UTC), None)
    service = Service(ServiceName("x"), "X", "https://xn--ntion-ewe.example/mcp", None)

    assert "xn--ntion-ewe.example" in render_start(ticket, service, "start").html


def test_no_page_asks_a_third_party_for_anything():
    ticket = Ticket(
        TicketId("tkt_1"), Member("T", "U", "T", "A"), ServiceName("notion"), TicketState.NEW, datetime.now(UTC), None
    )
    pages = [
        render_start(ticket, CATALOG.get(ServiceName("notion")), "x/start"),
        render_connected(),
        render_going("Slack"),
    ]

    for page in pages:
        assert "http" not in page.html
        assert f'nonce="{page.nonce}"' in page.html
        assert page.html.count("<h1>") == 1
        assert '<html lang="en">' in page.html
        assert 'name="viewport"' in page.html
