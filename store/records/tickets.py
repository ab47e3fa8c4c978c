"""A link to connect a service, and the attempt that it begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from store.records.ids import ServiceName, TicketId
from store.records.messages import MessageRef
from store.records.people import Member
from store.records.secret import Secret

# Long enough to sign in to a service, and short for a link that lies in a chat; RFC 6749 §4.1.2 gives codes the same.
LINK_LIFE = timedelta(minutes=10)
"""How long a link, the attempt that it begins, and its browser's cookie are valid."""


class TicketState(StrEnum):
    """The states of a link; each step is one compare-and-set, and none goes back."""

    NEW = "new"
    IDENTIFYING = "identifying"
    """The browser was sent to Sign in with Slack."""
    AUTHORIZING = "authorizing"
    """The browser was sent to the service, after it was proved to be the member's (or a code will prove it)."""
    EXCHANGING = "exchanging"
    """The service has answered; its code is being exchanged and the tokens stored."""
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A single-use link by which one member connects one service."""

    id: TicketId
    owner: Member
    service: ServiceName
    state: TicketState
    expires_at: datetime
    card: MessageRef | None
    """The direct message with the link's button, to be replaced when the attempt ends."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is stored while one browser goes through a link's steps.

    `cookie_hash` and `nonce` are set when the browser claims the link, the optional fields when it is sent
    to the service. Everything secret is erased when the ticket is settled.
    """

    ticket: Ticket
    cookie_hash: str
    nonce: str
    """The nonce of the Sign in with Slack request."""
    verifier: Secret | None = None
    issuer: str | None = None
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    """Where the server says whose its tokens are; None where it does not."""
    redirect_uri: str | None = None
    resource: str | None = None
    scope: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    auth_method: str | None = None
    iss_required: bool = False
    mcp_server_url: str | None = None
    is_readable: bool = True
    """False: its sealed values do not open, so it can only be ended."""
