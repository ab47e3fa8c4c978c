"""Edits and deletions of a message that started a turn: rewords it while it is queued, withdraws it or stops it."""

from __future__ import annotations

from bot.domain.access import policy
from bot.domain.quoting import reworded
from bot.domain.turns.requests import RequestContext
from bot.domain.turns.stop import TurnStopper
from bot.domain.turns.task_text import require_length, require_words
from bot.domain.turns.turn_queue import masked_in, turn_entry
from bot.model.ask_flags import UnclearFlag, parse_ask
from bot.model.commands import Place, RewordRequest, WithdrawRequest
from bot.model.errors import Refusal, Refused
from bot.model.notices import EditUnseen
from store import audit, threads, turns
from store.records import OPEN_TURN_STATES, Turn, TurnState


class EditCommands:
    """The commands for messages that were edited or deleted after they started a turn."""

    def __init__(self, context: RequestContext, stopping: TurnStopper) -> None:
        self._database, self._clock = context.domain.database, context.domain.clock
        self._screen = context.domain.screen
        self._filtering = context.filtering
        self._history = context.domain.history
        self._stopping = stopping

    async def withdraw(self, command: WithdrawRequest) -> None:
        """Stop the turn of a message that its owner deleted; a queued one never starts."""
        async with self._database.transaction() as tx:
            turn = await turns.find_by_source(tx, command.member.workspace_id, command.source)
        if turn and policy.is_same_person(command.member, turn.owner):
            await self._stopping.stop_turn(turn, command.member)

    async def reword(self, command: RewordRequest) -> None:
        """Give a queued turn the words of its edited message; if it runs already, tell its owner so, once."""
        async with self._database.transaction() as tx:
            turn = await turns.find_by_source(tx, command.member.workspace_id, command.source)
        if turn is None or not policy.is_same_person(command.member, turn.owner):
            return None
        asked = parse_ask(command.text)
        words = command.text if isinstance(asked, UnclearFlag) else asked.task
        if not words.strip():
            return await self.withdraw(WithdrawRequest(command.member, command.source))
        async with self._database.transaction() as tx:
            thread = await threads.get(tx, turn.thread_id)
        place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
        is_for_one = isinstance(asked, UnclearFlag) or asked.is_private
        # The owner wants a private answer now, so it must not appear in public after all.
        if is_for_one and not thread.is_private and turn.state in OPEN_TURN_STATES:
            await self.withdraw(WithdrawRequest(command.member, command.source))
            return await self._screen.tell(command.member, place, Refused(Refusal.THREAD_IS_PUBLIC, kept=words))
        if await self._reword_queued(turn, await self._history.named(require_words(words))):
            return None
        async with self._database.transaction() as tx:
            # People edit typos several times; they are told once.
            is_first = await turns.claim_edit_notice(tx, turn.id)
        if is_first:
            await self._screen.tell(command.member, place, EditUnseen())
        return None

    async def _reword_queued(self, turn: Turn, words: str) -> bool:
        """Store the new words of a queued turn; return False if it is no longer queued."""
        looked = await self._filtering.request(turn.owner, words)
        async with self._database.transaction() as tx:
            current = await turns.get(tx, turn.id)
            # Read in the transaction that stores the words: the driver may have claimed the turn meanwhile.
            if current.state is not TurnState.QUEUED:
                return False
            await turns.reword(tx, turn.id, require_length(reworded(current.task, looked.text)))
            await audit.record(tx, turn_entry(turn, self._clock.now(), "turn.reworded", **masked_in(looked)))
        return True
