"""Replies that are still to be sent: each is stored in place of the request that it answers."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.commands.place import Place
from bot.model.commands.traits import CommandTraits
from store.records import ConnectionId, Member, ServiceName, TicketId, UserId


@dataclass(frozen=True, slots=True)
class TellOutcome(CommandTraits):
    """The reply to a request that was not carried out; it replaces the stored request, then it is sent.

    Once it is stored the request is not tried again: the member may have read that it failed and may have asked again.
    """

    member: Member
    place: Place
    kind: str
    """`refused`, `misunderstood`, `broken` or `outage`; `domain.stored_replies` knows what the other fields hold."""
    what: str
    given: str | None = None
    kept: str | None = None
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TellRefused(CommandTraits):
    """A refusal to somebody who is no member; like every reply it is stored before it is sent."""

    user_id: UserId
    place: Place
    refusal: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TellAttempt(CommandTraits):
    """The end of an attempt to connect; stored together with it, then sent in place of the link's message."""

    member: Member
    ticket_id: TicketId
    service: ServiceName
    # Commands are stored as JSON, which has no datetimes.
    settled_at: str
    """ISO 8601."""
    connection_id: ConnectionId | None = None
    failure: str = ""
    """A value of `oauth.ports.Failure` if the attempt failed."""
    reference: str = ""
