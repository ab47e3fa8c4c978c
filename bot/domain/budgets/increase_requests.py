"""Requests for a higher budget: opened when somebody asks about a budget that is used up, settled once it has room.

Everybody who asks about the same budget at the same limit in the same month shares one request, so admins get one
card. A request is settled as soon as the budget has room, whether an admin raised it from the card, in the settings or
in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import structlog

from bot.config.items import Key
from bot.config.model import Config
from bot.domain.budgets import limits
from bot.domain.context import DomainContext
from bot.domain.keyed_locks import KeyedLocks
from bot.domain.ports import SEARCHED_BACK
from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.notices import RaiseAsked, RaiseSettled
from store import budget_increases, members, settings, spending
from store.database import Tx
from store.records import (
    Budget,
    BudgetKind,
    Member,
    MessageRef,
    Shortfall,
    ShortfallState,
    UserId,
    WorkspaceId,
)

log = structlog.get_logger(__name__)

TOLD_MAX = 10
"""Admins who get a card."""


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget's limit and what is used of it now."""

    limit: Decimal | None
    """US dollars; None if there is no limit."""
    spent: float
    """US cents, including what is set aside for turns that run."""

    @property
    def has_room(self) -> bool:
        """Return whether a new turn may start."""
        return self.limit is None or limits.left_of(self.limit, self.spent) >= 1

    @property
    def limit_cents(self) -> int | None:
        """Return the limit in US cents."""
        return None if self.limit is None else int(self.limit * limits.CENTS)


class BudgetIncreaseRequests:
    """The open requests for higher budgets, and the admins' cards about them."""

    def __init__(self, context: DomainContext) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._configuration = context.config
        self._telling = KeyedLocks()

    async def standing(self, tx: Tx, config: Config, workspace_id: WorkspaceId, budget: Budget) -> BudgetStatus:
        """Return a budget's status this month under these settings."""
        since = limits.month_of(self._clock.now())
        return BudgetStatus(limits.limit_of(config, budget), await spending.spent_of(tx, workspace_id, budget, since))

    async def look(self, workspace_id: WorkspaceId) -> None:
        """Settle requests whose budget has room by now, and send cards and replies that could not be sent before."""
        async with self._database.transaction() as tx:
            config = await self._configuration.read_in(tx, workspace_id)
            for shortfall in await budget_increases.list_open(tx, workspace_id):
                await self.look_at(tx, config, shortfall)
            still_open = await budget_increases.list_open(tx, workspace_id)
            unshown = [one for one in still_open if not await budget_increases.list_cards(tx, one.id)]
            untold = await budget_increases.list_untold(tx, workspace_id)
        for shortfall in unshown:
            await self.show(shortfall.id)
        for shortfall in untold:
            await self.tell(shortfall.id)

    async def look_at(self, tx: Tx, config: Config, shortfall: Shortfall) -> bool:
        """Settle a request if its month is over or its budget has room; return whether it was settled."""
        # With a new month the budget is full again, so there is nothing left to decide.
        if shortfall.month != limits.month_of(self._clock.now()):
            return await budget_increases.settle(tx, shortfall.id, ShortfallState.OVER, None)
        standing = await self.standing(tx, config, shortfall.workspace_id, shortfall.budget)
        if not standing.has_room:
            return False
        # An admin may have raised it in the settings instead of on the card; the card names them all the same.
        by = await settings.last_changed_by(tx, shortfall.workspace_id, _items(shortfall.budget))
        who = UserId(by) if by and by in self._configuration.admins(config) else None
        return await budget_increases.settle(tx, shortfall.id, ShortfallState.RAISED, who, standing.limit_cents)

    async def show(self, shortfall_id: str) -> None:
        """Send every admin the card, or update the one that they have."""
        # One at a time per request: two at once could send an admin two cards.
        async with self._telling.of(shortfall_id):
            async with self._database.transaction() as tx:
                shortfall = await budget_increases.get(tx, shortfall_id)
                config = await self._configuration.read_in(tx, shortfall.workspace_id)
                standing = await self.standing(tx, config, shortfall.workspace_id, shortfall.budget)
                askers = tuple(asker.user_id for asker in await budget_increases.list_askers(tx, shortfall.id))
                cards = await budget_increases.list_cards(tx, shortfall.id)
            is_open = shortfall.state is ShortfallState.OPEN
            admins = sorted(self._configuration.admins(config))[:TOLD_MAX] if is_open else []
            for user_id in dict.fromkeys((*admins, *cards)):
                await self._send(user_id, RaiseAsked(shortfall, standing.spent, askers), cards.get(user_id))

    async def tell(self, shortfall_id: str) -> None:
        """Update the admins' cards and tell those who asked the result, once; does nothing while it is open."""
        async with self._database.transaction() as tx:
            shortfall = await budget_increases.get(tx, shortfall_id)
        if shortfall.state is ShortfallState.OPEN:
            return
        await self.show(shortfall_id)
        async with self._telling.of(shortfall_id):
            async with self._database.transaction() as tx:
                if await budget_increases.is_told(tx, shortfall_id):
                    return
                askers = await budget_increases.list_askers(tx, shortfall_id)
                people = [await members.find(tx, shortfall.workspace_id, asker.user_id) for asker in askers]
            is_news = shortfall.state is not ShortfallState.OVER
            pairs = [(member, asker) for member, asker in zip(people, askers, strict=True) if member and is_news]
            if not all([await self._is_told(member, RaiseSettled(shortfall, asker)) for member, asker in pairs]):
                return  # Slack was out: `look` tries the others later, and nobody is told twice
            async with self._database.transaction() as tx:
                # After the messages: a crash in between sends them again, and their markers keep that from showing.
                await budget_increases.set_told(tx, shortfall_id)

    async def _send(self, user_id: UserId, notice: RaiseAsked, card: MessageRef | None) -> None:
        try:
            sent = await self._screen.alert(user_id, notice, card, f"{notice.shortfall.id}:{user_id}")
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("budget_card_not_sent", shortfall=notice.shortfall.id, error=type(error).__name__)
            return
        async with self._database.transaction() as tx:
            await budget_increases.set_card(tx, notice.shortfall.id, user_id, sent)

    async def _is_told(self, member: Member, notice: RaiseSettled) -> bool:
        """Tell somebody who asked, unless they were told; return False if it must be tried again."""
        marker = f"{notice.shortfall.id}:{member.user_id}:settled"
        try:
            await self._screen.message_once(member, notice, marker, self._clock.now() - SEARCHED_BACK)
        except SlackUnavailable as error:
            log.warning("budget_answer_not_sent_yet", shortfall=notice.shortfall.id, error=type(error).__name__)
            return False
        except SlackRejected as error:
            log.warning("budget_answer_not_sent", shortfall=notice.shortfall.id, code=error.code)
        return True


def key_of(budget: Budget) -> Key:
    """Return the settings item that contains a budget."""
    return Key("workspace", "budgets") if budget.kind is BudgetKind.WORKSPACE else Key(budget.kind, budget.name)


def _items(budget: Budget) -> tuple[tuple[str, str], ...]:
    """Return the settings items whose change may have made room in a budget."""
    own = key_of(budget)
    return ("workspace", "budgets"), (str(own.kind), own.name)
