"""Decides what an agent event means for a turn: `step(state, event) → (state, actions)`, pure.

It implements the session's state machine (docs/reference/managed-agents.md#events). `loop` performs the actions and
reads in the state what is left to do; the answer's writer draws `ReducerState.progress`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.domain.turns.reducer_state import Hold, Interrupt, LookFor, ReducerState, Refuse, Step
from bot.model import events as e
from bot.model.progress import Activity, Outcome, OutcomeKind, Progress, Task, TaskState, Usage
from store.records import EventId

EXHAUSTED = "retries_exhausted"
ENDINGS = {
    "end_turn": OutcomeKind.ANSWERED,
    EXHAUSTED: OutcomeKind.RETRIES_EXHAUSTED,
    "budget_reached": OutcomeKind.BUDGET_REACHED,
    "refusal": OutcomeKind.REFUSED,
}
UNAUTHENTICATED = "mcp_authentication_failed_error"


def step(state: ReducerState, event: e.AgentEvent) -> Step:
    """Return what the event makes of the turn, and what is to be done about it. Idempotent per event."""
    if state.has_ended:
        return state, ()
    if isinstance(event, e.SessionGone):
        return _rested(end(state, Outcome(OutcomeKind.SESSION_GONE))), ()
    if isinstance(event, e.ConnectionLost | e.ConnectionBack):
        return _shown(state, event), ()
    return _during(state, event) if state.has_begun else _before(state, event)


def stopping(state: ReducerState) -> ReducerState:
    """Remember that the owner (or an admin) asked for an end, so that the idle that follows is a stop."""
    return replace(state, is_stopping=True)


def end(state: ReducerState, outcome: Outcome) -> ReducerState:
    """Return the turn as it ends, be it for a reason that is not in its events."""
    is_cut = outcome.kind is not OutcomeKind.ANSWERED
    tasks = tuple(_closed(task, is_cut=is_cut) for task in state.progress.tasks)
    progress = replace(state.progress, tasks=tasks, outcome=outcome, draft="" if not is_cut else state.progress.draft)
    return replace(state, progress=progress, has_ended=True, drafting=None)


def claim(state: ReducerState) -> Step:
    """Take what the session did last for this turn: it has the request, rests, and said nothing of taking it up.

    Only who has asked the session whether it rests may say so (`watchdog`).
    """
    done = state.unclaimed
    while done and isinstance(done[-1], _LATE):
        done = done[:-1]
    is_whole = bool(done) and isinstance(done[-1], e.SessionIdle | e.DecisionsNeeded)
    if state.has_ended or state.is_unclaimed_older or not is_whole:
        return state, ()
    state, actions = (state, ()) if state.has_begun else _begin(state)
    state = replace(state, unclaimed=())
    for event in done:
        state, more = step(state, event)
        actions += more
    return state, actions


def _before(state: ReducerState, event: e.AgentEvent) -> Step:
    if isinstance(event, e.RequestEchoed):
        return _request_echoed(state, event)
    if isinstance(event, e.InterruptEchoed):
        return _interrupted(state, event), ()
    # The API drops what is queued behind a request that it gives up (docs/reference/managed-agents.md#interrupts).
    if state.is_queued and isinstance(event, e.SessionIdle) and event.reason == EXHAUSTED:
        return _rested(end(state, Outcome(OutcomeKind.RETRIES_EXHAUSTED))), ()
    if _is_said_again(state, event):
        return state, ()
    if state.is_queued and state.is_free and isinstance(event, _WORK):
        state, actions = _begin(replace(state, unclaimed=()))
        state, more = _during(state, event)
        return state, actions + more
    return _kept(state, event), ()


def _request_echoed(state: ReducerState, event: e.RequestEchoed) -> Step:
    if event.marker == state.turn_id:
        return _begin(state) if event.is_processed else (replace(state, is_queued=True), ())
    is_told_late = event.id in state.others and state.unclaimed and isinstance(state.unclaimed[-1], e.SessionIdle)
    state = replace(state, others=state.others | {event.id})
    # What came since that one was told of is done: that it was taken up, too, says nothing of whose that was.
    if not event.is_processed or is_told_late:
        return state, ()
    return replace(state, is_free=False, is_unclaimed_older=True), ()


def _begin(state: ReducerState) -> Step:
    again = (Interrupt(),) if state.is_stopping and state.is_interrupted else ()
    began = replace(_at(state, Activity.THINKING), has_begun=True, is_interrupted=False)
    return began, again


def _kept(state: ReducerState, event: e.AgentEvent) -> ReducerState:
    """Remember what may turn out to be this turn's, and whether the session is at something older."""
    if isinstance(event, e.SessionStarted):
        if state.unclaimed and not isinstance(state.unclaimed[-1], e.SessionIdle):
            return state  # it goes on with what it was at: people decided, or it was moved to another machine
        return replace(state, is_free=True, unclaimed=(event,), is_unclaimed_older=False)
    if isinstance(event, e.SessionIdle | _WORK):
        state = replace(state, is_free=isinstance(event, e.SessionIdle))
    if not isinstance(event, _KEPT) or (isinstance(event, e.DecisionEchoed) and not _is_first_told(state, event)):
        return state
    is_new = bool(state.unclaimed) and isinstance(state.unclaimed[-1], e.SessionIdle)
    if is_new and isinstance(event, _REPORTS | e.DecisionEchoed):
        return _kept_late(state, event)
    is_older = (state.is_unclaimed_older and not is_new) or _is_from_before(state, event)
    unclaimed = () if is_new else state.unclaimed
    if event not in unclaimed[-1:]:
        unclaimed = (*unclaimed, event)
    return replace(state, unclaimed=unclaimed, is_unclaimed_older=is_older)


