"""What the loop around `step` does when sessions and the API do not answer as they should."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.domain.supervisor import Supervisor
from bot.domain.turns.inbox import Inbox
from bot.domain.turns.loop import SILENT, UNCONFIRMED, FollowedTurn, LoopContext, TurnLoop
from bot.domain.turns.reducer_state import ReducerState
from bot.domain.turns.watchdog import STOP_WITHIN, WORKING_SILENCE, StopTimer
from bot.model import events as e
from bot.model.errors import AgentsUnavailable, AlreadyDecided, SlackUnavailable
from bot.model.progress import Outcome, OutcomeKind
from simulator.patience import patience
from store import turns
from store.database import Database
from store.records import EventId, SessionId, TurnState
from tests.builders import NOON, a_context, a_thread, a_turn, store_thread, store_turn

SESSION = SessionId("sesn_1")


@dataclass
class SteppingClock:
    """Time passes only while somebody waits."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def steady(self) -> datetime:
        return self.now()

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        for _ in range(200):  # whoever has something to do does it first
            await asyncio.sleep(0)
            if signal.is_set():
                return
        if until is None:
            await signal.wait()
        else:
            self.time = max(self.time, until)


@dataclass
class Api:
    """Remembers what it was told; fails first where it should."""

    failures: int = 0
    interrupts: int = 0
    refused: list[EventId] = field(default_factory=list)
    is_out: bool = False
    is_hung: bool = False
    rests: bool | None = False
    """Whether the session is at rest when it is asked; None: it cannot be asked."""
    looks: int = 0
    late: e.ToolCall | None = None
    """The call that a second look finds."""
    is_decided: bool = False
    decisions: list[tuple[EventId, str]] = field(default_factory=list)

    async def find_call(self, _: SessionId, __: EventId) -> e.ToolCall | None:
        if self.failures:
            self.failures -= 1
            raise AgentsUnavailable
        return self.late

    async def send_decision(self, _: SessionId, call_id: EventId, verdict: str, _reason: str | None) -> None:
        if self.is_decided:
            raise AlreadyDecided("waiting")
        self.decisions.append((call_id, verdict))

    async def interrupt(self, _: SessionId) -> None:
        if self.is_hung:
            await asyncio.Event().wait()
        self.interrupts += 1
        if self.is_out:
            raise AgentsUnavailable

    async def is_at_rest(self, _: SessionId) -> bool:
        self.looks += 1
        if self.rests is None:
            raise AgentsUnavailable
        return self.rests

    async def refuse_call(self, _: SessionId, call_id: EventId) -> None:
        if self.failures:
            self.failures -= 1
            raise AgentsUnavailable
        self.refused.append(call_id)


