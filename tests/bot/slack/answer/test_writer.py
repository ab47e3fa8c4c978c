"""An answer reaches Slack once, in order and whole, whatever fails."""

import asyncio
import random
import re
from dataclasses import replace

import pytest

from bot.model.errors import MessageTooLong, SlackRejected, SlackUnavailable
from bot.model.events import ToolCall
from bot.model.progress import Activity, Outcome, OutcomeKind, Progress, Task, TaskState, Usage
from bot.renderers import slack_limits
from bot.renderers.safe_markdown import safe_markdown
from simulator.patience import patience
from store import segments

DONE = Outcome(OutcomeKind.ANSWERED)
WORDS = "one two three four five six seven eight nine ten eleven twelve"


def a_task(state=TaskState.RUNNING, number=1, name="search_notes", result=""):
    return Task(ToolCall(f"sevt_{number}", "notes", name, {"query": f"roadmap {number}"}), state, result)


async def shown(answer, progress, desk, times=60):
    """Call `show` as the turn's loop does, until only a stream's age is due."""
    for _ in range(times):
        delay = await answer.show(progress)
        if delay is None or delay > 60:
            return
        desk.slack.clock.advance(delay)
    raise AssertionError("never settles")


async def written(answer, words, desk, **changes):
    """Write words one by one, as an agent does."""
    text = ""
    for word in words.split(" "):
        text = f"{text} {word}".strip()
        await shown(answer, Progress(draft=text, **changes), desk)
        desk.slack.clock.advance(1.1)
    return text


def text_in(message):
    blocks = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    return "".join(blocks) or message.markdown


def tasks_in(message):
    plans = [block["tasks"] for block in message.blocks if block["type"] == "plan"]
    return [task["title"] for task in (plans[0] if plans else message.tasks.values())]


def whole(desk, thread):
    """The answer as people read it, its messages after each other."""
    return "".join(text_in(message) for message in desk.replies(thread))


def footers(desk, thread):
    return sum("AI-generated" in desk.slack.text_of(message) for message in desk.replies(thread))


async def rows_of(desk, turn):
    async with desk.database.transaction() as tx:
        return await segments.list_for(tx, turn.id)


async def assert_all_is_well(desk, thread, turn, text):
    """What holds after every end: the text once, one footer, nothing open, nothing broken."""
    assert whole(desk, thread) == text
    assert footers(desk, thread) == 1
    assert not any(message.is_open_stream for message in desk.replies(thread))
    assert desk.slack.broken_streams == []
    assert "streaming_state_conflict" not in {call.error for call in desk.slack.calls}
    assert not any(row.is_open for row in await rows_of(desk, turn))


