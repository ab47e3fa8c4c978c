"""A page of tasks and text, as chunks of a stream and as blocks."""

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.model.events import ToolCall
from bot.model.progress import Activity, Progress, Task, TaskState
from bot.renderers import slack_limits
from bot.renderers.answer_page import (
    AnswerPage,
    TaskLine,
    chunks_between,
    fold,
    fold_stream,
    left_open,
    merged,
    render_page,
    render_plan_title,
    render_task,
    weigh_lines,
)
from simulator.slack.blockkit import MESSAGE, parse_blocks

TITLES = {"notes": "Notes"}
STATUSES = ["pending", "in_progress", "complete", "error"]
LINES = st.builds(
    TaskLine, st.sampled_from("abc"), st.text(min_size=1, max_size=3), st.sampled_from(STATUSES), st.just("d")
)


def a_task(state, result=""):
    return Task(ToolCall("sevt_1", "notes", "search_notes", {"query": "plan"}), state, result)


def test_each_state_has_its_title_and_status():
    lines = [render_task(a_task(state, "upstream says no"), TITLES) for state in TaskState]

    assert [(line.title, line.status, line.output) for line in lines] == snapshot(
        [
            ("Using search_notes in Notes", "in_progress", ""),
            ("Asked whether to use search_notes in Notes", "pending", ""),
            ("Used search_notes in Notes", "complete", "upstream says no"),
            ("Couldn't use search_notes in Notes", "error", ""),
            ("Not allowed: use search_notes in Notes", "error", "Denied"),
            ("Using search_notes in Notes", "error", "Stopped"),
        ]
    )


def test_details_and_output_are_said_once_because_slack_appends_them():
    running, done = render_task(a_task(TaskState.RUNNING), TITLES), render_task(a_task(TaskState.DONE, "[1]"), TITLES)
    started, ended = AnswerPage("Working", (running,), "Hi "), AnswerPage("Working", (done,), "Hi there")

    assert chunks_between(AnswerPage(), started) == snapshot(
        [
            {"type": "plan_update", "title": "Working"},
            {
                "type": "task_update",
                "id": "sevt_1",
                "title": "Using search_notes in Notes",
                "status": "in_progress",
                "details": "plan",
            },
            {"type": "markdown_text", "text": "Hi "},
        ]
    )
    assert chunks_between(started, ended) == snapshot(
        [
            {
                "type": "task_update",
                "id": "sevt_1",
                "title": "Used search_notes in Notes",
                "status": "complete",
                "output": "1 result",
            },
            {"type": "markdown_text", "text": "there"},
        ]
    )
    assert chunks_between(ended, ended) == []


def test_text_that_was_sent_cannot_be_taken_back():
    assert chunks_between(AnswerPage(text="Hello"), AnswerPage(text="Hallo")) is None


@given(before=st.lists(LINES, max_size=3), after=st.lists(LINES, max_size=3))
def test_once_sent_nothing_is_left_to_send(before, after):
    sent = merged(AnswerPage(), AnswerPage("Working", tuple({line.id: line for line in before}.values())))
    wanted = AnswerPage("Working", tuple({line.id: line for line in after}.values()))

    assert chunks_between(merged(sent, wanted), wanted) == []


def test_many_tasks_share_a_line_the_later_ones_in_a_stream_and_the_earlier_ones_elsewhere():
    lines = tuple(TaskLine(f"t{number}", f"Step {number}", "complete") for number in range(60))

    streamed, posted = fold_stream(lines, AnswerPage()), fold(lines)
    assert (len(streamed), streamed[-1].title) == (45, "16 more steps")
    assert (len(posted), posted[0].title) == (45, "16 earlier steps")
    assert fold_stream(lines[:44], AnswerPage()) == fold(lines[:44]) == lines[:44]


WORDY = st.builds(
    lambda title, details, output, status: (title, details, output, status),
    st.text("a漢", min_size=1, max_size=256),
    st.text("b🚀", max_size=100),
    st.text("c", max_size=120),
    st.sampled_from(STATUSES),
)


def as_lines(given_lines):
    return tuple(TaskLine(f"t{number}", *texts[:1], texts[3], *texts[1:3]) for number, texts in enumerate(given_lines))


@given(st.lists(WORDY, max_size=70), st.integers(-500, slack_limits.PLAN_BYTES_MAX))
def test_tasks_fit_into_their_room_whatever_they_say(given_lines, room):
    lines = as_lines(given_lines)
    most = max(room, slack_limits.FOLDED_BYTES)

    for shown in (fold(lines, room), fold_stream(lines, AnswerPage(), room)):
        assert len(shown) <= slack_limits.PLAN_TASKS_MAX
        assert weigh_lines(line for line in shown if line.id != "folded") <= most
        named = sum(line.id != "folded" for line in shown)
        assert named == len(lines) or f"{len(lines) - named} " in next(x.title for x in shown if x.id == "folded")


@given(st.lists(WORDY, min_size=1, max_size=70), st.data())
def test_a_stream_keeps_what_it_shows_and_stays_within_its_room(given_lines, data):
    lines, sent, room = as_lines(given_lines), AnswerPage(), slack_limits.PLAN_BYTES_MAX
    for known in sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=8))):
        room -= data.draw(st.integers(0, 400))
        before, shown = weigh_lines(sent.lines), fold_stream(lines[:known], sent, room)
        assert {line.id for line in sent.lines} <= {line.id for line in shown}
        sent = merged(sent, AnswerPage("Working", shown))
        assert len(sent.lines) <= slack_limits.PLAN_TASKS_MAX
        assert weigh_lines(sent.lines) <= max(room, before + 256 * 3)


def test_what_still_runs_is_named_on_the_shared_line():
    lines = tuple(TaskLine(f"t{number}", f"Step {number}", "in_progress") for number in range(60))

    assert fold_stream(lines, AnswerPage())[-1] == TaskLine("folded", "16 more steps · Step 59", "in_progress")


def test_a_page_as_a_message_is_one_that_slack_takes():
    lines = tuple(render_task(a_task(state, "x"), TITLES) for state in TaskState)[:1]
    message = render_page(AnswerPage("Working", lines, "Hello **there**"))

    assert [block["type"] for block in parse_blocks(list(message.blocks), MESSAGE)] == ["plan", "markdown"]
    assert message.text == "Hello **there**"
    assert parse_blocks(list(render_page(AnswerPage()).blocks), MESSAGE)


def test_nothing_spins_in_a_message_that_has_ended():
    lines = (TaskLine("a", "A", "in_progress"), TaskLine("b", "B", "error"))

    assert [line.status for line in left_open(lines)] == ["pending", "error"]


def test_the_plan_says_what_is_going_on():
    assert {render_plan_title(Progress(activity=activity), TITLES) for activity in Activity} == snapshot(
        {"Starting", "Claude is busy, trying again", "Thinking", "Working", "Asked for a decision", "Writing"}
    )
    assert render_plan_title(Progress(needs_reconnect=("notes",)), TITLES) == "Notes needs a reconnect"
