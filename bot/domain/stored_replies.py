"""A refusal or an error as a command that can be stored and sent later; pure."""

from __future__ import annotations

from bot.model.commands import Place, TellOutcome
from bot.model.errors import Misunderstood, Refusal, Refused
from bot.model.notices import Broken, Outage
from store.records import Member

Told = Refused | Misunderstood | Broken | Outage


def as_stored(member: Member, place: Place, told: Told) -> TellOutcome:
    """Return a reply as a command that can be stored; `as_told` is the inverse."""
    if isinstance(told, Refused):
        return TellOutcome(member, place, "refused", told.refusal, given=told.detail, kept=told.kept)
    if isinstance(told, Misunderstood):
        return TellOutcome(member, place, "misunderstood", told.kind, told.given, told.kept, told.near)
    if isinstance(told, Broken):
        return TellOutcome(member, place, "broken", told.reference)
    return TellOutcome(member, place, "outage", told.who)


def as_told(stored: TellOutcome) -> Told:
    """Return the reply in a stored command."""
    if stored.kind == "refused":
        return Refused(Refusal(stored.what), stored.given, stored.kept)
    if stored.kind == "misunderstood":
        return Misunderstood(stored.what, stored.given or "", stored.near, stored.kept)
    if stored.kind == "broken":
        return Broken(stored.what)
    return Outage(stored.what)
