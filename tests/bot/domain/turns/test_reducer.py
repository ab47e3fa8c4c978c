from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.turns.reducer import claim, end, step, stopping
from bot.domain.turns.reducer_state import Hold, Interrupt, LookFor, ReducerState, Refuse
from bot.model import events as e
from bot.model.progress import Activity, Outcome, OutcomeKind, TaskState, Usage
from store.records import EventId, TurnId

TURN = TurnId("trn_1")


def begun(**changes):
    state, _ = step(ReducerState(TURN), e.RequestEchoed(EventId("e0"), TURN, is_processed=True))
    return replace(state, **changes)


def run(state, *events):
    actions = []
    for event in events:
        state, more = step(state, event)
        actions.extend(more)
    return state, actions


def call(name="write_note", permission=e.Permission.ASK, call_id="t1"):
    return e.ToolCall(EventId(call_id), "notes", name, {"title": "x"}, permission)


def started(**kwargs):
    made = call(**kwargs)
    return e.ToolStarted(made.id, made)


def test_what_comes_before_the_request_is_taken_up_belongs_to_older_turns():
    state, actions = run(
        ReducerState(TURN),
        e.TextWritten(EventId("a"), "old answer"),
        e.RequestEchoed(EventId("b"), "trn_0", is_processed=True),
        e.SessionIdle(EventId("c"), "end_turn"),
        e.RequestEchoed(EventId("d"), TURN, is_processed=False),
        e.SessionIdle(EventId("f"), "end_turn"),
    )

    assert (state.has_begun, state.has_ended, state.progress.text, actions) == (False, False, "", [])


def test_two_messages_are_two_paragraphs_of_one_answer():
    state, _ = run(begun(), e.TextWritten(EventId("a"), "One."), e.TextWritten(EventId("b"), "Two."))

    assert state.progress.text == "One.\n\nTwo."


def test_a_draft_is_shown_and_then_replaced_by_its_message():
    drafted, _ = run(
        begun(), e.DraftBegan(EventId("m")), e.DraftGrew(EventId("m"), "He"), e.DraftGrew(EventId("m"), "l")
    )
    written, _ = run(drafted, e.TextWritten(EventId("m"), "Hello"))

    assert (drafted.progress.shown_text, written.progress.text, written.progress.draft) == ("Hel", "Hello", "")


def test_a_draft_after_text_begins_where_its_message_will():
    drafted, _ = run(begun(), e.TextWritten(EventId("a"), "One."), e.DraftGrew(EventId("b"), "Tw"))
    written, _ = run(drafted, e.TextWritten(EventId("b"), "Two."))

    assert written.progress.shown_text.startswith(drafted.progress.shown_text)


def test_a_late_draft_of_a_written_message_says_nothing_twice():
    state, _ = run(begun(), e.TextWritten(EventId("m"), "Hello"), e.DraftGrew(EventId("m"), "Hello"))

    assert state.progress.shown_text == "Hello"


def test_a_draft_without_a_message_is_void_when_its_model_request_ends():
    state, _ = run(begun(), e.DraftGrew(EventId("m"), "Hal"), e.ModelRequestEnded(EventId("x")))

    assert state.progress.shown_text == ""


def test_what_was_written_when_somebody_stopped_it_stays():
    state, _ = run(
        stopping(begun()),
        e.TextWritten(EventId("a"), "One."),
        e.DraftGrew(EventId("m"), "Hal"),
        e.ModelRequestEnded(EventId("x")),
        e.InterruptEchoed(EventId("i"), is_processed=True),
        e.SessionIdle(EventId("y"), "end_turn"),
    )

    assert state.progress.shown_text == "One.\n\nHal"


def test_a_held_call_is_brought_to_the_owner_and_again_when_the_session_waits_for_it():
    state, actions = run(begun(), started(), e.DecisionsNeeded(EventId("w"), (EventId("t1"),)))

    assert actions == [Hold(call()), Hold(call())]
    assert (state.progress.activity, state.has_ended) == (Activity.WAITING, False)


def test_waiting_for_a_decision_is_not_the_end_of_the_turn():
    state, _ = run(begun(), started(), e.DecisionsNeeded(EventId("w"), (EventId("t1"),)))

    assert (state.has_ended, state.progress.outcome) == (False, None)


