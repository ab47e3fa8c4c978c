"""What stands around an answer."""

import pytest

from bot.model.events import ToolCall
from bot.model.notices import Offered, Readers
from bot.model.progress import MAY_BE_TRIED_AGAIN, Outcome, OutcomeKind, Progress, Task, TaskState, Usage
from bot.renderers.answer_frame import render_control, render_footer, render_root, render_worked
from simulator.slack.blockkit import MESSAGE, parse_blocks
from simulator.slack.messages import interpreted_texts, mentions_in
from tests.builders import a_member, a_thread, a_turn

TITLES = {"notes": "Notes", "notion": "Notion"}
ALICE = a_member("U0ALICE", name="Alice")
STEPS = tuple(Task(ToolCall(f"sevt_{n}", "notes", "search", {}), TaskState.DONE) for n in range(3))


def texts(blocks):
    return [element["text"] for block in blocks for element in block.get("elements", []) if "text" in element]


def test_the_root_says_who_asked_what_and_as_whom_the_agent_acts():
    message = render_root(a_thread(ALICE), "find *it* <!channel>", Offered(("notes", "notion"), ("github",)), TITLES)

    assert message.text == "Somebody asked: find *it* &lt;!channel&gt;"
    assert message.blocks[0]["text"]["text"] == "*<@U0ALICE>* asked:"
    assert message.blocks[1]["elements"][0]["elements"][0]["text"] == "find *it* <!channel>"
    assert texts([block for block in message.blocks if block["type"] == "context"]) == [
        "Acts as <@U0ALICE> · Notes, Notion · readable by everyone here",
        "Not connected, so not used: Github",
    ]


@pytest.mark.parametrize("count", range(6))
def test_slack_takes_a_root_whatever_number_of_services_is_missing(count):
    message = render_root(a_thread(ALICE), "find it", Offered((), tuple(f"service{n}" for n in range(count))), TITLES)

    assert parse_blocks(list(message.blocks), MESSAGE)


@pytest.mark.fault("S13")
def test_a_root_of_any_words_notifies_its_owner_only():
    hostile = a_member(name="<@U1> <!here>")
    message = render_root(
        a_thread(hostile),
        "<@U1> " * 2_000,
        Offered(("<!channel>",), ("<@U2>",), ("<@U3>",)),
        {},
        Readers(9, True, ("<!here>",)),
    )

    assert parse_blocks(list(message.blocks), MESSAGE)
    assert set(mentions_in([message.text, *interpreted_texts(list(message.blocks))])) == {hostile.user_id}


@pytest.mark.fault("S13")
def test_nobody_is_named_by_a_name_that_they_chose():
    mallory = a_thread(a_member("U0MAL", name="Alice Adler, CEO"))
    turn = a_turn(mallory, id="trn_1")
    shown = [
        render_root(mallory, "find it", Offered(), TITLES),
        render_control(turn, is_queued=False, readers=Readers()),
        render_footer(turn, Progress(text="Done."), 90.0, is_mentioned=True),
    ]

    assert "Alice Adler" not in repr(shown)
    assert all("<@U0MAL>" in repr(one) for one in shown)


def test_only_the_owner_sees_stop():
    turn = a_turn(a_thread(ALICE), id="trn_1")

    for is_queued in (True, False):
        [stop] = render_control(turn, is_queued=is_queued).blocks[1]["elements"]
        assert (stop["action_id"], stop["value"], stop["visible_to_user_ids"]) == ("turn.stop", "trn_1", ["U0ALICE"])


@pytest.mark.parametrize(
    ("cents", "seconds", "words"),
    [
        (4.2, 12, "AI-generated, check important details · 3 steps · 12 s · $0.04"),
        (0.2, 0.3, "AI-generated, check important details · 3 steps · 1 s · under $0.01"),
        (None, 125, "AI-generated, check important details · 3 steps · 2 min 5 s"),
    ],
)
def test_the_footer_says_steps_time_and_cost(cents, seconds, words):
    blocks = render_footer(a_turn(), Progress(text="Hi", tasks=STEPS, usage=Usage(cents)), seconds)

    assert texts(blocks)[0] == words
    assert parse_blocks(list(blocks), MESSAGE)


def test_feedback_carries_the_turn():
    [*_, feedback] = render_footer(a_turn(id="trn_1"), Progress(text="Hi"), 1)

    [buttons] = feedback["elements"]
    assert buttons["positive_button"]["value"] == "trn_1:good"
    assert buttons["negative_button"]["value"] == "trn_1:bad"


@pytest.mark.parametrize(
    ("detail", "is_offered"),
    [(None, True), ("mcp_connection_failed_error", True), ("model_request_failed_error", False)],
)
def test_another_try_is_offered_where_it_may_go_better(detail, is_offered):
    outcome = Outcome(OutcomeKind.RETRIES_EXHAUSTED, detail=detail)

    assert ("Try Again" in str(render_footer(a_turn(), Progress(outcome=outcome), 1))) is is_offered


@pytest.mark.parametrize("kind", OutcomeKind)
def test_every_outcome_is_shown_and_none_quotes_markup(kind):
    blocks = render_footer(a_turn(), Progress(outcome=Outcome(kind, detail="<!channel>`x`")), 1)

    assert parse_blocks(list(blocks), MESSAGE)
    assert mentions_in(list(interpreted_texts(list(blocks)))) == []
    assert len(blocks) == 1 + (kind is not OutcomeKind.ANSWERED) + (kind in MAY_BE_TRIED_AGAIN)


def test_a_stopped_turn_does_not_claim_to_have_worked():
    assert render_worked(Progress(outcome=Outcome(OutcomeKind.STOPPED)), 5) == "Stopped"
    assert render_worked(Progress(tasks=STEPS), 42) == "Worked for 42 s · 3 steps"


@pytest.mark.parametrize(
    ("readers", "words"),
    [
        (Readers(), "readable by everyone here"),
        (Readers(1), "readable by everyone here"),
        (Readers(1_234), "readable by everyone here (1,234 people)"),
        (Readers(12, is_shared=True), "*readable by everyone here (12 people), also at another organisation*"),
        (Readers(12, True, ("Acme", "B & C")), "*readable by everyone here (12 people), also at Acme, B &amp; C*"),
    ],
)
def test_the_root_warns_of_who_reads_along(readers, words):
    message = render_root(a_thread(ALICE), "find it", Offered(), TITLES, readers)

    assert message.blocks[2]["elements"][0]["text"].endswith(f" · {words}")


def test_in_private_nobody_else_reads():
    message = render_root(a_thread(ALICE, is_private=True), "find it", Offered(), TITLES)

    assert message.blocks[2]["elements"][0]["text"].endswith(" · only you can read this")


def test_what_is_not_used_where_others_read_is_named():
    message = render_root(a_thread(ALICE), "find it", Offered(withheld=("notes",)), TITLES)

    assert "Not used where others read along: Notes" in str(message.blocks)
