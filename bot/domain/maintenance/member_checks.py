"""Checks every member with Slack daily, since Deputy may have missed the event of a deactivation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.domain.access.eligibility import ends_membership, openness_of
from bot.domain.context import DomainContext
from bot.domain.maintenance.offboarding import Offboarding
from bot.model.commands import DeactivateMember
from bot.model.errors import DeputyError
from store import members
from store.records import Member

log = structlog.get_logger(__name__)

CHECK_EVERY = timedelta(days=1)


class MemberChecks:
    """Off-boards members whose deactivation was missed."""

    def __init__(self, context: DomainContext, offboarding: Offboarding) -> None:
        self._database, self._clock = context.database, context.clock
        self._people, self._home = context.people, context.workspace
        self._offboarding = offboarding
        self._configuration = context.config
        self._checked_at: datetime | None = None
        self._unchecked: tuple[Member, ...] = ()
        """Members who could not be checked the last time because Slack or the API was out."""

    async def check_due_members(self) -> None:
        """Check everybody once a day; members who could not be checked, again at the next call."""
        now = self._clock.steady()
        if self._checked_at is None or now - self._checked_at >= CHECK_EVERY:
            await self.check_members()
            self._checked_at = now
        else:
            await self._check_all(self._unchecked)

    async def check_members(self) -> None:
        """Ask Slack about every member, and off-board those who may no longer be served by the current settings."""
        async with self._database.transaction() as tx:
            known = await members.list_active(tx)
        await self._check_all(known)

    async def _check_all(self, some: Sequence[Member]) -> None:
        self._unchecked = tuple([member for member in some if not await self._is_checked(member)])

    async def _is_checked(self, member: Member) -> bool:
        try:
            person = await self._people.person(member.user_id, is_fresh=True)
            # If the settings cannot be read this raises, and nobody loses their vault over it.
            openness = openness_of(await self._configuration.read(member.workspace_id))
            if ends_membership(person, self._home, openness):
                await self._offboarding.deactivate(DeactivateMember(member.workspace_id, member.user_id))
        except DeputyError as error:
            log.warning("member_not_checked", error=type(error).__name__)
            return False
        return True