class Quiet:
    """Approvals and an answer of which nothing is wanted here; remembers the calls that are looked at."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.held: list[e.ToolCall] = []
        self.is_paused = False
        self.seen: list[str] = []

    async def hold(self, _thread, _turn, _session_id, call) -> None:
        self.held.append(call)

    async def attend(self, *_) -> None:
        self.seen += ["card"] if self.held else []

    async def close_pending(self, *_) -> None:
        return None

    async def show(self, _) -> None:
        return None

    async def pause(self, _) -> None:
        self.is_paused = True
        self.seen.append("words")

    async def called(self, _thread, call) -> None:
        self.calls.append(call.id)


TAKEN_UP = "the request is taken up here"
QUEUED = "the request is queued here, and never said to be taken up"


def said(turn, event):
    if event in (TAKEN_UP, QUEUED):
        return e.RequestEchoed(EventId("r"), turn.id, is_processed=event == TAKEN_UP)
    return event


@dataclass
class Feed:
    """What follows the session; `listed`: what only a listing tells, which comes once it is doubted."""

    is_caught_up: bool = True
    doubts: int = 0
    listed: list[e.AgentEvent] = field(default_factory=list)
    has_doubt: asyncio.Event = field(default_factory=asyncio.Event)

    def doubt(self) -> None:
        self.doubts += 1
        self.has_doubt.set()


async def prepared(
    database: Database,
    api: Api,
    told: list[e.AgentEvent | str],
    *,
    is_stopped: bool,
    quiet: Quiet | None = None,
    feed: Feed | None = None,
):
    """Return the running of a turn over these events, after which nothing comes, and its clock."""
    clock, quiet, signal = SteppingClock(), quiet or Quiet(), asyncio.Event()
    supervisor = Supervisor(lambda: "REF", clock)
    async with database.transaction() as tx:
        thread = await store_thread(tx, a_thread())
        await store_turn(tx, a_turn(thread))
        turn = await turns.claim_next(tx, thread.id, NOON)
        if is_stopped:
            await turns.request_stop(tx, turn.id, turn.owner.user_id)

    async def stopped_by():
        async with database.transaction() as tx:
            return (await turns.get(tx, turn.id)).stop_requested_by

    domain = a_context(database=database, clock=clock, agents=api, supervisor=supervisor)
    loop = TurnLoop(
        LoopContext(domain, quiet, quiet.called),
        FollowedTurn(thread, turn, SESSION),
        answer=quiet,
        watch=StopTimer(supervisor=supervisor, clock=clock, signal=asyncio.Event(), read=stopped_by),
        state=ReducerState(turn.id),
    )
    inbox = Inbox(signal, clock, feed)

    async def source():
        for event in told:
            if isinstance(event, Exception):
                raise event
            yield said(turn, event)
        if feed:
            await feed.has_doubt.wait()
            for event in feed.listed:
                yield event
        await asyncio.Event().wait()

    async def running():
        async with supervisor.beside(lambda: inbox.feed(source())):
            return await loop.run(inbox)

    return running(), clock


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
    assert clock.now() - NOON == STOP_WITHIN


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


async def test_what_the_agent_says_before_a_call_stands_above_its_card_also_when_all_comes_at_once(database):
    quiet, call = Quiet(), e.ToolCall(EventId("t"), None, "bash", {}, e.Permission.ASK)
    told = [TAKEN_UP, e.ToolStarted(call.id, call), e.DecisionsNeeded(EventId("w"), (call.id,))]
    running, _ = await prepared(database, Api(), told, is_stopped=False, quiet=quiet)

    await run_until(running, lambda: {"card", "words"} <= set(quiet.seen))

    assert quiet.seen[:2] == ["words", "card"]


UNSEEN = [TAKEN_UP, e.DecisionsNeeded(EventId("w"), (EventId("t"),))]


@pytest.mark.fault("S20")
async def test_a_call_that_nobody_can_read_is_denied_and_never_allowed(database):
    quiet, api = Quiet(), Api(failures=2)
    running, _ = await prepared(database, api, UNSEEN, is_stopped=False, quiet=quiet)

    await run_until(running, lambda: quiet.is_paused and api.decisions)

    assert api.decisions == [("t", "deny")]


@pytest.mark.fault("S20")
async def test_a_call_that_is_only_late_is_asked_about(database):
    quiet, call = Quiet(), e.ToolCall(EventId("t"), "notes", "write_note", {}, e.Permission.UNTOLD)
    api = Api(late=call)
    running, _ = await prepared(database, api, UNSEEN, is_stopped=False, quiet=quiet)

    await run_until(running, lambda: quiet.is_paused)

    assert (quiet.held, quiet.calls, api.decisions) == ([replace(call, permission=e.Permission.ASK)], ["t"], [])


@pytest.mark.fault("S20")
async def test_a_wait_for_a_call_that_cannot_be_answered_ends_all_the_same(database):
    api = Api(is_decided=True)
    running, _ = await prepared(database, api, UNSEEN, is_stopped=False)

    state = await running

    assert api.refused == ["t"]
    assert state.progress.outcome == Outcome(OutcomeKind.UNKNOWN_STOP, detail="requires_action")


@pytest.mark.fault("S20")
async def test_a_call_that_was_denied_before_a_restart_is_not_denied_again(database):
    denied = e.DecisionEchoed(EventId("d"), EventId("t"), is_allowed=False)
    api, end = Api(), e.SessionIdle(EventId("i"), "end_turn")
    running, _ = await prepared(database, api, [*UNSEEN, denied, end], is_stopped=False)

    state = await running

    assert (state.progress.outcome.kind, api.decisions) == (OutcomeKind.ANSWERED, [])


@pytest.mark.parametrize("permission", list(e.Permission))
async def test_every_call_is_looked_at_also_one_that_nobody_is_asked_about(database, permission):
    quiet, call = Quiet(), e.ToolCall(EventId("t"), "notes", "list_notes", {}, permission)
    told = [TAKEN_UP, e.ToolStarted(call.id, call), e.SessionIdle(EventId("i"), "end_turn")]
    running, _ = await prepared(database, Api(), told, is_stopped=False, quiet=quiet)

    await running

    assert quiet.calls == [call.id]


THINKING, WROTE = e.Thinking(EventId("t")), e.TextWritten(EventId("x"), "Done.")
ENDED = e.SessionIdle(EventId("i"), "end_turn")
STARTED = e.SessionStarted(EventId("s"))
SAID_BEFORE = {
    "nothing": [],
    "queued": [QUEUED],
    "at work": [TAKEN_UP, THINKING],
    "writing": [TAKEN_UP, WROTE],
    "calling": [TAKEN_UP, e.ToolStarted(EventId("c"), e.ToolCall(EventId("c"), "notes", "list_notes", {}))],
    "cannot be heard": [TAKEN_UP, e.ConnectionLost()],
}


@pytest.mark.fault("D2")
@pytest.mark.parametrize("how", ["accepted", "refused", "hung"])
@pytest.mark.parametrize("before", SAID_BEFORE)
async def test_a_stop_ends_a_turn_in_time_whatever_the_session_says_or_leaves_out(database, before, how):
    api = Api(is_out=how == "refused", is_hung=how == "hung")
    running, clock = await prepared(database, api, SAID_BEFORE[before], is_stopped=True)

    state = await running

    assert state.progress.outcome.kind is OutcomeKind.STOPPED
    assert state.progress.outcome.detail == (None if how == "accepted" else UNCONFIRMED)
    assert clock.now() - NOON <= STOP_WITHIN
    assert not state.is_at_rest


@pytest.mark.fault("D2")
@pytest.mark.parametrize(
    "told",
    [
        [QUEUED, STARTED, THINKING, WROTE, ENDED],
        [ENDED, QUEUED, THINKING, WROTE, ENDED],
        [STARTED, THINKING, WROTE, ENDED, QUEUED],
        [STARTED, THINKING, WROTE, ENDED],
    ],
    ids=["in order", "after an older turn", "listed last", "never seen"],
)
async def test_an_answer_is_taken_though_the_session_never_says_that_it_took_the_request_up(database, told):
    running, clock = await prepared(database, Api(rests=True), told, is_stopped=False)

    state = await running

    assert (state.progress.outcome.kind, state.progress.text) == (OutcomeKind.ANSWERED, "Done.")
    assert clock.now() - NOON < WORKING_SILENCE


@dataclass
class Timed(Quiet):
    """Remembers when a card was there first."""

    clock: object = None
    carded_at: datetime | None = None

    def __post_init__(self) -> None:
        super().__init__()

    async def attend(self, *_) -> None:
        await super().attend()
        if self.held:
            self.carded_at = self.carded_at or self.clock.now()


@pytest.mark.fault("D2")
async def test_a_call_is_asked_about_though_the_session_never_says_that_it_took_the_request_up(database):
    quiet, call = Timed(), e.ToolCall(EventId("t"), None, "bash", {}, e.Permission.ASK)
    told = [STARTED, e.ToolStarted(call.id, call), e.DecisionsNeeded(EventId("w"), (call.id,)), QUEUED]
    running, quiet.clock = await prepared(database, Api(rests=True), told, is_stopped=False, quiet=quiet)

    await run_until(running, lambda: quiet.carded_at and quiet.is_paused)

    assert quiet.seen[:2] == ["words", "card"]
    assert quiet.carded_at - NOON < WORKING_SILENCE


@pytest.mark.fault("D2")
@pytest.mark.parametrize("before", SAID_BEFORE)
async def test_a_session_that_rests_without_a_word_ends_the_turn_and_one_that_works_does_not(database, before, logged):
    busy = Api(rests=False)
    running, _ = await prepared(database, busy, SAID_BEFORE[before], is_stopped=False)
    await run_until(running, lambda: busy.looks == 5)
    assert not any("stopped" in line for line in logged.lines)
    async with database.transaction() as tx:
        (turn,) = await turns.list_open(tx)
        await turns.end(tx, turn.id, TurnState.ENDED, outcome="x", cost_cents=None, now=NOON)
    resting = Api(rests=True)
    running, _ = await prepared(database, resting, SAID_BEFORE[before], is_stopped=False)

    state = await running

    outcome = state.progress.outcome
    assert (outcome.kind, outcome.detail, resting.looks) == (OutcomeKind.UNKNOWN_STOP, SILENT, 2)
    assert "session_silent" in logged.lines[-1]


@pytest.mark.fault("D2")
@pytest.mark.parametrize("before", SAID_BEFORE)
async def test_a_stream_that_is_dead_is_doubted_before_the_turn_ends_without_its_answer(database, before):
    """The session rests, and the stream does not say so: what it said is in the list."""
    done = e.SessionIdle(EventId("i"), "end_turn")
    feed = Feed(listed=[e.TextWritten(EventId("m"), "Done."), done])
    told = SAID_BEFORE[before] or [TAKEN_UP]
    running, _ = await prepared(database, Api(rests=True), told, is_stopped=False, feed=feed)

    state = await running

    assert (state.progress.outcome.kind, feed.doubts) == (OutcomeKind.ANSWERED, 1)
    assert state.progress.text.endswith("Done.")


@pytest.mark.fault("D2")
async def test_while_the_past_is_still_being_listed_silence_says_nothing(database):
    """A listing that hangs for a minute is no session that said nothing."""
    api, feed = Api(rests=True), Feed(is_caught_up=False)
    running, clock = await prepared(database, api, [TAKEN_UP], is_stopped=False, feed=feed)

    await run_until(running, lambda: clock.now() - NOON > 3 * WORKING_SILENCE)

    assert api.looks == 0


@pytest.mark.fault("S22")
@pytest.mark.parametrize("error", [RuntimeError("a bug"), ValueError("odd"), RecursionError(), AgentsUnavailable()])
async def test_every_error_of_the_feed_ends_the_loop(database, error):
    running, _ = await prepared(database, Api(), [TAKEN_UP, error], is_stopped=False)

    with pytest.raises(type(error)):
        await running


@dataclass
class Unshowable(Quiet):
    """An answer that Slack does not take; remembers when it was tried."""

    clock: object = None
    tried: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def show(self, _) -> None:
        self.tried.append(self.clock.now())
        raise SlackUnavailable(2.0)


@pytest.mark.fault("D7")
async def test_no_event_makes_a_try_come_sooner_than_slack_wants_it(database):
    quiet = Unshowable()
    drafts = [e.DraftGrew(EventId("m"), "word ") for _ in range(50)]
    running, quiet.clock = await prepared(database, Api(), [TAKEN_UP, *drafts], is_stopped=False, quiet=quiet)

    await run_until(running, lambda: len(quiet.tried) > 4)

    pauses = [later - earlier for earlier, later in itertools.pairwise(quiet.tried)]
    assert min(pauses).total_seconds() >= 2


@dataclass
class Expiring(Quiet):
    """An approval that is due in ten seconds, when Slack cannot be reached; remembers when it was attended."""

    clock: object = None
    attended: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.expires_at = NOON + timedelta(seconds=10)

    async def attend(self, *_) -> datetime:
        self.attended.append(self.clock.now())
        if self.clock.now() >= self.expires_at:
            raise SlackUnavailable(30.0)
        return self.expires_at


@pytest.mark.fault("D7")
async def test_an_approval_that_expires_while_slack_is_out_is_tried_again_when_slack_wants_it(database):
    """Until then the loop sleeps: what is due and cannot be done must not be tried in a circle."""
    quiet, call = Expiring(), e.ToolCall(EventId("t"), None, "bash", {}, e.Permission.ASK)
    told = [TAKEN_UP, e.ToolStarted(call.id, call), e.DecisionsNeeded(EventId("w"), (call.id,))]
    running, quiet.clock = await prepared(database, Api(), told, is_stopped=False, quiet=quiet)

    await run_until(running, lambda: quiet.clock.now() >= NOON + timedelta(seconds=80))

    after = [when - quiet.expires_at for when in quiet.attended if when >= quiet.expires_at]
    assert [wait.total_seconds() for wait in after[:3]] == [0, 30, 60]


@dataclass
class Unreachable(Quiet):
    """A Slack that takes no card; remembers how often it was tried."""

    tries: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    async def attend(self, *_) -> None:
        self.tries += 1
        raise SlackUnavailable(60.0)


@pytest.mark.fault("D2")
async def test_a_session_that_waits_for_a_card_that_slack_does_not_take_is_not_called_silent(database):
    quiet, api = Unreachable(), Api(rests=True)
    call = e.ToolCall(EventId("t"), None, "bash", {}, e.Permission.ASK)
    told = [TAKEN_UP, e.ToolStarted(call.id, call), e.DecisionsNeeded(EventId("w"), (call.id,))]
    running, _ = await prepared(database, api, told, is_stopped=False, quiet=quiet)

    await run_until(running, lambda: quiet.tries == 10 or api.looks)

    assert (quiet.tries, api.looks) == (10, 0)