def _kept_late(state: ReducerState, event: e.AgentEvent) -> ReducerState:
    """Put what came late before the idle that it belongs to: it begins nothing, and takes nothing away."""
    *done, idle = state.unclaimed
    is_older = state.is_unclaimed_older or _is_from_before(state, event)
    return replace(state, unclaimed=(*done, event, idle), is_unclaimed_older=is_older)


def _is_said_again(state: ReducerState, event: e.AgentEvent) -> bool:
    """Tell whether this is the preview of what a list has told already: no new work of the session."""
    if isinstance(event, e.Thinking):
        return event in state.unclaimed
    if isinstance(event, e.DraftBegan | e.DraftGrew):
        return any(isinstance(told, e.TextWritten) and told.id == event.message_id for told in state.unclaimed)
    return False


def _is_first_told(state: ReducerState, event: e.DecisionEchoed) -> bool:
    """Tell whether it decides a call that is known, and for the first time: its last copy may come turns later."""
    if any(isinstance(told, e.DecisionEchoed) and told.tool_use_id == event.tool_use_id for told in state.unclaimed):
        return False
    started = {told.call.id for told in state.unclaimed if isinstance(told, e.ToolStarted)}
    asked = {
        call_id for told in state.unclaimed if isinstance(told, e.DecisionsNeeded) for call_id in told.tool_use_ids
    }
    return event.tool_use_id in started | asked


def _is_from_before(state: ReducerState, event: e.AgentEvent) -> bool:
    """Tell whether a usage report is one of those that were there when the request was sent."""
    base = state.usage_base
    spent = base.input_tokens + base.output_tokens
    return isinstance(event, e.UsageReported) and 0 < event.input_tokens + event.output_tokens <= spent


_WORK = e.Thinking | e.DraftBegan | e.DraftGrew | e.TextWritten | e.ToolStarted | e.ToolFinished | e.SessionTroubled
"""What a session says while it works on a request."""
_REPORTS = e.ModelRequestEnded | e.UsageReported
"""What it says of work that is over: without a sign of work before them, they are of an older one."""
_KEPT = (
    e.Thinking
    | e.TextWritten
    | e.ModelRequestEnded
    | e.ToolStarted
    | e.ToolFinished
    | e.SessionTroubled
    | e.UsageReported
    | e.DecisionEchoed
    | e.DecisionsNeeded
    | e.SessionIdle
)
"""What of it is said again in a list."""
_DONE = e.TextWritten | e.ToolStarted | e.ToolFinished | e.DecisionsNeeded | e.SessionIdle
"""What a session has done: more than that it is at something."""
_LATE = e.Thinking | _REPORTS
"""What may be said of a session's work after its end: previews and reports come on their own way."""


def _interrupted(state: ReducerState, event: e.InterruptEchoed) -> ReducerState:
    if not state.has_begun:
        state = replace(state, others=state.others | {event.id})
    elif event.id in state.others and not state.is_stopping:
        return state  # an older turn's, told again with the time at which it was taken up
    return replace(state, is_interrupted=state.is_interrupted or event.is_processed)


def _during(state: ReducerState, event: e.AgentEvent) -> Step:
    if state.unclaimed and isinstance(event, _DONE):
        state = replace(state, unclaimed=())  # the session tells now what it does on our request
    if isinstance(event, e.ToolStarted):
        return _tool_started(state, event.call)
    if isinstance(event, e.DecisionsNeeded):
        return _decisions_needed(state, event)
    if isinstance(event, e.SessionIdle):
        outcome = _outcome(state, event)
        ended = end(state, outcome)
        # Why it is idle nobody knows: it may wait for something, and go on.
        return (ended if outcome.kind is OutcomeKind.UNKNOWN_STOP else _rested(ended)), ()
    return _shown(state, event), ()


