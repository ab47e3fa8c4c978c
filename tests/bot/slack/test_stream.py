"""An answer reaches Slack once, in order and whole, whatever fails."""

from bot.events import ToolCall
from bot.progress import Activity, Outcome, OutcomeKind, Progress, Task, TaskState, Usage

DONE = Outcome(OutcomeKind.ANSWERED)


def a_task(state=TaskState.RUNNING, id="sevt_1", name="search_notes", result=""):
    return Task(ToolCall(id, "notes", name, {"query": "roadmap"}), state, result)


async def shown(answer, progress, desk, times=40):
    """Call `show` as the turn's loop does, until only a stream's age is due."""
    for _ in range(times):
        delay = await answer.show(progress)
        if delay is None or delay > 60:
            return
        desk.slack.clock.advance(delay)
    raise AssertionError("never settles")


def whole(desk, thread):
    """Everything of the answer that people read, footers aside."""
    texts = []
    for message in desk.replies(thread):
        if message.markdown and not any(block["type"] == "markdown" for block in message.blocks):
            texts.append(message.markdown)
        texts += [block["text"] for block in message.blocks if block["type"] == "markdown"]
    return "".join(texts)


async def test_an_answer_is_streamed_and_finished_in_one_message(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    await shown(answer, Progress(tasks=(a_task(),), activity=Activity.WORKING), desk)
    await shown(answer, Progress(tasks=(a_task(TaskState.DONE, result='["a", "b"]'),), draft="Hello "), desk)
    await shown(answer, Progress(tasks=(a_task(TaskState.DONE, result='["a", "b"]'),), draft="Hello there"), desk)
    await answer.finish(
        Progress(
            text="Hello there.", tasks=(a_task(TaskState.DONE, result='["a", "b"]'),), usage=Usage(4.2), outcome=DONE
        )
    )

    [message] = desk.replies(thread)
    assert message.streaming_state == "completed"
    assert message.markdown == "Hello there."
    [task] = message.tasks.values()
    assert (task["title"], task["status"]) == ("Searched notes", "complete")
    assert (task["details"], task["output"]) == ("roadmap", "2 results")
    assert "AI-generated, check important details · 1 step · " in desk.slack.text_of(message)
    assert "$0.04" in desk.slack.text_of(message)
    assert message.metadata["event_payload"]["id"] == turn.id
