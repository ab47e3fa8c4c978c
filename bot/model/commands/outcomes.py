"""What is still to be told: stored in the place of the request that it is about."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.commands.place import Place
from bot.model.commands.traits import CommandTraits
from store.records import ConnectionId, Member, ServiceName, TicketId, UserId


@dataclass(frozen=True, slots=True)
class TellOutcome(CommandTraits):
    """What a request came to, where that is words: stored in the request's place, then told.

    From then on it is not carried out any more: its asker may have heard that it was not, and may ask again.
    """

    member: Member
    place: Place
    kind: str
    """`refused`, `misunderstood`, `broken` or `outage`; what the other fields are is `domain.outcomes`'."""
    what: str
    given: str | None = None
    kept: str | None = None
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TellRefused(CommandTraits):
    """Somebody who is not a member was told no: stored first, as everything that is told."""

    user_id: UserId
    place: Place
    refusal: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TellAttempt(CommandTraits):
    """What became of a link to connect: stored with its end, told by direct message in the link's place."""

    member: Member
    ticket_id: TicketId
    service: ServiceName
    settled_at: str
    """ISO 8601."""
    connection_id: ConnectionId | None = None
    failure: str = ""
    """One of `oauth.ports.Failure`, where there is no connection."""
    reference: str = ""
