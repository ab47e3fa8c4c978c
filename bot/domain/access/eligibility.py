"""Whom Deputy serves and where it may answer: the one rule, given what Slack and the settings say now; pure.

Intake, turns, profile changes and the daily check all use it.
"""

from __future__ import annotations

from bot.config.model import Config
from bot.domain.ports import ChannelAudience, ChannelInfo, HomeWorkspace, PersonInfo
from bot.model.errors import Refusal, Refused
from store.records import Member

CLOSED = ChannelAudience()
"""The default: full members only, and no shared channels."""
# Not `UNVERIFIABLE`: Slack may only have an outage, and a deleted vault does not come back.
ENDS_MEMBERSHIP = frozenset({Refusal.DEACTIVATED, Refusal.GUEST, Refusal.STRANGER})
"""Refusals after which a member is off-boarded."""


def openness_of(config: Config) -> ChannelAudience:
    """Return whom the settings let in."""
    return ChannelAudience(config.audience.guests, config.audience.shared_channels)


def judge(person: PersonInfo | None, home: HomeWorkspace, openness: ChannelAudience = CLOSED) -> Refused | None:
    """Return why this person may not be served, None if they may (docs/reference/slack.md#guests).

    Admins may let guests in, but never people of other organisations.
    """
    if person is None:
        return Refused(Refusal.UNVERIFIABLE)
    # `is_stranger` is not enough: Slack says false for somebody of another organisation who shares a channel.
    in_org = bool(home.enterprise_id) and person.enterprise_id == home.enterprise_id
    reasons = {
        Refusal.BOT: person.is_bot,
        Refusal.DEACTIVATED: person.is_deleted,
        Refusal.STRANGER: person.is_stranger or not (person.team_id == home.team_id or in_org),
        Refusal.GUEST: person.is_guest and not openness.guests,
    }
    return next((Refused(refusal) for refusal, is_so in reasons.items() if is_so), None)


def home_team(person: PersonInfo, home: HomeWorkspace) -> str:
    """Return a person's workspace; of several in an organisation, the one that Deputy is installed in."""
    return home.team_id if home.team_id in person.teams else person.team_id


def judge_sign_in(member: Member, home: HomeWorkspace) -> Refused | None:
    """Return why this member cannot sign in with Slack, as connecting requires; None if they can.

    For an app that is installed in one workspace, Slack signs in that workspace's people only, not those of others in
    the organisation.
    """
    is_provable = member.team_id == home.team_id or member.workspace_id == home.enterprise_id
    return None if is_provable else Refused(Refusal.CONNECTS_ELSEWHERE)


def judge_channel(conversation: ChannelInfo | None, openness: ChannelAudience = CLOSED) -> Refused | None:
    """Return why nothing may be posted to a channel, None if it may; `conversation` is None if we cannot see it."""
    if conversation is None:
        return Refused(Refusal.NOT_IN_CHANNEL)
    if conversation.is_archived:
        return Refused(Refusal.CHANNEL_ARCHIVED)
    return Refused(Refusal.SHARED_CHANNEL) if conversation.is_shared and not openness.shared_channels else None


def ends_membership(person: PersonInfo | None, home: HomeWorkspace, openness: ChannelAudience) -> bool:
    """Tell whether somebody certainly may no longer be served, so that they are off-boarded."""
    refused = judge(person, home, openness)
    return refused is not None and refused.refusal in ENDS_MEMBERSHIP
