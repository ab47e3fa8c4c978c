"""A page of tasks and text, as chunks of a stream and as blocks."""

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.events import ToolCall
from bot.progress import Activity, Progress, Task, TaskState
from bot.renderers.progress import (
    Line,
    Page,
    chunks_between,
    fold,
    left_open,
    merged,
    render_page,
    render_plan_title,
    render_task,
)
from simulator.slack.blockkit import MESSAGE, parse_blocks

TITLES = {"notes": "Notes"}
STATUSES = ["pending", "in_progress", "complete", "error"]
LINES = st.builds(
    Line, st.sampled_from("abc"), st.text(min_size=1, max_size=3), st.sampled_from(STATUSES), st.just("d")
)


def a_task(state, result=""):
    return Task(ToolCall("sevt_1", "notes", "search_notes", {"query": "plan"}), state, result)


def test_each_state_has_its_title_and_status():
    lines = [render_task(a_task(state, "upstream says no"), TITLES) for state in TaskState]

    assert [(line.title, line.status, line.output) for line in lines] == snapshot(
        [
            ("Searching notes", "in_progress", ""),
            ("Asked whether to search notes", "pending", ""),
            ("Searched notes", "complete", "upstream says no"),
            ("Couldn't search notes", "error", ""),
            ("Not allowed: search notes", "error", "Denied"),
            ("Searching notes", "error", "Stopped"),
        ]
    )


def test_details_and_output_are_said_once_because_slack_appends_them():
    running, done = render_task(a_task(TaskState.RUNNING), TITLES), render_task(a_task(TaskState.DONE, "[1]"), TITLES)
    started, ended = Page("Working", (running,), "Hi "), Page("Working", (done,), "Hi there")

    assert chunks_between(Page(), started) == snapshot(
        [
            {"type": "plan_update", "title": "Working"},
            {
                "type": "task_update",
                "id": "sevt_1",
                "title": "Searching notes",
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
                "title": "Searched notes",
                "status": "complete",
                "output": "1 result",
            },
            {"type": "markdown_text", "text": "there"},
        ]
    )
    assert chunks_between(ended, ended) == []


def test_text_that_was_sent_cannot_be_taken_back():
    assert chunks_between(Page(text="Hello"), Page(text="Hallo")) is None


@given(before=st.lists(LINES, max_size=3), after=st.lists(LINES, max_size=3))
def test_once_sent_nothing_is_left_to_send(before, after):
    sent = merged(Page(), Page("Working", tuple({line.id: line for line in before}.values())))
    wanted = Page("Working", tuple({line.id: line for line in after}.values()))

    assert chunks_between(merged(sent, wanted), wanted) == []


def test_many_tasks_share_a_line_the_later_ones_in_a_stream_and_the_earlier_ones_elsewhere():
    lines = tuple(Line(f"t{number}", f"Step {number}", "complete") for number in range(60))

    streamed, posted = fold(lines, is_stream=True), fold(lines, is_stream=False)
    assert (len(streamed), streamed[-1].title) == (45, "16 more steps")
    assert (len(posted), posted[0].title) == (45, "16 earlier steps")
    assert fold(lines[:44], is_stream=True) == lines[:44]


def test_what_still_runs_is_named_on_the_shared_line():
    lines = tuple(Line(f"t{number}", f"Step {number}", "in_progress") for number in range(60))

    assert fold(lines, is_stream=True)[-1] == Line("folded", "16 more steps · Step 59", "in_progress")


def test_a_page_as_a_message_is_one_that_slack_takes():
    lines = tuple(render_task(a_task(state, "x"), TITLES) for state in TaskState)[:1]
    message = render_page(Page("Working", lines, "Hello **there**"))

    assert [block["type"] for block in parse_blocks(list(message.blocks), MESSAGE)] == ["plan", "markdown"]
    assert message.text == "Hello **there**"
    assert parse_blocks(list(render_page(Page()).blocks), MESSAGE)


def test_nothing_spins_in_a_message_that_has_ended():
    lines = (Line("a", "A", "in_progress"), Line("b", "B", "error"))

    assert [line.status for line in left_open(lines)] == ["pending", "error"]


def test_the_plan_says_what_is_going_on():
    assert {render_plan_title(Progress(activity=activity), TITLES) for activity in Activity} == snapshot(
        {"Starting", "Claude is busy, trying again", "Thinking", "Working", "Asked for a decision", "Writing"}
    )
    assert render_plan_title(Progress(needs_reconnect=("notes",)), TITLES) == "Notes needs a reconnect"