def test_an_allowed_call_runs_and_is_done_when_its_result_comes():
    state, _ = run(
        begun(),
        started(),
        e.DecisionEchoed(EventId("d"), EventId("t1"), is_allowed=True),
        e.ToolFinished(EventId("r"), EventId("t1"), is_error=False, text="saved"),
    )

    assert [(task.state, task.result) for task in state.progress.tasks] == [(TaskState.DONE, "saved")]


def test_a_denied_call_stays_denied_although_its_error_result_comes():
    state, _ = run(
        begun(),
        started(),
        e.DecisionEchoed(EventId("d"), EventId("t1"), is_allowed=False),
        e.ToolFinished(EventId("r"), EventId("t1"), is_error=True, text="denied"),
    )

    assert [task.state for task in state.progress.tasks] == [TaskState.DENIED]


def test_a_call_of_a_denied_tool_is_shown_as_denied_and_asks_nobody():
    state, actions = run(begun(), started(permission=e.Permission.DENY))

    assert ([task.state for task in state.progress.tasks], actions) == ([TaskState.DENIED], [])


def test_a_failed_call_is_marked_alone():
    state, _ = run(
        begun(),
        started(call_id="t1", permission=e.Permission.ALLOW),
        started(call_id="t2", permission=e.Permission.ALLOW),
        e.ToolFinished(EventId("r"), EventId("t1"), is_error=True, text="boom"),
    )

    assert [task.state for task in state.progress.tasks] == [TaskState.FAILED, TaskState.RUNNING]


def test_the_idle_after_a_stop_is_a_stop_and_open_calls_are_stopped():
    state, _ = run(stopping(begun()), started(permission=e.Permission.ALLOW), e.SessionIdle(EventId("i"), "end_turn"))

    assert state.progress.outcome == Outcome(OutcomeKind.STOPPED)
    assert [task.state for task in state.progress.tasks] == [TaskState.STOPPED]


def test_a_stop_answered_by_another_wait_for_decisions_is_the_end_too():
    state, _ = run(
        stopping(begun()),
        e.InterruptEchoed(EventId("x"), is_processed=True),
        e.DecisionsNeeded(EventId("w"), (EventId("t1"),)),
    )

    assert state.progress.outcome == Outcome(OutcomeKind.STOPPED)


def test_a_wait_for_decisions_from_before_the_interrupt_is_neither_the_end_nor_asked_about():
    """After a restart the past is listed again, and an older wait is in it."""
    state, actions = run(
        stopping(begun()),
        started(),
        e.DecisionsNeeded(EventId("w"), (EventId("t1"),)),
        e.InterruptEchoed(EventId("x"), is_processed=False),
        e.TextWritten(EventId("m"), "What I had so far."),
        e.InterruptEchoed(EventId("x"), is_processed=True),
        e.SessionIdle(EventId("i"), "end_turn"),
    )

    assert (actions, state.progress.outcome) == ([], Outcome(OutcomeKind.STOPPED))
    assert state.progress.text == "What I had so far."


def test_an_interrupt_that_came_before_the_request_was_taken_up_is_repeated():
    """It jumps the queue (docs/reference/managed-agents.md#interrupts): the request behind it would run."""
    _, actions = run(
        stopping(ReducerState(TURN)),
        e.InterruptEchoed(EventId("x"), is_processed=True),
        e.SessionIdle(EventId("i"), "end_turn"),
        e.RequestEchoed(EventId("r"), TURN, is_processed=True),
    )

    assert actions == [Interrupt()]


def test_an_interrupt_from_elsewhere_is_a_stop_too():
    state, _ = run(begun(), e.InterruptEchoed(EventId("x"), is_processed=True), e.SessionIdle(EventId("i"), "end_turn"))

    assert state.progress.outcome == Outcome(OutcomeKind.STOPPED)


def test_a_request_that_was_dropped_with_the_one_before_it_ends_instead_of_waiting():
    old_idle = e.SessionIdle(EventId("o"), "retries_exhausted")
    queued = e.RequestEchoed(EventId("r"), TURN, is_processed=False)

    before, _ = run(ReducerState(TURN), old_idle, queued)
    after, _ = run(before, e.SessionIdle(EventId("i"), "retries_exhausted"))

    assert not before.has_ended
    assert after.progress.outcome == Outcome(OutcomeKind.RETRIES_EXHAUSTED)


