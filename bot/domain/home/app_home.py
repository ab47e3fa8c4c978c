"""What a member sees of their own: status, help and App Home.

An App Home takes one transaction and one call to Slack; `refresh` decides when it is published again.
"""

from __future__ import annotations

import difflib
from datetime import datetime, timedelta

from bot.config.model import Config
from bot.domain.access import policy
from bot.domain.approvals.rules import FindRule
from bot.domain.budgets import limits
from bot.domain.connections.commands import choices_in
from bot.domain.context import DomainContext
from bot.domain.keyed_locks import KeyedLocks
from bot.model.commands import ShowHelp, ShowHome, ShowStatus
from bot.model.errors import SlackUnavailable
from bot.model.notices import HelpShown, Home, RunningTurn, Spending, StatusShown, Waiting
from store import allowances, approvals, home_views, members, spending, threads, turns
from store.database import Tx
from store.records import Approval, Member, Thread, TurnId, UserId, WorkspaceId

SUBCOMMANDS = ("ask", "connect", "disconnect", "status", "stop", "help", "admin")
LOOKED_AT_FOR = timedelta(hours=12)
"""How long an App Home is kept up to date after it was last opened."""
LATE = timedelta(seconds=4)
"""How long after its time-out a publication that Slack did not answer may still take effect."""
RECENT_MAX = 10
ALLOWANCES_MAX = 20


class AppHomes:
    """A member's App Home, and the answers to `status` and `help`, which show parts of it."""

    def __init__(self, context: DomainContext, find_rule: FindRule) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._catalog = context.catalog
        self._find_rule = find_rule
        self._configuration = context.config
        self._publishing = KeyedLocks()
        self._doubts: dict[tuple[WorkspaceId, UserId], datetime] = {}
        """When a publication for a member last got no answer."""

    async def status(self, command: ShowStatus) -> None:
        """Show connections, running turns and waiting approvals."""
        await self._screen.tell(command.member, command.place, StatusShown(await self.home(command.member)))

    async def help(self, command: ShowHelp) -> None:
        """Show what the member can do; for an unknown subcommand, also the nearest ones."""
        near = tuple(difflib.get_close_matches(command.unknown or "", SUBCOMMANDS, n=2, cutoff=0.6))
        notice = HelpShown(await self.home(command.member), command.unknown, near, command.words)
        await self._screen.tell(command.member, command.place, notice)

    async def publish(self, command: ShowHome) -> None:
        """Publish the App Home, and keep it up to date from now on."""
        async with self._database.transaction() as tx:
            await home_views.opened(tx, command.member, self._clock.now())
        await self._publish(command.member)

    async def refresh(self, workspace_id: WorkspaceId, user_id: UserId) -> None:
        """Publish the App Home again if the member has opened it lately."""
        async with self._database.transaction() as tx:
            member = await members.find(tx, workspace_id, user_id)
            # Slack does not say who has the Home tab open, and publishing for everybody would use up the rate limit.
            if member is None or not await home_views.is_open(tx, member, self._clock.now() - LOOKED_AT_FOR):
                return
        await self._publish(member)

    def is_doubtful(self, workspace_id: WorkspaceId, user_id: UserId) -> bool:
        """Tell whether an unanswered publication may still take effect and overwrite a newer one."""
        return (workspace_id, user_id) in self._doubts

    async def _publish(self, member: Member) -> None:
        """Publish an App Home as it is now. Raises `SlackUnavailable`."""
        key = (member.workspace_id, member.user_id)
        # One at a time per member, so that the newest state is the one that stays.
        async with self._publishing.of("/".join(key)):
            home, began = await self.home(member), self._clock.now()
            try:
                await self._screen.publish_home(member, home)
            except SlackUnavailable:
                self._doubts[key] = self._clock.now()
                raise
            # Only a publication that began after the late one can have arrived is certain to be the last.
            if key in self._doubts and began - self._doubts[key] >= LATE:
                del self._doubts[key]

    async def home(self, member: Member) -> Home:
        """Return what is this member's own, and others' calls that they may confirm as second approver."""
        async with self._database.transaction() as tx:
            return await self._home(tx, member)

    async def _home(self, tx: Tx, member: Member) -> Home:
        open_turns = await turns.list_open_for(tx, member)
        mine, others = await approvals.list_pending_for(tx, member), await approvals.list_to_second(tx, member)
        known = await turns.list_threads(
            tx, {turn.id for turn in open_turns} | {one.turn_id for one in (*mine, *others)}
        )
        config, now = await self._configuration.read_in(tx, member.workspace_id), self._clock.now()
        is_admin = self._configuration.is_admin(config, member.user_id)
        return Home(
            await choices_in(
                tx,
                self._catalog,
                member,
                lambda service: policy.may_connect(config, member, service, is_admin=is_admin),
                now,
            ),
            tuple(RunningTurn(known[turn.id], turn) for turn in open_turns),
            await self._waiting(tx, mine, known),
            to_second=await self._waiting(tx, others, known, by=member.user_id),
            allowances=await allowances.list_for(tx, member, ALLOWANCES_MAX),
            recent=await threads.list_recent(tx, member, RECENT_MAX),
            spending=await _spending(tx, config, member, now),
            is_admin=is_admin,
        )

    async def _waiting(
        self, tx: Tx, pending: tuple[Approval, ...], known: dict[TurnId, Thread], *, by: UserId | None = None
    ) -> tuple[Waiting, ...]:
        """Return calls for a list; with `by` only those that this second approver may confirm now."""
        found = []
        for approval in pending:
            thread = known[approval.turn_id]
            rule = await self._find_rule(tx, thread, approval.service, approval.tool)
            if by is not None and by not in rule.approvers:
                continue
            found.append(Waiting(thread, approval, rule.hazard(approval.tool), rule.title))
        return tuple(found)


async def _spending(tx: Tx, config: Config, member: Member, now: datetime) -> Spending:
    budget = limits.monthly_of(config, member.user_id)
    spent = await spending.spent_since(tx, member, limits.month_of(now))
    return Spending(spent, None if budget is None else float(budget * limits.CENTS))
