"""Stores the end of a turn: its state and cost, the request if it may be asked again, the reply to its owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from bot.domain.budgets.increase_commands import MET_A_LIMIT, BudgetIncreaseCommands
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.domain.filters.engine import FilterMatch
from bot.domain.quoting import own_words
from bot.domain.stored_replies import as_stored
from bot.model.commands import Place
from bot.model.errors import Refused
from bot.model.progress import MAY_BE_TRIED_AGAIN, Outcome, OutcomeKind, Progress
from store import retries, turns
from store.database import Tx
from store.records import Retry, SendState, Thread, Turn, TurnState

log = structlog.get_logger(__name__)

ENDED_AS = {OutcomeKind.ANSWERED: TurnState.ENDED, OutcomeKind.STOPPED: TurnState.STOPPED}
UNTOLD_ENDS = frozenset(
    {OutcomeKind.LOST_TOUCH, OutcomeKind.BROKEN, OutcomeKind.SESSION_GONE, OutcomeKind.NOT_PERMITTED}
)
"""Outcomes after which the total cost is unknown: the session may have reported only a part of it."""
UNTAKEN_ENDS = frozenset({OutcomeKind.AGENTS_UNAVAILABLE, OutcomeKind.BUDGET_REACHED})
"""Outcomes after which the session certainly does not have a request that was being sent."""


class TurnEnds:
    """Stores how turns end, each once. `count` is called for turns that had a place to be shown at."""

    def __init__(
        self,
        context: DomainContext,
        *,
        filtering: FilterService,
        increases: BudgetIncreaseCommands,
        count: Callable[[str], None],
    ) -> None:
        self._database, self._clock, self._supervisor = context.database, context.clock, context.supervisor
        self._outbox, self._home_changes = context.outbox, context.home_changes
        self._filtering = filtering
        self._increases = increases
        self._count = count

    async def record(
        self,
        thread: Thread,
        turn: Turn,
        progress: Progress,
        found: Sequence[FilterMatch] = (),
        *,
        untold: Refused | None = None,
    ) -> None:
        """Store a turn's end. `untold`: why its owner could not see it in the thread, which they are told privately."""
        outcome = progress.outcome or Outcome(OutcomeKind.UNKNOWN_STOP)
        async with self._database.transaction() as tx:
            # In the transaction that ends the turn, which erases its words.
            if outcome.kind in MAY_BE_TRIED_AGAIN and turn.is_readable:
                await retries.keep(tx, Retry(turn.id, turn.owner, (), turn.task, self._clock.now(), turn.files))
            await turns.end(
                tx,
                turn.id,
                ENDED_AS.get(outcome.kind, TurnState.FAILED),
                outcome=outcome.kind,
                cost_cents=_cost(await turns.get(tx, turn.id), progress),
                now=self._clock.now(),
            )
            await self._filtering.record(tx, turn, found, is_withheld=progress.withheld_by is not None)
            if untold:
                await self._owe(tx, thread, turn, untold)
        self._outbox.send()
        self._count(outcome.kind)
        self._home_changes.add(turn.owner.workspace_id, turn.owner.user_id)
        if outcome.kind in MET_A_LIMIT:
            self._supervisor.start(lambda: self._increases.offer(turn.thread_id))
        log.info("turn_ended", turn=turn.id, outcome=outcome.kind)

    async def record_unshown(self, thread: Thread, turn: Turn, untold: Refused | None) -> None:
        """Store the end of a turn that cannot be shown anywhere in Slack."""
        async with self._database.transaction() as tx:
            if untold:
                await self._owe(tx, thread, turn, untold)
            await turns.end(
                tx,
                turn.id,
                TurnState.FAILED,
                outcome="not_shown",
                cost_cents=_cost(await turns.get(tx, turn.id), None),
                now=self._clock.now(),
            )
        self._outbox.send()

    async def _owe(self, tx: Tx, thread: Thread, turn: Turn, refused: Refused) -> None:
        """Store a private message to the owner that says why the end was not shown where they asked."""
        place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
        # The turn's words are erased when it ends, so the refusal gives them back.
        words = replace(refused, kept=own_words(turn.task) or None)
        await self._outbox.put(tx, f"end:{turn.id}", as_stored(turn.owner, place, words))


def _cost(turn: Turn, progress: Progress | None) -> float | None:
    """Return a turn's cost in US cents; None if it is unknown, and then all that was set aside for it is charged."""
    outcome = progress.outcome if progress else None
    # What the session has not received costs nothing.
    is_untaken = turn.send_state is SendState.SENDING and outcome is not None and outcome.kind in UNTAKEN_ENDS
    if turn.send_state is SendState.UNSENT or is_untaken:
        return 0.0
    if progress is None or outcome is None or outcome.kind in UNTOLD_ENDS:
        return None
    # The session was not heard to stop, so its last report of usage may be missing.
    is_unheard = outcome.kind is OutcomeKind.STOPPED and outcome.detail is not None
    return None if is_unheard else progress.usage.cost_cents
