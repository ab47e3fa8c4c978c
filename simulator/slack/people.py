"""The people and the channels of the simulated workspace, and how Slack describes them.

What they say and do is in `workspace.py` and `acting.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TEAM = "T0DEPUTY0"
OTHER_TEAM = "T0OTHER00"
APP = "A0DEPUTY0"
BOT = "U0DEPUTY0"
BOT_ID = "B0DEPUTY0"

ALICE = "U0AL1CE00"
BOB = "U0B0B0000"
CAROL = "U0CAR0L00"
"""The admin."""
GUEST = "U0GVEST00"
ULTRA_GUEST = "U0VLTRA00"
STRANGER = "U0STRANG3"
"""Somebody of another team, met in a Slack Connect channel."""
GONE = "U0G0NE000"
"""Deactivated."""
OTHER_BOT = "U0THERB0T"

GENERAL = "C0GENERAL"
RANDOM = "C0RAND0M0"
"""The bot is not a member."""
PRIVATE = "C0PR1VATE"
SHARED = "C0SHARED0"
"""Shared with another organisation."""


@dataclass
class Person:
    """One account, as `users.info` shows it."""

    id: str
    name: str
    real_name: str
    team_id: str = TEAM
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    bot_id: str | None = None
    deleted: bool = False
    enterprise_id: str | None = None
    color: str = "3f7cac"
    extra: dict[str, Any] = field(default_factory=dict)
    """Members that replace those of `users.info`, for what has no field here."""

    def as_json(self) -> dict[str, Any]:
        """Return the user object of `users.info` and `user_change`."""
        user: dict[str, Any] = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": {"real_name": self.real_name, "display_name": self.name, "team": self.team_id},
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1790000000,
        }
        if not self.deleted:
            user |= {
                "color": self.color,
                "real_name": self.real_name,
                "tz": "Europe/Berlin",
                "tz_label": "Central European Time",
                "tz_offset": 3600,
                "is_admin": self.is_admin,
                "is_owner": self.is_owner,
                "is_primary_owner": False,
                "is_restricted": self.is_restricted or self.is_ultra_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
                "is_email_confirmed": True,
                "who_can_share_contact_card": "EVERYONE",
            }
        if self.is_stranger:
            user["is_stranger"] = True
        if self.enterprise_id:
            user["enterprise_user"] = {"id": self.id, "enterprise_id": self.enterprise_id, "teams": [self.team_id]}
        if self.bot_id:
            user["profile"]["bot_id"] = self.bot_id
        return user | self.extra


@dataclass
class Channel:
    """A channel (`C…`) or the direct messages of one person with the bot (`D…`)."""

    id: str
    name: str
    members: set[str]
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    """A group's direct messages (`G…`)."""
    restricted: str = ""
    """Why the bot may not post there, in Slack's own word: `restricted_action_read_only_channel`, …"""
    is_archived: bool = False
    is_ext_shared: bool = False
    is_pending_ext_shared: bool = False
    connected_teams: dict[str, str] = field(default_factory=dict)
    """Other organisations that share it, id → name, as `team.info` has it."""
    user: str | None = None
    """The person, in direct messages."""

    @property
    def kind(self) -> str:
        """Return `channel_type` as events have it."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"

    @property
    def payload_name(self) -> str:
        """Return the name as commands and clicks have it."""
        named = {"im": "directmessage", "group": "privategroup", "mpim": f"mpdm-{self.name}-1"}
        return named.get(self.kind, self.name)

    def as_json(self, created: int) -> dict[str, Any]:
        """Return the conversation object of `conversations.info`."""
        if self.is_im:
            return {
                "id": self.id,
                "created": created,
                "is_im": True,
                "is_archived": self.is_archived,
                "is_org_shared": False,
                "user": self.user,
                "is_user_deleted": False,
                "priority": 0,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "created": created,
            "creator": CAROL,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": self.is_mpim,
            "is_private": self.is_private or self.is_mpim,
            "is_archived": self.is_archived,
            "is_general": self.id == GENERAL,
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_org_shared": False,
            "is_pending_ext_shared": self.is_pending_ext_shared,
            "pending_shared": [],
            "is_member": BOT in self.members,
            "context_team_id": TEAM,
            **({"connected_team_ids": list(self.connected_teams)} if self.is_ext_shared else {}),
        }


def seed_people() -> dict[str, Person]:
    """Return one person of each kind that a bot must distinguish."""
    people = [
        Person(BOT, "deputy", "Deputy", is_bot=True, bot_id=BOT_ID, color="1f1f1e"),
        Person(ALICE, "alice", "Alice Adler", color="b5484b"),
        Person(BOB, "bob", "Bob Brandt", color="3f7cac"),
        Person(CAROL, "carol", "Carol Cohen", is_admin=True, is_owner=True, color="4f8a5b"),
        Person(GUEST, "gail", "Gail Guest", is_restricted=True, color="8a6d3b"),
        Person(ULTRA_GUEST, "ulf", "Ulf Single-Channel", is_restricted=True, is_ultra_restricted=True),
        Person(STRANGER, "sam", "Sam Stranger", team_id=OTHER_TEAM, is_stranger=True, color="7a5195"),
        Person(GONE, "gone", "Gustav Gone", deleted=True),
        Person(OTHER_BOT, "otherbot", "Other Bot", is_bot=True, bot_id="B0THERB0T"),
    ]
    return {person.id: person for person in people}


def seed_channels() -> dict[str, Channel]:
    """Return one channel of each kind that a bot must distinguish."""
    everyone = {ALICE, BOB, CAROL, GUEST, OTHER_BOT}
    channels = [
        Channel(GENERAL, "general", everyone | {BOT, ULTRA_GUEST}),
        Channel(RANDOM, "random", everyone),
        Channel(PRIVATE, "planning", {ALICE, BOB, CAROL, BOT}, is_private=True),
        Channel(
            SHARED,
            "with-partners",
            everyone | {BOT, STRANGER},
            is_ext_shared=True,
            connected_teams={OTHER_TEAM: "Partners Ltd"},
        ),
    ]
    return {channel.id: channel for channel in channels}