async def test_an_answer_is_streamed_and_finished_in_one_message(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    found = a_task(TaskState.DONE, result='["a", "b"]')

    await shown(answer, Progress(tasks=(a_task(),), activity=Activity.WORKING), desk)
    await shown(answer, Progress(tasks=(found,), draft="Hello "), desk)
    await shown(answer, Progress(tasks=(found,), draft="Hello there"), desk)
    await answer.finish(Progress(text="Hello there.", tasks=(found,), usage=Usage(4.2), outcome=DONE))

    [message] = desk.replies(thread)
    [task] = message.tasks.values()
    assert (task["title"], task["status"]) == ("Used search_notes in Notes", "complete")
    assert (task["details"], task["output"]) == ("roadmap 1", "2 results")
    assert "AI-generated, check important details · 1 step · " in desk.slack.text_of(message)
    assert "$0.04" in desk.slack.text_of(message)
    assert message.metadata["event_payload"]["id"] == turn.id
    await assert_all_is_well(desk, thread, turn, "Hello there.")


async def test_the_status_is_set_before_the_stream_and_names_who_asked(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    await shown(answer, Progress(draft="Hello there"), desk)

    beside = {"chat.postMessage", "conversations.info"}
    methods = [call.method for call in desk.slack.calls if call.method not in beside]
    assert methods == ["agents.sessions.setStatus", "chat.startStream"]
    [status] = desk.slack.calls_of("agents.sessions.setStatus")
    assert status.args["initiator_user_id"] == desk.slack.alice
    [start] = desk.slack.calls_of("chat.startStream")
    assert start.args["recipient_user_id"] == desk.slack.alice
    assert start.args["recipient_team_id"] == desk.slack.team_id


async def test_nothing_to_show_opens_no_stream(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    assert await answer.show(Progress(activity=Activity.THINKING)) is None

    assert desk.replies(thread) == []


async def test_words_that_come_quickly_are_sent_together(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    for count in range(1, 100):
        await answer.show(Progress(draft="word " * count))
    await answer.finish(Progress(text="word " * 100, outcome=DONE))

    assert len(desk.slack.calls_of("chat.appendStream")) <= 2
    await assert_all_is_well(desk, thread, turn, "word " * 100)


FAULTS = [
    ("chat.startStream", "timeout_after"),
    ("chat.startStream", "connection_error_after"),
    ("chat.startStream", "connection_error_before"),
    ("chat.startStream", "status_500"),
    ("chat.startStream", "ratelimited"),
    ("chat.appendStream", "connection_error_before"),
    ("chat.appendStream", "connection_error_after"),
    ("chat.appendStream", "status_500"),
    ("chat.appendStream", "status_500_after"),
    ("chat.appendStream", "ratelimited"),
    ("chat.appendStream", "malformed"),
    ("chat.appendStream", "error"),
    ("chat.stopStream", "connection_error_before"),
    ("chat.stopStream", "connection_error_after"),
    ("chat.stopStream", "status_500_after"),
    ("chat.stopStream", "ratelimited"),
    ("agents.sessions.setStatus", "status_500"),
]


@pytest.mark.parametrize(("method", "kind"), [fault for fault in FAULTS if "timeout" not in fault[1]])
async def test_a_call_that_fails_loses_and_doubles_nothing(desk, method, kind):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    desk.slack.faults.add(method, kind=kind)

    text = await written(answer, WORDS, desk)
    await answer.finish(Progress(text=text, outcome=DONE))

    await assert_all_is_well(desk, thread, turn, WORDS)


@pytest.mark.parametrize("nth", range(1, 9))
@pytest.mark.parametrize("kind", ["connection_error_after", "connection_error_before"])
async def test_any_call_may_fail_and_the_answer_is_whole(desk, nth, kind):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    desk.slack.faults.add("*", nth, kind)

    text = await written(answer, WORDS, desk, tasks=(a_task(TaskState.DONE),))
    await answer.pause(Progress(text=text, tasks=(a_task(TaskState.DONE),), activity=Activity.WAITING))
    await answer.finish(Progress(text=text + " end", tasks=(a_task(TaskState.DONE),), outcome=DONE))

    await assert_all_is_well(desk, thread, turn, WORDS + " end")
    assert sum(tasks_in(message).count("Used search_notes in Notes") for message in desk.replies(thread)) == 1


async def test_a_stream_is_ended_before_slack_ends_it(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    text = ""

    for count in range(70):
        text += f"word{count} "
        await shown(answer, Progress(draft=text, tasks=(a_task(),)), desk)
        desk.slack.clock.advance(10)
    await answer.finish(Progress(text=text, tasks=(a_task(TaskState.DONE),), outcome=DONE))

    assert len(desk.replies(thread)) == 4
    stops = [call.args["session_status"] for call in desk.slack.calls_of("chat.stopStream")]
    assert stops == ["processing", "processing", "processing", "active"]
    assert desk.slack.calls_of("chat.update") == []
    states = [task["status"] for message in desk.replies(thread) for task in message.tasks.values()]
    assert states == ["pending", "pending", "pending", "complete"]
    await assert_all_is_well(desk, thread, turn, text)


async def test_a_stream_that_slack_ended_is_told_whole_all_the_same(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    await shown(answer, Progress(draft="Hello there "), desk)

    desk.slack.clock.advance(400)
    await desk.slack.until(lambda workspace: workspace.broken_streams())
    await answer.finish(Progress(text="Hello there my friend", outcome=DONE))

    await assert_all_is_well(desk, thread, turn, "Hello there my friend")


async def test_after_a_stream_that_slack_ended_new_words_go_on_in_a_new_message(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    await shown(answer, Progress(draft="Hello there "), desk)
    desk.slack.clock.advance(230)
    desk.slack.faults.add("chat.appendStream", error="message_not_in_streaming_state")

    await shown(answer, Progress(draft="Hello there my friend, "), desk)
    await shown(answer, Progress(draft="Hello there my friend, how are you"), desk)
    await answer.finish(Progress(text="Hello there my friend, how are you?", outcome=DONE))

    assert len(desk.replies(thread)) == 2
    await assert_all_is_well(desk, thread, turn, "Hello there my friend, how are you?")


async def test_after_a_person_stopped_the_stream_nothing_more_is_said(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    await shown(answer, Progress(draft="Hello there "), desk)
    desk.slack.faults.add("chat.appendStream", error="stopped_by_user")

    desk.slack.clock.advance(2)
    assert await answer.show(Progress(draft="Hello there my friend and ")) is None
    await answer.finish(Progress(text="Hello there my friend and more", outcome=Outcome(OutcomeKind.STOPPED)))

    assert whole(desk, thread).strip() == "Hello"
    assert len(desk.replies(thread)) == 1
    assert not any(row.is_open for row in await rows_of(desk, turn))


async def test_no_stream_is_open_while_people_are_waited_for(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    held = a_task(TaskState.HELD, 2, "write_note")

    await shown(answer, Progress(draft="I will write it"), desk)
    await answer.pause(Progress(text="I will write it.", tasks=(held,), activity=Activity.WAITING))
    [first] = desk.replies(thread)
    assert first.streaming_state == "completed"
    assert desk.slack.calls_of("chat.stopStream")[-1].args["session_status"] == "suspended"
    await shown(answer, Progress(text="I will write it.", tasks=(a_task(TaskState.DONE, 2, "write_note"),)), desk)
    await answer.finish(
        Progress(text="I will write it. Done!", tasks=(a_task(TaskState.DONE, 2, "write_note"),), outcome=DONE)
    )

    assert [task["title"] for task in first.tasks.values()] == ["Asked whether to use write_note in Notes"]
    await assert_all_is_well(desk, thread, turn, "I will write it. Done!")


async def test_a_final_text_that_differs_from_its_preview_replaces_it(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    await written(answer, "The answer is probably forty one", desk)
    await shown(answer, Progress(text="The answer is 42, certainly. ", draft="More"), desk)
    await answer.finish(Progress(text="The answer is 42, certainly. More follows.", outcome=DONE))

    await assert_all_is_well(desk, thread, turn, "The answer is 42, certainly. More follows.")


async def test_a_preview_that_differs_in_a_message_that_has_ended_is_replaced_too(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    await shown(answer, Progress(draft="A guess at first. "), desk)
    await answer.pause(Progress(draft="A guess at first. "))
    await answer.finish(Progress(text="A fact. And more words after it.", outcome=DONE))

    await assert_all_is_well(desk, thread, turn, "A fact. And more words after it.")


async def test_a_long_answer_is_told_in_several_messages_with_nothing_missing(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    text = "".join(f"Sentence number {number} is here. \n\n" for number in range(900))

    for end in range(0, len(text), 5_000):
        await shown(answer, Progress(draft=text[:end]), desk)
    await answer.finish(Progress(text=text, outcome=DONE))

    assert all(len(text_in(message)) <= 12_000 for message in desk.replies(thread))
    await assert_all_is_well(desk, thread, turn, text)


async def test_many_steps_share_a_line(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    for count in range(1, 60):
        await shown(answer, Progress(tasks=tuple(a_task(TaskState.DONE, number) for number in range(count))), desk)
    await answer.finish(Progress(text="Done.", tasks=tuple(a_task(TaskState.DONE, n) for n in range(59)), outcome=DONE))

    [message] = desk.replies(thread)
    assert len(message.tasks) == 45
    assert message.tasks["folded"]["title"] == "15 more steps"


def wordy(number, state=TaskState.DONE):
    """A task that says as much as one can, in letters of three bytes."""
    call = ToolCall(f"sevt_{number}", "notes", "search_notes", {"query": "漢" * 300})
    return Task(call, state, "字" * 300)


@pytest.mark.parametrize("word", ["word ", "漢字かな ", "🚀🚀 "])
@pytest.mark.parametrize("is_streamed", [True, False])
async def test_much_text_below_many_tasks_stays_within_what_slack_takes(desk, word, is_streamed):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    if not is_streamed:
        desk.slack.faults.add("chat.startStream", error="unknown_method", times=50)
    text, tasks = "", ()

    for number in range(24):
        text, tasks = text + word * 150, (*tasks, wordy(number, TaskState.RUNNING), wordy(number + 100))
        await shown(answer, Progress(draft=text, tasks=tasks), desk)
        tasks = tuple(replace(task, state=TaskState.DONE) for task in tasks)
        desk.slack.clock.advance(1.5)
    await answer.finish(Progress(text=text, tasks=tasks, outcome=DONE))

    assert "msg_too_long" not in {call.error for call in desk.slack.calls}
    assert all(
        slack_limits.size(text_in(message)) <= slack_limits.MESSAGE_BYTES_MAX for message in desk.replies(thread)
    )
    await assert_all_is_well(desk, thread, turn, text)


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize(
    "method", ["chat.startStream", "chat.appendStream", "chat.stopStream", "chat.postMessage", "chat.update"]
)
async def test_a_message_that_slack_calls_too_long_is_cut_anew(desk, method, times):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    if method in {"chat.postMessage", "chat.update"}:
        desk.slack.faults.add("chat.startStream", error="unknown_method", times=50)
    desk.slack.faults.add(method, error="msg_too_long", times=times)
    text = "".join(f"Sentence number {number} is here. " for number in range(400)).strip()
    tasks = tuple(a_task(TaskState.DONE, number) for number in range(3))

    await shown(answer, Progress(draft=text[:3_000], tasks=tasks), desk)
    desk.slack.clock.advance(4)
    await shown(answer, Progress(draft=text[:6_000], tasks=tasks), desk)
    await answer.finish(Progress(text=text, tasks=tasks, outcome=DONE))

    assert "msg_too_long" in {call.error for call in desk.slack.calls}
    await assert_all_is_well(desk, thread, turn, text)


async def test_a_message_that_is_too_long_however_little_it_holds_is_an_error(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    desk.slack.faults.add("chat.startStream", error="unknown_method", times=50)
    desk.slack.faults.add("chat.postMessage", error="msg_too_long", times=50)

    with pytest.raises(MessageTooLong):
        await answer.finish(Progress(text="Hello", outcome=DONE))


@pytest.mark.parametrize("code", ["unknown_method", "missing_scope", "channel_type_not_supported"])
async def test_where_nothing_can_be_streamed_a_message_is_edited(desk, code):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    desk.slack.faults.add("chat.startStream", error=code, times=50)

    text = await written(answer, WORDS, desk, tasks=(a_task(TaskState.DONE),))
    await answer.finish(Progress(text=text, tasks=(a_task(TaskState.DONE),), outcome=DONE))

    [message] = desk.replies(thread)
    assert message.blocks[0]["type"] == "plan"
    assert len(desk.slack.calls_of("chat.startStream")) == 1
    await assert_all_is_well(desk, thread, turn, WORDS)


async def test_an_edited_message_is_written_at_most_every_three_seconds(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    desk.slack.faults.add("chat.startStream", error="unknown_method", times=50)

    await shown(answer, Progress(draft="one two"), desk)
    assert 2 < await answer.show(Progress(draft="one two three")) <= 3
    assert desk.slack.calls_of("chat.update") == []


async def test_what_a_workspace_cannot_do_is_not_tried_again_for_five_minutes(desk):
    desk.slack.faults.add("chat.startStream", error="unknown_method", times=1)
    for _ in range(2):
        thread, turn = await desk.a_turn()
        answer = await desk.screen.open_answer(thread, turn)
        await shown(answer, Progress(draft="one two"), desk)
        await answer.finish(Progress(text="one two", outcome=DONE))

    assert len(desk.slack.calls_of("chat.startStream")) == 1


async def test_many_answers_at_once_keep_within_slacks_rates(desk):
    desk.slack.enforce_rate_limits = True
    for _ in range(30):
        thread, turn = await desk.a_turn()
        answer = await desk.screen.open_answer(thread, turn)
        await shown(answer, Progress(draft="one two"), desk)
        await answer.finish(Progress(text="one two three", outcome=DONE))
        await assert_all_is_well(desk, thread, turn, "one two three")

    assert [call.method for call in desk.slack.calls if call.error == "ratelimited"] == []


# Restarts


@pytest.mark.parametrize("stage", range(1, 8))
async def test_a_new_process_takes_up_the_answer_where_the_old_one_left_it(desk, stage):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    words = WORDS.split(" ")
    await written(answer, " ".join(words[:stage]), desk, tasks=(a_task(),))

    after = desk.restarted()
    answer = await after.screen.open_answer(thread, turn)
    assert not any(message.is_open_stream for message in desk.replies(thread))
    await shown(answer, Progress(draft=" ".join(words[: stage + 2]), tasks=(a_task(),)), desk)
    await answer.finish(Progress(text=WORDS, tasks=(a_task(TaskState.DONE),), outcome=DONE))

    await assert_all_is_well(desk, thread, turn, WORDS)


async def killed_during(desk, method, act):
    """Let a process die after Slack carried out its call and before it learns of that."""
    before = len(desk.slack.calls_of(method, ok=True))
    desk.slack.latency_after[method] = 10
    dying = asyncio.ensure_future(act)
    async with patience():
        while len(desk.slack.calls_of(method, ok=True)) == before:  # noqa: ASYNC110 - see below
            await asyncio.sleep(0)  # a turn of the loop: the simulator has no event for what it has carried out
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    desk.slack.latency_after.clear()


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream", "chat.postMessage"])
async def test_a_process_that_dies_during_a_call_leaves_nothing_lost_or_doubled(desk, method):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    whole_of_it = Progress(text=WORDS, tasks=(a_task(TaskState.DONE),), outcome=DONE)
    if method in {"chat.appendStream", "chat.stopStream"}:
        await shown(answer, Progress(draft="one two three", tasks=(a_task(),)), desk)
        desk.slack.clock.advance(2)

    is_ending = method in {"chat.stopStream", "chat.postMessage"}
    await killed_during(
        desk, method, answer.finish(whole_of_it) if is_ending else answer.show(Progress(draft="one two three four"))
    )
    answer = await desk.restarted().screen.open_answer(thread, turn)
    await answer.finish(whole_of_it)

    await assert_all_is_well(desk, thread, turn, WORDS)
    assert sum(tasks_in(message).count("Used search_notes in Notes") for message in desk.replies(thread)) == 1


KINDS = ["connection_error_before", "connection_error_after", "status_500"]
CHOICES = [
    ("write", ["a <@U1> b ", "[x](y) `c", "```\ncode\n", "end.\n\n", "long words " * 700]),
    ("task", list(TaskState)),
    ("pause", [None]),
    ("restart", [None]),
    ("wait", [0.5, 5, 130, 400]),
    ("fault", KINDS),
]


def steps_of(seed):
    chance = random.Random(seed)
    for _ in range(14):
        step, values = chance.choice(CHOICES)
        yield step, chance.choice(values)


@pytest.mark.parametrize("seed", range(15))
async def test_whatever_happens_the_answer_is_there_once_and_whole(desk, seed):
    steps = list(steps_of(seed))
    desk.slack.faults.clear()
    thread, turn = await desk.a_turn()
    at = desk.restarted()
    answer = await at.screen.open_answer(thread, turn)
    progress = Progress()

    for step, given_with in steps:
        match step:
            case "write":
                progress = replace(progress, text=progress.text + given_with, draft="")
            case "task":
                number = len(progress.tasks)
                progress = replace(progress, tasks=(*progress.tasks, a_task(given_with, number)))
            case "pause":
                await answer.pause(progress)
            case "restart":
                desk.slack.faults.clear()
                at = desk.restarted()
                answer = await at.screen.open_answer(thread, turn)
            case "wait":
                desk.slack.clock.advance(given_with)
            case "fault":
                desk.slack.faults.add("*", kind=given_with)
        desk.slack.clock.advance(await answer.show(progress) or 0)
    await answer.finish(replace(progress, draft="", outcome=DONE))

    told = "".join(text_in(message) for message in desk.replies(thread))
    assert without_space(told) == without_space(safe_markdown(progress.text))
    assert sum("AI-generated" in desk.slack.text_of(message) for message in desk.replies(thread)) == bool(progress.text)
    assert not any(message.is_open_stream for message in desk.replies(thread))
    assert not any(row.is_open for row in await rows_of(desk, turn))


def without_space(text):
    """Text without white space and markup, which the end of a message may cut: a fence is closed and opened again."""
    return re.sub(r"[\s`\[\]()]+", "", text)


async def test_a_preview_that_is_taken_back_after_a_pause_ends_the_answer_all_the_same(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    await answer.pause(Progress(draft="A long guess at first. "))

    await answer.finish(Progress(text="No.", outcome=DONE))

    await assert_all_is_well(desk, thread, turn, "No.")


async def test_a_stream_whose_start_was_never_answered_is_found_after_a_restart(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    desk.slack.faults.add("chat.startStream", kind="connection_error_after")
    desk.slack.faults.add("conversations.replies", kind="status_500", times=4)
    await answer.show(Progress(draft="Hello there "))
    assert len(desk.replies(thread)) == 1

    answer = await desk.restarted().screen.open_answer(thread, turn)
    await answer.finish(Progress(text="Hello there.", outcome=DONE))

    assert len(desk.replies(thread)) == 1
    await assert_all_is_well(desk, thread, turn, "Hello there.")


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_an_answer_that_was_finished_is_not_posted_again_by_a_new_process(desk, is_streamed):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    if is_streamed:
        await shown(answer, Progress(draft="Hello there "), desk)
    await answer.finish(Progress(text="Hello there.", outcome=DONE))
    before = len(desk.slack.calls_of("chat.postMessage")) + len(desk.slack.calls_of("chat.startStream"))

    answer = await desk.restarted().screen.open_answer(thread, turn)
    assert await answer.show(Progress(text="Hello there.")) is None
    await answer.finish(Progress(text="Hello there.", outcome=DONE))

    after = len(desk.slack.calls_of("chat.postMessage")) + len(desk.slack.calls_of("chat.startStream"))
    assert before == after
    await assert_all_is_well(desk, thread, turn, "Hello there.")


async def test_tasks_that_an_earlier_message_tells_are_not_told_again_after_a_restart(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    first = a_task(TaskState.DONE, 1)
    await shown(answer, Progress(tasks=(first,)), desk)
    await answer.pause(Progress(tasks=(first, a_task(TaskState.HELD, 2))))

    answer = await desk.restarted().screen.open_answer(thread, turn)
    both = (first, a_task(TaskState.DONE, 2))
    await shown(answer, Progress(tasks=both, draft="And so it is"), desk)
    await answer.finish(Progress(tasks=both, text="And so it is.", outcome=DONE))

    told = [sorted(message.tasks) for message in desk.replies(thread)]
    assert told == [["sevt_1", "sevt_2"], ["sevt_2"]]
    await assert_all_is_well(desk, thread, turn, "And so it is.")


# Ends


async def test_an_outcome_without_words_is_told_too(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)

    await answer.finish(Progress(outcome=Outcome(OutcomeKind.BROKEN, detail="4F2A")))

    [message] = desk.replies(thread)
    assert "Something broke on my side." in desk.slack.text_of(message)
    assert "4F2A" in desk.slack.text_of(message)


async def test_a_long_turn_notifies_its_owner_in_a_channel(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    await shown(answer, Progress(draft="Hello there "), desk)
    desk.slack.clock.advance(100)
    await answer.finish(Progress(text="Hello there.", outcome=DONE))

    [message] = desk.replies(thread)
    assert f"<@{desk.slack.alice}>" in desk.slack.text_of(message)


async def test_a_slack_that_stays_down_is_said_so_and_the_end_can_be_tried_again(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(thread, turn)
    await shown(answer, Progress(draft="Hello there "), desk)
    desk.slack.faults.add("*", kind="status_500", times=500)
    with pytest.raises(SlackUnavailable):
        await answer.finish(Progress(text="Hello there.", outcome=DONE))

    desk.slack.faults.clear()
    await answer.finish(Progress(text="Hello there.", outcome=DONE))

    await assert_all_is_well(desk, thread, turn, "Hello there.")


async def test_a_channel_that_is_closed_to_us_is_an_error(desk):
    thread, turn = await desk.a_turn()
    answer = await desk.screen.open_answer(replace(thread, channel="C0NOWHERE"), turn)

    with pytest.raises(SlackRejected):
        await answer.finish(Progress(text="Hello there.", outcome=DONE))
