"""Periodic work: purges old rows, checks daily that members are still active.

Slack reports a deactivation as an event; the daily check finds those that Deputy missed while it was down.
Each task has a loop of its own, so that one that fails delays no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.domain.access.eligibility import HomeWorkspace, ends_membership, openness_of
from bot.domain.config.service import ConfigService
from bot.domain.connections.expiry import ConnectionExpiry
from bot.domain.connections.vaults import MemberVaults
from bot.domain.maintenance.offboarding import Offboarding
from bot.domain.ports import Clock, People
from bot.domain.sessions.tool_pinning import ToolPinning
from bot.domain.supervisor import Supervisor
from bot.domain.turns.ask_form import KEEP_QUOTES
from bot.domain.turns.message_events import KEEP, KEEP_WORDS
from bot.model.commands import DeactivateMember
from bot.model.errors import DeputyError
from store import deliveries, early_message_events, form_messages, members, registrations, tickets
from store.database import Database
from store.records import Member

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
CHECK_EVERY = timedelta(days=1)
KEEP_DELIVERIES = timedelta(days=2)
"""Longer than Slack repeats anything; delayed events come hours later, not days
(docs/reference/slack.md#repeated-events)."""
KEEP_TICKETS = timedelta(days=1)


class HourlyMaintenance:
    """The chores of one process."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        offboarding: Offboarding,
        lapses: ConnectionExpiry,
        vaults: MemberVaults,
        pinning: ToolPinning,
        clock: Clock,
        configuration: ConfigService,
        home: HomeWorkspace,
    ) -> None:
        self._configuration, self._home = configuration, home
        self._lapses = lapses
        self._vaults = vaults
        self._pinning = pinning
        self._database = database
        self._people = people
        self._offboarding = offboarding
        self._clock = clock
        self._checked_at: datetime | None = None
        self._unchecked: tuple[Member, ...] = ()
        """Those whom Slack or the API kept us from checking the last time."""

    def start(self, supervisor: Supervisor) -> None:
        """Do each chore now and every hour, for the life of the process."""
        for name, chore in (
            ("purge", self.purge),
            ("members", self.check_due_members),
            ("credentials", self._vaults.let_go_again),
            ("lapses", self._lapses.look_at_clock),
            ("pins", self._pinning.look_at_clock),
        ):
            supervisor.keep(name, chore, EVERY)

    async def purge(self) -> None:
        """Forget deliveries and tickets that nothing can refer to any more."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            # What an attempt that never came back says of its client is heeded before the attempt is forgotten.
            await registrations.drop_unanswered(tx, now)
            gone = await deliveries.purge(tx, now - KEEP_DELIVERIES)
            gone += await deliveries.purge_unreadable(tx, now - KEEP_DELIVERIES)
            gone += await tickets.purge(tx, now - KEEP_TICKETS)
            gone += await early_message_events.purge(tx, now - KEEP, now - KEEP_WORDS)
            gone += await form_messages.purge(tx, now - KEEP_QUOTES)
        if gone:
            log.info("purged", rows=gone)

    async def check_due_members(self) -> None:
        """Check everybody once a day, and every hour those who could not be checked the last time."""
        now = self._clock.steady()
        if self._checked_at is None or now - self._checked_at >= CHECK_EVERY:
            await self.check_members()
            self._checked_at = now
        else:
            await self._check_all(self._unchecked)

    async def check_members(self) -> None:
        """Ask Slack about every member and off-board those who may not be served now, by the settings of now."""
        async with self._database.transaction() as tx:
            known = await members.list_active(tx)
        await self._check_all(known)

    async def _check_all(self, some: Sequence[Member]) -> None:
        self._unchecked = tuple([member for member in some if not await self._is_checked(member)])

    async def _is_checked(self, member: Member) -> bool:
        try:
            person = await self._people.person(member.user_id, is_fresh=True)
            # Nor do settings that cannot be read take anybody's vault: that is an error, which is skipped.
            openness = openness_of(await self._configuration.read(member.workspace_id))
            if ends_membership(person, self._home, openness):
                await self._offboarding.deactivate(DeactivateMember(member.workspace_id, member.user_id))
        except DeputyError as error:
            log.warning("member_not_checked", error=type(error).__name__)
            return False
        return True
