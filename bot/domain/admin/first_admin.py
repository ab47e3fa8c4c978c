"""How a workspace gets its first admin if the environment names none: an owner of the workspace confirms it.

A bot token does not tell who installed the app, but workspace owners decide about apps anyway
(docs/decisions/0028-an-owner-of-the-workspace-claims-the-first-admin.md).
"""

from __future__ import annotations

import structlog

from bot.domain.context import DomainContext
from bot.domain.ports import PersonInfo
from bot.model.commands import SubmitSettings, UseSettings
from bot.model.config_views import Claim, ConfigNotice, Done, Panel
from bot.model.errors import NotPermitted, Refusal, Refused, SlackRejected, SlackUnavailable
from store.records import Member

log = structlog.get_logger(__name__)


class FirstAdmin:
    """Becoming the first admin; there is nothing to claim once there is one."""

    def __init__(self, context: DomainContext) -> None:
        self._configuration = context.config
        self._people, self._screen = context.people, context.screen

    async def offer(self, command: UseSettings) -> None:
        """Ask an owner whether they want to be it. Raises `NotPermitted` for everybody else, `SlackUnavailable`."""
        await self._require_owner(command.member)
        await self._screen.open_panel(command.trigger_id, Claim())

    async def submit(self, command: SubmitSettings) -> Panel:
        """Make an owner the first admin. Raises `NotPermitted` where there is one by now, or Slack does not say."""
        await self._require_owner(command.member)
        await self._configuration.claim(command.member)
        log.warning("first_admin", user=command.member.user_id)
        return Done(ConfigNotice.FIRST_ADMIN)

    async def _require_owner(self, member: Member) -> None:
        try:
            person = await self._people.person(member.user_id, is_fresh=True)
        except SlackRejected as error:
            raise SlackUnavailable from error  # not to know is not to let in
        if not owns(person, member):
            raise NotPermitted(Refused(Refusal.NO_ADMIN))


def owns(person: PersonInfo | None, member: Member) -> bool:
    """Tell whether Slack says that somebody is a full member who owns what Deputy is installed in."""
    if person is None or person.user_id != member.user_id:
        return False
    is_full = not (person.is_bot or person.is_guest or person.is_stranger or person.is_deleted)
    return is_full and member.workspace_id in person.owns
