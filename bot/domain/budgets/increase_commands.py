"""Raising a budget: a member asks for more, an admin raises it or declines. Each click checks who may."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import structlog

from bot.config.fields import Form, filled, place_at_fields
from bot.config.forms import RAISES
from bot.config.items import ItemChange, applied
from bot.config.model import Config
from bot.config.validation_messages import describe_spent
from bot.domain.budgets import limits
from bot.domain.budgets.increase_requests import BudgetIncreaseRequests, key_of
from bot.domain.context import DomainContext
from bot.model.commands import AskRaise, DeclineRaise, OpenRaise, Place, SubmitSettings
from bot.model.config_views import Panel, Wrong
from bot.model.config_views import RaiseBudget as RaisingPanel
from bot.model.errors import NotPermitted, Refusal, Refused, SettingsInvalid, SlackRejected, SlackUnavailable
from bot.model.notices import RaiseAnswer, RaiseAnswered
from bot.model.progress import OutcomeKind
from store import audit, budget_increases, threads
from store.database import Tx
from store.errors import NotFound
from store.ids import new_id
from store.records import (
    Asker,
    AuditEntry,
    Budget,
    BudgetKind,
    ChannelId,
    Member,
    Shortfall,
    ShortfallState,
    ThreadId,
)

log = structlog.get_logger(__name__)

MET_A_LIMIT = {OutcomeKind.NOT_PERMITTED, OutcomeKind.BUDGET_REACHED}
"""Outcomes of turns after which a budget may be used up."""


class BudgetIncreaseCommands:
    """The commands of members and admins about budgets that are used up."""

    def __init__(self, context: DomainContext, shortages: BudgetIncreaseRequests) -> None:
        self._database, self._clock = context.database, context.clock
        self._screen, self._supervisor = context.screen, context.supervisor
        self._configuration = context.config
        self._shortages = shortages
        self._people = context.people

    async def offer(self, thread_id: ThreadId) -> None:
        """After a turn that met a limit, offer its owner to ask for more if a monthly budget is used up."""
        async with self._database.transaction() as tx:
            thread = await threads.get(tx, thread_id)
            owner = thread.owner
            config = await self._configuration.read_in(tx, owner.workspace_id)
            named = limits.list_of(thread)
            found = [(one, await self._shortages.standing(tx, config, owner.workspace_id, one)) for one in named]
        used_up = next((budget for budget, standing in found if not standing.has_room), None)
        if used_up is not None:
            place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
            try:
                await self._screen.tell(owner, place, Refused(limits.USED_UP[used_up.kind], str(used_up)))
            except (SlackUnavailable, SlackRejected) as error:
                # The next request offers it again.
                log.warning("budget_raise_not_offered", thread=thread.id, error=type(error).__name__)

    async def ask(self, command: AskRaise) -> None:
        """Ask the admins for a member, once however many ask. Raises `NotPermitted` for a budget that is not theirs."""
        budget = await self._own(command)
        async with self._database.transaction() as tx:
            answer, shortfall = await self._asked(tx, command, budget)
        if shortfall is not None:
            await self._shortages.show(shortfall.id)
        await self._screen.tell(command.member, command.place, RaiseAnswered(answer))

    async def open_form(self, command: OpenRaise) -> None:
        """Open the form for an admin. Raises `NotPermitted` for others, and if the request is settled."""
        config, shortfall = await self._admitted(command.member, command.shortfall_id)
        await self._screen.open_panel(command.trigger_id, await self._panel(config, shortfall))

    async def decline(self, command: DeclineRaise) -> None:
        """Decline a request for an admin. Raises `NotPermitted` for others, and if the request is settled."""
        _, shortfall = await self._admitted(command.member, command.shortfall_id)
        by = command.member
        async with self._database.transaction() as tx:
            if not await budget_increases.settle(tx, shortfall.id, ShortfallState.DECLINED, by.user_id):
                raise NotPermitted(Refused(Refusal.APPROVAL_SETTLED))
            await audit.record(tx, self._entry(by, "budget.declined", shortfall.budget))
        await self._shortages.tell(shortfall.id)

    async def submit(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Raise a budget as an admin's form says; return what to show then.

        Raises `NotPermitted` if the request is settled, or if somebody else has changed the budget.
        """
        by = command.member
        config, shortfall = await self._admitted(by, str(command.metadata.get("shortfall") or ""))
        form, key = RAISES[shortfall.budget.kind], key_of(shortfall.budget)
        seen = await self._configuration.seen(by.workspace_id, key)
        version = command.metadata.get("version")
        # The version that the form was drawn with: if it is not the current one, somebody else was faster.
        seen = replace(seen, version=version if isinstance(version, int) else -1)
        body = filled(form, seen.body, command.values)
        try:
            after = applied(config, [ItemChange(key, seen.body, body)])
            # A limit below what is spent already would raise nothing.
            if wrong := await self._too_little(after, shortfall, form):
                return wrong
            after = await self._configuration.change(by, seen, body)
        except SettingsInvalid as error:
            return Wrong(place_at_fields(form, key.name, error.problems, command.values))
        async with self._database.transaction() as tx:
            await self._shortages.look_at(tx, after, shortfall)
        self._supervisor.start(lambda: self._shortages.tell(shortfall.id))
        return None

    async def _asked(self, tx: Tx, command: AskRaise, budget: Budget) -> tuple[RaiseAnswer, Shortfall | None]:
        member, place = command.member, command.place
        config = await self._configuration.read_in(tx, member.workspace_id)
        standing = await self._shortages.standing(tx, config, member.workspace_id, budget)
        if standing.has_room or standing.limit_cents is None:
            return RaiseAnswer.ROOM, None
        if not self._configuration.admins(config):
            return RaiseAnswer.NOBODY, None
        month = limits.month_of(self._clock.now())
        wanted = Shortfall(new_id("sho"), member.workspace_id, budget, month, standing.limit_cents)
        # One per budget, limit and month, whoever asks: a second member joins the first one's request.
        shortfall = await budget_increases.open_for(tx, wanted)
        if shortfall.state is ShortfallState.DECLINED:
            return RaiseAnswer.DECLINED, None
        if await budget_increases.add_asker(tx, shortfall.id, Asker(member.user_id, place.channel, place.thread_ts)):
            await audit.record(tx, self._entry(member, "budget.asked", budget))
        return RaiseAnswer.ASKED, shortfall

    async def _admitted(self, member: Member, shortfall_id: str) -> tuple[Config, Shortfall]:
        """Return the settings and the open request, for an admin of the same workspace. Raises `NotPermitted`."""
        async with self._database.transaction() as tx:
            config = await self._configuration.read_in(tx, member.workspace_id)
            if not self._configuration.is_admin(config, member.user_id):
                raise NotPermitted(Refused(Refusal.NOT_AN_ADMIN))
            try:
                shortfall = await budget_increases.get(tx, shortfall_id)
            except NotFound as error:
                raise NotPermitted(Refused(Refusal.GONE)) from error
            # An id from another workspace must look like one that does not exist.
            if shortfall.workspace_id != member.workspace_id:
                raise NotPermitted(Refused(Refusal.GONE))
            is_open = shortfall.state is ShortfallState.OPEN
            is_open = is_open and not await self._shortages.look_at(tx, config, shortfall)
        if not is_open:
            await self._shortages.tell(shortfall_id)
            raise NotPermitted(Refused(Refusal.APPROVAL_SETTLED))
        return config, shortfall

    async def _too_little(self, after: Config, shortfall: Shortfall, form: Form) -> Wrong | None:
        async with self._database.transaction() as tx:
            standing = await self._shortages.standing(tx, after, shortfall.workspace_id, shortfall.budget)
        if standing.has_room:
            return None
        spent = Decimal(str(standing.spent)) / limits.CENTS
        return Wrong({form.fields[0].block: describe_spent(spent)})

    async def _panel(self, config: Config, shortfall: Shortfall) -> RaisingPanel:
        form, key = RAISES[shortfall.budget.kind], key_of(shortfall.budget)
        seen = await self._configuration.seen(shortfall.workspace_id, key)
        async with self._database.transaction() as tx:
            standing = await self._shortages.standing(tx, config, shortfall.workspace_id, shortfall.budget)
        body = filled(form, seen.body, {form.fields[0].block: f"{standing.limit or Decimal(0):.2f}"})
        return RaisingPanel(shortfall.id, form, shortfall.budget, body, seen.version, standing.spent)

    async def _own(self, command: AskRaise) -> Budget:
        """Return the budget if it is the member's, their workspace's or that of a channel they are in.

        Raises `NotPermitted` for another one.
        """
        budget = limits.read_budget(command.budget)
        if budget is None:
            raise NotPermitted(Refused(Refusal.GONE))
        if budget.kind is BudgetKind.MEMBER:
            return Budget(BudgetKind.MEMBER, command.member.user_id)
        if budget.kind is BudgetKind.WORKSPACE:
            return Budget(BudgetKind.WORKSPACE)
        # A press in the channel itself proves that they are in it; elsewhere a value could name any channel.
        is_there = budget.name == command.place.channel
        if not is_there and not await self._people.is_in(ChannelId(budget.name), command.member.user_id):
            raise NotPermitted(Refused(Refusal.GONE))
        return budget

    def _entry(self, by: Member, action: str, budget: Budget) -> AuditEntry:
        return AuditEntry(self._clock.now(), by.workspace_id, by.user_id, action, str(budget), {})