def _tool_started(state: ReducerState, call: e.ToolCall) -> Step:
    if any(task.call.id == call.id for task in state.progress.tasks):
        return state, ()
    task = Task(call, _FIRST_STATE[call.permission])
    progress = replace(_unpriced(state.progress), tasks=(*state.progress.tasks, task), activity=Activity.WORKING)
    hold = (Hold(call),) if call.permission is e.Permission.ASK and not state.is_stopping else ()
    return replace(state, progress=progress), hold


_FIRST_STATE = {
    e.Permission.ALLOW: TaskState.RUNNING,
    e.Permission.ASK: TaskState.HELD,
    e.Permission.DENY: TaskState.DENIED,
    e.Permission.UNTOLD: TaskState.RUNNING,
}


def _decisions_needed(state: ReducerState, event: e.DecisionsNeeded) -> Step:
    # An interrupt that meets held calls may be answered by another requires_action instead of
    # end_turn (docs/reference/managed-agents.md#interrupts): after an interrupt both are the end.
    if state.is_interrupted:
        return _rested(end(state, Outcome(OutcomeKind.STOPPED))), ()
    if state.is_stopping:
        return _at(state, Activity.WAITING), ()  # said before the interrupt was taken up
    state = _with_named_held(state, event)
    named = [task for task in state.progress.tasks if task.call.id in event.tool_use_ids]
    answers = tuple(Refuse(task.call) for task in named if task.call.is_ours_to_answer)
    held = tuple(Hold(task.call) for task in state.progress.tasks if task.state is TaskState.HELD)
    known = {task.call.id for task in state.progress.tasks}
    unseen = tuple(LookFor(call_id) for call_id in event.tool_use_ids if call_id not in known)
    if not (held or answers or unseen or any(task.call.permission is e.Permission.ASK for task in named)):
        # It waits for something that nobody here can give: say so rather than wait for ever.
        return end(state, Outcome(OutcomeKind.UNKNOWN_STOP, detail="requires_action")), ()
    return _at(state, Activity.WAITING), (*held, *answers, *unseen)


def _with_named_held(state: ReducerState, event: e.DecisionsNeeded) -> ReducerState:
    """What the session waits for is held, whatever was said of it before; what runs unasked it does not wait for."""

    def is_held(task: Task) -> bool:
        if task.state is not TaskState.RUNNING or task.call.permission is e.Permission.ASK:
            return False  # one that was asked about and runs has been decided: the wait is an older one
        if event.tool_use_ids:
            return task.call.id in event.tool_use_ids
        return task.call.permission is e.Permission.UNTOLD

    tasks = tuple(
        Task(replace(task.call, permission=e.Permission.ASK), TaskState.HELD) if is_held(task) else task
        for task in state.progress.tasks
    )
    return replace(state, progress=replace(state.progress, tasks=tasks))


def _outcome(state: ReducerState, event: e.SessionIdle) -> Outcome:
    if state.is_stopping or state.is_interrupted:
        return Outcome(OutcomeKind.STOPPED)
    kind = ENDINGS.get(event.reason)
    if kind is None:
        return Outcome(OutcomeKind.UNKNOWN_STOP, detail=event.reason)
    return Outcome(kind, detail=state.trouble if event.reason == EXHAUSTED else event.category)


def _rested(state: ReducerState) -> ReducerState:
    """The session itself has come to rest."""
    return replace(state, is_at_rest=True)


def _closed(task: Task, *, is_cut: bool) -> Task:
    """A call whose result never came must not look done when the turn was cut short."""
    if task.state not in {TaskState.RUNNING, TaskState.HELD}:
        return task
    return replace(task, state=TaskState.STOPPED if is_cut else TaskState.DONE)


def _shown(state: ReducerState, event: e.AgentEvent) -> ReducerState:
    """Everything that only changes the picture."""
    change = _CHANGES.get(type(event))
    return change(state, event) if change else state


def _at(state: ReducerState, activity: Activity) -> ReducerState:
    return replace(state, progress=replace(state.progress, activity=activity))


def _draft_began(state: ReducerState, event: e.DraftBegan) -> ReducerState:
    if event.message_id in state.written:
        return state
    return replace(state, drafting=event.message_id, progress=replace(state.progress, draft=""))