def test_why_the_retries_were_exhausted_is_told():
    trouble = e.SessionTroubled(EventId("x"), "billing_error", e.Retry.EXHAUSTED)
    over = e.SessionTroubled(EventId("y"), "model_overloaded_error", e.Retry.RETRYING)

    state, _ = run(begun(), trouble, over, e.SessionIdle(EventId("i"), "retries_exhausted"))

    assert state.progress.outcome == Outcome(OutcomeKind.RETRIES_EXHAUSTED, detail="billing_error")


def test_a_call_of_a_tool_that_is_ours_to_answer_is_refused_when_it_is_waited_for():
    made = replace(call(permission=e.Permission.DENY), is_ours_to_answer=True)

    state, actions = run(begun(), e.ToolStarted(made.id, made), e.DecisionsNeeded(EventId("w"), (made.id,)))

    assert actions == [Refuse(made)]
    assert [task.state for task in state.progress.tasks] == [TaskState.DENIED]


def test_a_wait_for_what_nobody_here_can_give_ends_the_turn():
    state, _ = run(begun(), e.DecisionsNeeded(EventId("w"), ()))

    assert state.progress.outcome == Outcome(OutcomeKind.UNKNOWN_STOP, detail="requires_action")


@pytest.mark.fault("S20")
@pytest.mark.parametrize("held", [(), (started(),)])
def test_a_call_that_is_waited_for_and_that_nobody_has_seen_is_looked_for(held):
    named = (*(one.call.id for one in held), EventId("unseen"))

    state, actions = run(begun(), *held, e.DecisionsNeeded(EventId("w"), named))

    assert actions[-1] == LookFor(EventId("unseen"))
    assert not state.has_ended


@pytest.mark.fault("D4")
@pytest.mark.parametrize("permission", [e.Permission.UNTOLD, e.Permission.ALLOW])
@pytest.mark.parametrize("is_named", [True, False])
def test_what_the_session_waits_for_is_held_whatever_was_said_of_it(permission, is_named):
    named = (EventId("t1"),) if is_named else ()
    state, actions = run(begun(), started(permission=permission), e.ToolStarted(EventId("t2"), call(call_id="t2")))
    before = [task.state for task in state.progress.tasks]

    state, actions = run(state, e.DecisionsNeeded(EventId("w"), named))

    is_held = is_named or permission is e.Permission.UNTOLD
    assert before == [TaskState.RUNNING, TaskState.HELD]
    assert [task.state is TaskState.HELD for task in state.progress.tasks] == [is_held, True]
    assert [action.call.id for action in actions if isinstance(action, Hold)] == ["t1"] * is_held + ["t2"]
    assert not state.has_ended


@pytest.mark.fault("D4")
def test_a_call_that_was_decided_is_not_held_again_by_an_older_wait():
    waits = e.DecisionsNeeded(EventId("w"), (EventId("t1"),))
    allowed = e.DecisionEchoed(EventId("d"), EventId("t1"), is_allowed=True)
    state, _ = run(begun(), started(permission=e.Permission.UNTOLD), waits, allowed)

    state, actions = run(state, e.DecisionsNeeded(EventId("w2"), (EventId("t1"),)))

    assert ([task.state for task in state.progress.tasks], state.has_ended) == ([TaskState.RUNNING], False)
    assert not any(isinstance(action, Hold) for action in actions)


def test_of_several_held_calls_those_left_are_asked_about_again_and_the_late_wait_is_no_end():
    state, _ = run(begun(), started(call_id="t1"), started(call_id="t2"))
    allowed = e.DecisionEchoed(EventId("d"), EventId("t1"), is_allowed=True)

    partly, actions = run(state, allowed, e.DecisionsNeeded(EventId("w"), (EventId("t2"),)))
    late, _ = run(
        partly,
        e.DecisionEchoed(EventId("d2"), EventId("t2"), is_allowed=False),
        e.DecisionsNeeded(EventId("w2"), (EventId("t2"),)),
    )

    assert actions == [Hold(call(call_id="t2"))]
    assert not late.has_ended
    assert [task.state for task in late.progress.tasks] == [TaskState.RUNNING, TaskState.DENIED]


