"""What the loop around `step` does when sessions and the API do not answer as they should."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot import events as e
from bot.domain.following import Following
from bot.domain.inbox import Inbox
from bot.domain.turn_loop import SILENCE_AFTER_STOP, TurnLoop
from bot.errors import AgentsUnavailable
from bot.progress import OutcomeKind
from simulator.patience import patience
from store import turns
from store.database import Database
from store.records import EventId, SessionId
from tests.builders import NOON, a_thread, a_turn, store_thread, store_turn

SESSION = SessionId("sesn_1")


@dataclass
class SteppingClock:
    """Time passes only while somebody waits."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        if until is None:
            await signal.wait()
        else:
            self.time = max(self.time, until)
            await asyncio.sleep(0)


@dataclass
class Api:
    """Remembers what it was told; fails first where it should."""

    failures: int = 0
    interrupts: int = 0
    refused: list[EventId] = field(default_factory=list)

    async def interrupt(self, _: SessionId) -> None:
        self.interrupts += 1

    async def refuse_call(self, _: SessionId, call_id: EventId) -> None:
        if self.failures:
            self.failures -= 1
            raise AgentsUnavailable
        self.refused.append(call_id)


class Quiet:
    """Approvals and an answer of which nothing is wanted here; remembers the calls that are looked at."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def hold(self, *_) -> None:
        return None

    async def attend(self, *_) -> None:
        return None

    async def withdraw(self, *_) -> None:
        return None

    async def show(self, _) -> None:
        return None

    async def pause(self, _) -> None:
        return None

    async def called(self, _thread, call) -> None:
        self.calls.append(call.id)


TAKEN_UP = "the request is taken up here"


async def prepared(
    database: Database, api: Api, told: list[e.AgentEvent | str], *, is_stopped: bool, quiet: Quiet | None = None
):
    """Return the running of a turn over these events, and its clock."""
    clock, quiet = SteppingClock(), quiet or Quiet()
    async with database.transaction() as tx:
        thread = await store_thread(tx, a_thread())
        await store_turn(tx, a_turn(thread))
        turn = await turns.claim_next(tx, thread.id, NOON)
        if is_stopped:
            await turns.request_stop(tx, turn.id, turn.owner.user_id)
    state = Following(turn.id)
    loop = TurnLoop(
        database=database, agents=api, approvals=quiet, clock=clock, answer=quiet, state=state, on_call=quiet.called
    )
    inbox = Inbox(asyncio.Event(), clock)

    async def source():
        for event in told:
            yield e.RequestEchoed(EventId("r"), turn.id, is_processed=True) if event == TAKEN_UP else event

    await inbox.feed(source())
    return loop.run(thread, turn, SESSION, inbox), clock


async def run_until(running, holds) -> None:
    """Run a turn that does not end until something holds."""
    task = asyncio.ensure_future(running)
    async with patience():
        while not holds():  # noqa: ASYNC110 - what it waits for is not ours to signal
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_stopped_session_that_goes_on_waiting_and_says_nothing_is_over_after_a_while(database):
    api, call = Api(), e.ToolCall(EventId("t"), None, "bash", {}, e.Permission.ASK)
    told = [TAKEN_UP, e.ToolStarted(call.id, call), e.DecisionsNeeded(EventId("w"), (call.id,))]
    running, clock = await prepared(database, api, told, is_stopped=True)

    state = await running

    assert state.progress.outcome.kind is OutcomeKind.STOPPED
    assert api.interrupts == 1
    assert clock.now() - NOON >= timedelta(seconds=SILENCE_AFTER_STOP)


async def test_an_interrupt_that_the_request_was_not_there_for_is_sent_again(database):
    api, passed_by = Api(), e.InterruptEchoed(EventId("i"), is_processed=True)
    running, _ = await prepared(database, api, [passed_by, TAKEN_UP], is_stopped=True)

    await run_until(running, lambda: api.interrupts > 1)

    assert api.interrupts == 2


async def test_a_refusal_that_does_not_get_through_is_sent_again(database):
    api = Api(failures=2)
    call = e.ToolCall(EventId("t"), None, "page", {}, e.Permission.DENY, is_ours_to_answer=True)
    told = [TAKEN_UP, e.ToolStarted(call.id, call), e.DecisionsNeeded(EventId("w"), (call.id,))]
    running, _ = await prepared(database, api, told, is_stopped=False)

    await run_until(running, lambda: api.refused)

    assert api.refused == [call.id]


@pytest.mark.parametrize("permission", list(e.Permission))
async def test_every_call_is_looked_at_also_one_that_nobody_is_asked_about(database, permission):
    quiet, call = Quiet(), e.ToolCall(EventId("t"), "notes", "list_notes", {}, permission)
    told = [TAKEN_UP, e.ToolStarted(call.id, call), e.SessionIdle(EventId("i"), "end_turn")]
    running, _ = await prepared(database, Api(), told, is_stopped=False, quiet=quiet)

    await running

    assert quiet.calls == [call.id]