def _draft_grew(state: ReducerState, event: e.DraftGrew) -> ReducerState:
    if event.message_id in state.written:
        return state
    if state.drafting != event.message_id:
        state = _draft_began(state, e.DraftBegan(event.message_id))
    draft = state.progress.draft or _gap(state.progress.text)
    progress = replace(state.progress, draft=draft + event.text, activity=Activity.WRITING)
    return replace(state, progress=progress)


def _text_written(state: ReducerState, event: e.TextWritten) -> ReducerState:
    if event.id in state.written:
        return state
    text = state.progress.text + _gap(state.progress.text) + event.text if event.text else state.progress.text
    progress = replace(_unpriced(state.progress), text=text, draft="", activity=Activity.WRITING)
    return replace(state, progress=progress, drafting=None, written=state.written | {event.id})


def _gap(text: str) -> str:
    """Two messages of one answer are two paragraphs."""
    return "\n\n" if text else ""


def _model_request_ended(state: ReducerState, _: e.ModelRequestEnded) -> ReducerState:
    if state.is_stopping or state.is_interrupted:
        return state  # of what was cut short no message comes: what was read so far stays
    return replace(state, drafting=None, progress=replace(state.progress, draft=""))


def _tool_finished(state: ReducerState, event: e.ToolFinished) -> ReducerState:
    def finish(task: Task) -> Task:
        if task.state is TaskState.DENIED:
            return task
        return replace(task, state=TaskState.FAILED if event.is_error else TaskState.DONE, result=event.text)

    return _with_task(state, event.tool_use_id, finish)


def _decided(state: ReducerState, event: e.DecisionEchoed) -> ReducerState:
    decided = TaskState.RUNNING if event.is_allowed else TaskState.DENIED
    state = _with_task(
        state, event.tool_use_id, lambda task: replace(task, state=decided) if task.state is TaskState.HELD else task
    )
    return _at(state, Activity.WORKING)


def _with_task(state: ReducerState, tool_use_id: EventId, change: Callable[[Task], Task]) -> ReducerState:
    tasks = tuple(change(task) if task.call.id == tool_use_id else task for task in state.progress.tasks)
    return replace(state, progress=replace(state.progress, tasks=tasks))


def _usage_reported(state: ReducerState, event: e.UsageReported) -> ReducerState:
    base = state.usage_base
    cost = _difference(event.cost_cents, base)
    usage = Usage(cost, event.input_tokens - base.input_tokens, event.output_tokens - base.output_tokens)
    return replace(state, progress=replace(state.progress, usage=usage))


def _difference(total: float | None, base: Usage) -> float | None:
    """Return what a turn has cost of its session's total, None where nobody can know."""
    if base.cost_cents is None and base.input_tokens + base.output_tokens:
        return None  # what was before has cost something, and is charged to the turn that it was for
    cost = None if total is None else total - (base.cost_cents or 0)
    return None if cost is None or cost < 0 else cost


def _unpriced(progress: Progress) -> Progress:
    """Forget a cost once there is more work than it was for: a report comes before each rest of the session."""
    return replace(progress, usage=replace(progress.usage, cost_cents=None))


def _troubled(state: ReducerState, event: e.SessionTroubled) -> ReducerState:
    if event.retry is not e.Retry.RETRYING:
        state = replace(state, trouble=event.kind)
    if event.kind == UNAUTHENTICATED and event.service:
        known = state.progress.needs_reconnect
        services = known if event.service in known else (*known, event.service)
        return replace(state, progress=replace(state.progress, needs_reconnect=services))
    return _at(state, Activity.RETRYING) if event.retry is e.Retry.RETRYING else state


def _connection_lost(state: ReducerState, _: e.ConnectionLost) -> ReducerState:
    return replace(_at(state, Activity.RETRYING), before_loss=state.before_loss or state.progress.activity)


def _connection_back(state: ReducerState, _: e.ConnectionBack) -> ReducerState:
    return replace(_at(state, state.before_loss), before_loss=None) if state.before_loss else state


_CHANGES: dict[type, Callable[[ReducerState, Any], ReducerState]] = {
    e.DraftBegan: _draft_began,
    e.DraftGrew: _draft_grew,
    e.TextWritten: _text_written,
    e.ModelRequestEnded: _model_request_ended,
    e.ToolFinished: _tool_finished,
    e.DecisionEchoed: _decided,
    e.UsageReported: _usage_reported,
    e.SessionTroubled: _troubled,
    e.InterruptEchoed: _interrupted,
    e.SessionStarted: lambda state, _: _at(state, Activity.THINKING),
    e.Thinking: lambda state, _: _at(state, Activity.THINKING),
    e.SessionRescheduled: lambda state, _: _at(state, Activity.RETRYING),
    e.ConnectionLost: _connection_lost,
    e.ConnectionBack: _connection_back,
}