def test_every_stop_reason_ends_the_turn_in_its_own_way():
    reasons = ["end_turn", "retries_exhausted", "budget_reached", "refusal", "never_heard_of"]

    ends = [run(begun(), e.SessionIdle(EventId("i"), reason))[0].progress.outcome.kind for reason in reasons]

    assert ends == [
        OutcomeKind.ANSWERED,
        OutcomeKind.RETRIES_EXHAUSTED,
        OutcomeKind.BUDGET_REACHED,
        OutcomeKind.REFUSED,
        OutcomeKind.UNKNOWN_STOP,
    ]


def test_an_unknown_stop_reason_is_carried():
    state, _ = run(begun(), e.SessionIdle(EventId("i"), "moonrise"))

    assert state.progress.outcome == Outcome(OutcomeKind.UNKNOWN_STOP, detail="moonrise")


def test_a_session_error_alone_does_not_end_the_turn():
    state, _ = run(begun(), e.SessionTroubled(EventId("x"), "model_overloaded_error", e.Retry.EXHAUSTED))

    assert not state.has_ended


def test_a_refused_credential_names_the_service_once_and_goes_on():
    trouble = e.SessionTroubled(EventId("x"), "mcp_authentication_failed_error", e.Retry.RETRYING, "notes")

    state, _ = run(begun(), trouble, trouble)

    assert (state.progress.needs_reconnect, state.has_ended) == (("notes",), False)


def test_a_session_that_is_gone_ends_the_turn_even_before_it_began():
    state, _ = run(ReducerState(TURN), e.SessionGone(EventId("g")))

    assert (state.has_ended, state.progress.outcome) == (True, Outcome(OutcomeKind.SESSION_GONE))


def test_nothing_after_the_end_changes_anything():
    ended = end(begun(), Outcome(OutcomeKind.AGENTS_UNAVAILABLE))

    assert step(ended, e.TextWritten(EventId("z"), "late")) == (ended, ())


def test_the_cost_of_a_turn_is_what_the_session_cost_more_than_before():
    state, _ = run(begun(usage_base=Usage(10.0, 100, 50)), e.UsageReported(EventId("u"), 14.5, 180, 70))

    assert state.progress.usage == Usage(4.5, 80, 20)


@pytest.mark.fault("S18")
@pytest.mark.parametrize(
    ("base", "total"), [(Usage(10.0, 100, 50), 4.0), (Usage(None, 100, 50), 14.0), (Usage(10.0, 100, 50), None)]
)
def test_a_cost_that_cannot_be_the_turns_is_not_known(base, total):
    state, _ = run(begun(usage_base=base), e.UsageReported(EventId("u"), total, 180, 70))

    assert state.progress.usage.cost_cents is None


@pytest.mark.fault("S18")
@pytest.mark.parametrize("more", [e.TextWritten(EventId("w"), "More."), started(permission=e.Permission.ALLOW)])
def test_a_cost_that_was_told_before_the_last_work_is_not_the_cost(more):
    told = e.UsageReported(EventId("u"), 2.0, 10, 10)
    state, _ = run(begun(), e.TextWritten(EventId("t"), "One."), told, more)
    again, _ = run(state, e.UsageReported(EventId("v"), 5.0, 20, 20), more)

    assert (state.progress.usage.cost_cents, again.progress.usage.cost_cents) == (None, 5.0)


IDS = st.sampled_from([EventId(f"e{n}") for n in range(6)])
EVENTS = st.one_of(
    st.builds(e.TextWritten, IDS, st.text(max_size=5)),
    st.builds(e.DraftGrew, IDS, st.text(max_size=5)),
    st.builds(e.DraftBegan, IDS),
    st.builds(e.ModelRequestEnded, IDS),
    st.builds(lambda one, p: e.ToolStarted(one, call(call_id=one, permission=p)), IDS, st.sampled_from(e.Permission)),
    st.builds(e.ToolFinished, IDS, IDS, st.booleans(), st.text(max_size=5)),
    st.builds(e.DecisionEchoed, IDS, IDS, st.booleans()),
    st.builds(e.DecisionsNeeded, IDS, st.tuples(IDS)),
    st.builds(e.SessionTroubled, IDS, st.just("unknown_error"), st.sampled_from(e.Retry)),
    st.builds(e.Unrecognised, IDS, st.text(max_size=5)),
    st.builds(e.SessionIdle, IDS, st.sampled_from(["end_turn", "refusal", "?"])),
)


