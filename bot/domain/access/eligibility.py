"""Whom Deputy serves and where it may answer: the one rule, over what Slack and the settings say now; pure.

Intake, turns, profile changes and the daily check all use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.config.model import Config
from bot.domain.ports import ChannelAudience, ChannelInfo, PersonInfo
from bot.model.errors import Refusal, Refused
from store.records import Member

CLOSED = ChannelAudience()
"""What holds where nobody set anything."""
ENDS_MEMBERSHIP = frozenset({Refusal.DEACTIVATED, Refusal.GUEST, Refusal.STRANGER})
"""What takes a member's connections away; that Slack does not know somebody may be an outage."""


@dataclass(frozen=True, slots=True)
class HomeWorkspace:
    """Whose Deputy this is: its workspace, and the organisation around it."""

    team_id: str
    enterprise_id: str | None = None


def openness_of(config: Config) -> ChannelAudience:
    """Return whom admins let in, by the settings given."""
    return ChannelAudience(config.audience.guests, config.audience.shared_channels)


def judge(person: PersonInfo | None, home: HomeWorkspace, openness: ChannelAudience = CLOSED) -> Refused | None:
    """Return why this person may not be served, None for a full member (docs/reference/slack.md#guests).

    Admins may let guests in; people of other organisations never are: they are not the workspace's to trust.
    `is_stranger` alone is not enough: it is false for an outsider whom somebody shares a channel with.
    """
    if person is None:
        return Refused(Refusal.UNVERIFIABLE)
    in_org = bool(home.enterprise_id) and person.enterprise_id == home.enterprise_id
    reasons = {
        Refusal.BOT: person.is_bot,
        Refusal.DEACTIVATED: person.is_deleted,
        Refusal.STRANGER: person.is_stranger or not (person.team_id == home.team_id or in_org),
        Refusal.GUEST: person.is_guest and not openness.guests,
    }
    return next((Refused(refusal) for refusal, is_so in reasons.items() if is_so), None)


def home_team(person: PersonInfo, home: HomeWorkspace) -> str:
    """Return the workspace that a person is served through: of several, the one where Deputy is."""
    return home.team_id if home.team_id in person.teams else person.team_id


def judge_sign_in(member: Member, home: HomeWorkspace) -> Refused | None:
    """Return why this member cannot prove at Slack who they are, as connecting asks of them.

    Of an app of one workspace, Slack signs its people in and not those of a sister (`oauth/connect/browser.py`).
    """
    is_provable = member.team_id == home.team_id or member.workspace_id == home.enterprise_id
    return None if is_provable else Refused(Refusal.CONNECTS_ELSEWHERE)


def judge_channel(conversation: ChannelInfo | None, openness: ChannelAudience = CLOSED) -> Refused | None:
    """Return why nothing may be written to a channel; None for `conversation` means that Deputy cannot see it."""
    if conversation is None:
        return Refused(Refusal.NOT_IN_CHANNEL)
    if conversation.is_archived:
        return Refused(Refusal.CHANNEL_ARCHIVED)
    return Refused(Refusal.SHARED_CHANNEL) if conversation.is_shared and not openness.shared_channels else None


def ends_membership(person: PersonInfo | None, home: HomeWorkspace, openness: ChannelAudience) -> bool:
    """Tell whether somebody who was served is not any more, by what is known for certain."""
    refused = judge(person, home, openness)
    return refused is not None and refused.refusal in ENDS_MEMBERSHIP
