"""Stops turns: for their owner, an admin, a kill switch, or because their owner has left.

A queued turn is ended here; a running one by its driver, which is woken for that.
"""

from __future__ import annotations

from datetime import datetime

from bot.domain.access import policy
from bot.domain.context import DomainContext
from bot.domain.quoting import own_words
from bot.domain.turns.driver import TurnDriver
from bot.domain.turns.thread_messages import ThreadMessages
from bot.model.commands import Place, StopTurn
from bot.model.errors import NotPermitted, Refusal, Refused
from bot.model.notices import RunningTurn, TurnPicker, TurnsStopping
from store import audit, threads, turns
from store.database import Tx
from store.records import OPEN_TURN_STATES, AuditEntry, Member, Thread, Turn, TurnId, TurnState, UserId


class TurnStopper:
    """Stops turns on behalf of people and settings."""

    def __init__(self, context: DomainContext, *, driver: TurnDriver, messages: ThreadMessages) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._driver = driver
        self._messages = messages
        self._configuration = context.config

    async def stop(self, command: StopTurn) -> None:
        """Stop the turn that is meant: the named one, the thread's, or the only open one; else offer a choice.

        Raises `NotPermitted` if nothing is running, or if it is not theirs to stop.
        """
        chosen, is_certain = await self._meant(command)
        admins = self._configuration.admins(await self._configuration.read(command.member.workspace_id))
        for turn in chosen:
            # All of them before any is stopped, so that a refusal changes nothing.
            policy.require(policy.may_stop(command.member, turn, admins))
        if not chosen:
            raise NotPermitted(Refused(Refusal.NOTHING_RUNNING))
        running = await self._with_threads(chosen)
        if not is_certain and len(chosen) > 1:
            return await self._screen.tell(command.member, command.place, TurnPicker(running))
        for turn in chosen:
            await self.stop_turn(turn, command.member)
        notice = TurnsStopping(len(chosen), _titles(chosen, command.member))
        return await self._screen.tell(command.member, command.place, notice)

    async def stop_all(self, owner: Member) -> None:
        """Stop every open turn of a member who may no longer act."""
        async with self._database.transaction() as tx:
            open_turns = await turns.list_open_for(tx, owner)
        for turn in open_turns:
            await self.stop_turn(turn, owner)

    async def stop_paused(self) -> None:
        """Stop every open turn that a kill switch forbids: for everybody, its owner or one of its services."""
        async with self._database.transaction() as tx:
            running = [RunningTurn(await threads.get(tx, turn.thread_id), turn) for turn in await turns.list_open(tx)]
            configs = {
                one.thread.owner.workspace_id: await self._configuration.read_in(tx, one.thread.owner.workspace_id)
                for one in running
            }
        for one in running:
            if not policy.may_go_on(configs[one.thread.owner.workspace_id], one.thread):
                await self.stop_turn(one.turn, "kill switch")

    async def stop_turn(self, turn: Turn, by: Member | str) -> None:
        """Stop one turn: end it if it is queued, else wake its driver. Idempotent."""
        actor = by if isinstance(by, str) else by.user_id
        async with self._database.transaction() as tx:
            is_first = await turns.request_stop(tx, turn.id, UserId(actor))
            # Read in the same transaction: once a driver has claimed the turn, only the driver may end it.
            state = (await turns.get(tx, turn.id)).state
            if is_first:
                await audit.record(tx, _stopped(turn, actor, self._clock.now()))
            # No driver has it yet, so nobody else would end it.
            if is_first and state is TurnState.QUEUED:
                now = self._clock.now()
                await turns.end(tx, turn.id, TurnState.STOPPED, outcome="stopped", cost_cents=None, now=now)
        # Also if it was stopped before: a crash may have come before the line was deleted.
        if state is TurnState.QUEUED or state not in OPEN_TURN_STATES:
            await self._messages.clear_control(turn)
        self._driver.wake(turn.thread_id)

    async def _meant(self, command: StopTurn) -> tuple[tuple[Turn, ...], bool]:
        """Return the turns that may be meant, and whether all of them certainly are."""
        async with self._database.transaction() as tx:
            if command.turn_id:
                return await _open_turn(tx, command.turn_id), True
            thread = await thread_in(tx, command.member, command.place)
            if thread:
                return await turns.list_open_in(tx, thread.id), True
            return await turns.list_open_for(tx, command.member), False

    async def _with_threads(self, chosen: tuple[Turn, ...]) -> tuple[RunningTurn, ...]:
        async with self._database.transaction() as tx:
            return tuple([RunningTurn(await threads.get(tx, turn.thread_id), turn) for turn in chosen])


async def thread_in(tx: Tx, member: Member, place: Place) -> Thread | None:
    """Return the thread at a place, None if it is none of ours."""
    if place.thread_ts is None:
        return None
    return await threads.find_by_root(tx, member.workspace_id, place.channel, place.thread_ts)


async def _open_turn(tx: Tx, turn_id: TurnId) -> tuple[Turn, ...]:
    turn = await turns.find(tx, turn_id)
    is_open = turn is not None and turn.state in OPEN_TURN_STATES
    return (turn,) if turn and is_open else ()


def _titles(chosen: tuple[Turn, ...], member: Member) -> tuple[str, ...]:
    """Return the owner's words of the turns that are their own; an admin who stops them does not see the words."""
    own = (turn for turn in chosen if policy.is_same_person(member, turn.owner))
    return tuple(words for turn in own if (words := " ".join(own_words(turn.task).split())))


def _stopped(turn: Turn, by: str, now: datetime) -> AuditEntry:
    return AuditEntry(now, turn.owner.workspace_id, by, "turn.stopped", turn.id, {"owner": turn.owner.user_id})