@given(st.lists(EVENTS, max_size=25))
def test_final_text_only_grows_and_an_end_stays(events):
    state = begun()
    for event in events:
        before = state
        state, _ = step(state, event)

        assert state.progress.text.startswith(before.progress.text)
        assert not before.has_ended or state is before
        assert state.has_ended == (state.progress.outcome is not None)


@given(st.lists(EVENTS, max_size=25))
def test_persisted_events_seen_twice_change_nothing(events):
    drafts = (e.DraftBegan, e.DraftGrew)
    once = run(begun(), *(event for event in events if not isinstance(event, drafts)))[0]
    twice_events = [copy for event in events if not isinstance(event, drafts) for copy in (event, event)]

    assert run(begun(), *twice_events)[0] == once


WRITES = [
    e.SessionStarted(EventId("s")),
    e.Thinking(EventId("k")),
    e.TextWritten(EventId("m"), "I will write it."),
    started(permission=e.Permission.UNTOLD),
    e.ModelRequestEnded(EventId("r")),
    e.DecisionsNeeded(EventId("n"), (EventId("t1"),)),
]
"""What a session does on a request, as a list tells it."""
PREVIEWS = [e.Thinking(EventId("k")), e.DraftBegan(EventId("m")), e.DraftGrew(EventId("m"), "I will")]
"""The same, as the stream that was opened meanwhile tells it after the list."""


def echoed(*, is_processed):
    return e.RequestEchoed(EventId("d"), TURN, is_processed=is_processed)


@pytest.mark.fault("D2")
@pytest.mark.parametrize(
    "events",
    [
        [echoed(is_processed=False), *WRITES, *PREVIEWS],
        [*WRITES, echoed(is_processed=False), *PREVIEWS],
        [*WRITES, echoed(is_processed=False), echoed(is_processed=True), *PREVIEWS],
        [*WRITES, echoed(is_processed=True), *PREVIEWS],
        [*WRITES, *PREVIEWS, echoed(is_processed=True)],
    ],
)
def test_what_was_done_before_the_request_was_seen_is_held_once_the_session_rests(events):
    state, actions = run(ReducerState(TURN), *events)
    if not state.progress.tasks:
        state, actions = claim(state)

    assert state.progress.text.startswith("I will")
    assert [task.state for task in state.progress.tasks] == [TaskState.HELD]
    assert any(isinstance(action, Hold) for action in actions)


@pytest.mark.fault("D2")
def test_a_session_that_is_moved_while_it_works_loses_nothing_of_what_it_said():
    moved = [
        e.SessionStarted(EventId("s2")),
        e.TextWritten(EventId("m2"), "I am back."),
        e.SessionIdle(EventId("i"), "end_turn"),
    ]

    state, _ = claim(run(ReducerState(TURN), *WRITES[:3], *moved, echoed(is_processed=False), *PREVIEWS)[0])

    assert state.progress.text == "I will write it.\n\nI am back."
    assert state.has_ended


REPORTS = [e.ModelRequestEnded(EventId("r")), e.UsageReported(EventId("u"), 2.0, 3000, 28)]
"""What says that work has ended, and comes on its own way: before the idle that it belongs to, or after it."""
DECIDED = [e.DecisionEchoed(EventId("e"), EventId("t0"), is_allowed=True)]
"""A decision of an older turn, which is told again once the session says when it took it up."""
ANSWERED = [
    e.SessionStarted(EventId("s")),
    e.Thinking(EventId("k")),
    e.TextWritten(EventId("m"), "Done."),
    e.SessionIdle(EventId("i"), "end_turn"),
]


@pytest.mark.fault("D2")
@pytest.mark.parametrize("echo_at", range(len(ANSWERED) + 1))
@pytest.mark.parametrize("late", [REPORTS[:1], REPORTS[1:], REPORTS, REPORTS[::-1], DECIDED])
def test_a_report_that_comes_after_the_answer_takes_none_away(late, echo_at):
    told = [*ANSWERED[:echo_at], echoed(is_processed=False), *ANSWERED[echo_at:], *late]

    state = run(ReducerState(TURN), *told)[0]
    if not state.has_ended:
        state, _ = claim(state)

    assert (state.progress.text, state.has_ended) == ("Done.", True)
    assert state.progress.outcome.kind is OutcomeKind.ANSWERED


@pytest.mark.fault("D2")
def test_a_report_that_comes_after_an_older_answer_does_not_make_what_follows_older():
    late = e.UsageReported(EventId("u"), 2.0, 3000, 28)
    older = [e.TextWritten(EventId("a"), "Old."), e.SessionIdle(EventId("j"), "end_turn")]

    state, _ = claim(run(ReducerState(TURN), *older, late, *ANSWERED, echoed(is_processed=False))[0])

    assert (state.progress.text, state.has_ended) == ("Done.", True)


@pytest.mark.fault("D2")
@pytest.mark.parametrize("echo_at", range(len(WRITES) + 1))
def test_an_older_decision_that_is_told_again_leaves_a_call_to_be_asked_about(echo_at):
    told = [*WRITES[:echo_at], echoed(is_processed=False), *WRITES[echo_at:], *DECIDED]

    state, actions = run(ReducerState(TURN), *told)
    if not state.progress.tasks:
        state, actions = claim(state)

    assert [task.state for task in state.progress.tasks] == [TaskState.HELD]
    assert any(isinstance(action, Hold) for action in actions)


@pytest.mark.fault("D2")
def test_an_own_decision_that_is_told_again_leaves_the_next_call_to_be_asked_about():
    decided = e.DecisionEchoed(EventId("e"), EventId("t1"), is_allowed=True)
    finished = e.ToolFinished(EventId("f"), EventId("t1"), is_error=False, text="ok")
    again = [started(call_id="t2", permission=e.Permission.UNTOLD), e.DecisionsNeeded(EventId("n2"), (EventId("t2"),))]

    state, _ = claim(
        run(ReducerState(TURN), *WRITES, decided, finished, *again, decided, echoed(is_processed=False))[0]
    )

    assert [task.state for task in state.progress.tasks] == [TaskState.DONE, TaskState.HELD]


@pytest.mark.fault("D2")
def test_an_older_interrupt_that_is_told_late_to_have_been_taken_up_stops_nothing():
    older = e.InterruptEchoed(EventId("p"), is_processed=False)
    taken_up = replace(older, is_processed=True)

    state, _ = run(ReducerState(TURN), older, echoed(is_processed=True), ANSWERED[2], taken_up, ANSWERED[3])

    assert state.progress.outcome.kind is OutcomeKind.ANSWERED


@pytest.mark.fault("D2")
def test_an_interrupt_of_a_turn_that_is_being_stopped_counts_also_if_it_was_told_before():
    ours = e.InterruptEchoed(EventId("p"), is_processed=False)
    before = stopping(run(ReducerState(TURN), ours)[0])

    state, _ = run(before, echoed(is_processed=True), replace(ours, is_processed=True), ANSWERED[3])

    assert state.progress.outcome.kind is OutcomeKind.STOPPED


@pytest.mark.fault("D2")
@pytest.mark.parametrize("is_processed", [True, False])
def test_an_older_request_that_is_told_late_to_have_been_taken_up_takes_no_answer_away(is_processed):
    """The first copy of its echo had no `processed_at`; the one that has it comes after the answer to ours."""
    older = e.RequestEchoed(EventId("b"), "trn_0", is_processed=False)
    done = [older, e.TextWritten(EventId("a"), "Old."), e.SessionIdle(EventId("i"), "end_turn")]
    ours = [
        e.SessionStarted(EventId("s")),
        e.TextWritten(EventId("n"), "New."),
        e.SessionIdle(EventId("j"), "end_turn"),
    ]

    state, _ = run(
        ReducerState(TURN), *done, *ours, replace(older, is_processed=True), echoed(is_processed=is_processed)
    )
    state, _ = claim(state)

    assert (state.progress.text, state.has_ended) == ("New.", True)


def test_what_another_request_had_done_is_not_claimed_by_one_that_was_taken_up():
    older = [e.RequestEchoed(EventId("b"), "trn_0", is_processed=True), e.TextWritten(EventId("a"), "Old.")]

    state, _ = claim(
        run(ReducerState(TURN), *older, e.SessionIdle(EventId("i"), "end_turn"), echoed(is_processed=True))[0]
    )

    assert state.progress.text == ""
