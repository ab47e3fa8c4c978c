"""A look at a text that grows costs what is new and no more than one message; steps are counted, not seconds."""

import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.model import Config
from bot.domain.filters import engine
from bot.domain.filters.engine import AnswerFilter
from bot.domain.turns.reducer import step
from bot.domain.turns.reducer_state import ReducerState
from bot.model import events as e
from bot.model import secret_patterns, visible_text
from bot.model.progress import Progress, Task, TaskState
from bot.model.slack_text import as_read
from bot.model.visible_text import one_line
from bot.renderers import slack_limits
from bot.renderers.markdown_blocks import Outline
from bot.renderers.safe_markdown import safe_markdown, segment_end, settled
from bot.renderers.tool_results import result
from bot.slack.answer.layout import AnswerLayout
from bot.slack.answer.message import AnswerMessage
from store.records import EventId, Segment, SegmentId, TurnId

pytestmark = pytest.mark.fault("S6")
NEW = 6_000
"""Characters that come at once."""
SHAPES = [
    "[ ", "[", "![", "](", "[a](", "[]()", "[x](y) ", "[[x](y) ", "<a:", "<![a <b](u)", "<", "`", "` `` ", "`a``b",
    "*", "**a_", "| ", "> ", "- ", "1. ", "\\", "~", "!", "(", "[(", "-----BEGIN ", "bearer ", "word ", "x", "\t",
    "\u200b", "&amp;", '{"a":[', "\"'", "ghp_", "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4xY7z ", "aB3dE6gH9jK2mN5pQ8sT1vW4xY7z",
    "://a:b", ".bearer ", "](日", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY----- ",
]  # fmt: skip
ANSWERS = {
    "words": "It is a plain sentence, and one more. ",
    "a line each": "It is a plain sentence.\n",
    "brackets": "[ ",
    "stars": "*",
    "backticks": "`",
    "code": "`a``b ",
    "angles": "<",
    "nested lists": "- a\n  - b\n    - c\n\n      d\n",
    "quotes": "> > a\n",
    "fences": "```py\nf(x)[y](z)\n```\n",
    "one fence": "x = f[a](b)\n",
    "tables": "| a | b |\n",
    "links": "[a](https://example.com/a) ",
    "tokens": "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4xY7z ",
    "begun tokens": "ghp_ ",
    "base64": "aB3dE6gH9jK2mN5pQ8sT1vW4xY7z",
    "a key": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n",
    "bearers": "bearer ",
    "no white space": "日本語",
}
LONG = 100_000
BEGINS = {
    "one fence": "```py\n",
    "tables": "| x | y |\n|---|---|\n",
    "a key": "Here:\n-----BEGIN PRIVATE KEY-----\n",
}
RULES = {
    "secrets": Config(),
    "a pattern": Config.model_validate({"filters": {"projects": {"pattern": "(?i)fal ?con"}}}),
}
READERS = {module.__file__ for module in (secret_patterns, visible_text, engine)}
"""Where a function reads all of a text that it is given, unless it is told from where on."""
FROM = {"looked", "least", "index"}


def steps(act):
    """Return how many calls, ours and of what is built in, an act takes."""
    counted = 0

    def count(_frame, kind, _argument):
        nonlocal counted
        counted += kind in {"call", "c_call"}

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counted


def work(act):
    """Return the calls of an act, and the characters that are read in no call of their own."""
    counted = 0

    def count(frame, kind, _argument):
        nonlocal counted
        counted += kind in {"call", "c_call"}
        code = frame.f_code
        if kind == "call" and code.co_filename in READERS and not code.co_name.startswith("<"):
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            if FROM.isdisjoint(names):
                counted += sum(len(given) for name in names if isinstance(given := frame.f_locals[name], str))

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counted


def grown(shape, size, *, line_break):
    """Return a text of one shape, in one line or in many."""
    text = (shape * size)[:size]
    return text if not line_break else "\n".join(text[at : at + 40] for at in range(0, size, 40))


class Reader:
    """What a turn does with each event, without Slack: add it up, filter it, draw the message that is open."""

    def __init__(self, rules):
        self.state = ReducerState(TurnId("t"), has_begun=True)
        self.sieve, self.outline, self.drawn = AnswerFilter(rules), Outline(), {}
        self.part = self.begun(0)
        self.shown = ""

    def begun(self, at):
        """Return a message that begins there."""
        segment = Segment(SegmentId("s"), TurnId("t"), 0, None, True, True, at, None, datetime(2026, 1, 1, tzinfo=UTC))
        return AnswerMessage(segment, None, 0, sent_to=at)

    def hears(self, text):
        """Take up one piece of the answer."""
        self.state, _ = step(self.state, e.DraftGrew(EventId("m"), text))
        progress = self.sieve.sift(self.state.progress)
        covered = self.part.segment.text_from
        picture = AnswerLayout(progress, {}, {}, 1.0, covered=covered, outline=self.outline, drawn=self.drawn)
        content = picture.content(self.part)
        self.part.shows(content, datetime(2026, 1, 1, tzinfo=UTC))
        if content.to < picture.reach:
            self.part = self.begun(picture.good_end(self.part))
        self.shown = progress.shown_text


def heard(shape, rules):
    """Return the most work of an event of an answer of this shape: of those in its second message, and in its last."""
    reader, piece = Reader(rules), 4_000
    reader.hears(BEGINS.get(shape, ""))
    text = (ANSWERS[shape] * LONG)[:LONG]
    took = {}
    for at in range(0, LONG, piece):
        if 10_000 <= at < 28_000 or at >= LONG - 18_000:
            took[at] = work(lambda at=at: reader.hears(text[at : at + piece]))
        else:
            reader.hears(text[at : at + piece])
    return max(took[at] for at in took if at < 28_000), max(took[at] for at in took if at >= 28_000)


@pytest.mark.fault("C7")
@pytest.mark.parametrize("line_break", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_text_takes_no_more_than_twice_the_steps(shape, line_break):
    for look in (
        safe_markdown,
        settled,
        result,
        as_read,
        secret_patterns.settled,
        masked,
        secret_patterns.kinds_of_secrets,
    ):
        few, many = (
            steps(lambda size=size, look=look: look(grown(shape, size, line_break=line_break)))
            for size in (2_000, 4_000)
        )
        assert many <= 2.3 * few + 200, look.__name__


def masked(text):
    """Return a text without secrets."""
    return secret_patterns.mask_secrets(text, lambda kind, _: kind)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_event_of_a_growing_answer_takes_what_a_message_and_the_new_do(shape):
    text, outline, covered, most = grown(shape, 30_000, line_break=False), Outline(), 0, 0

    for end in range(NEW, len(text), NEW):
        picture = AnswerLayout(Progress(text=text[:end]), {}, {}, 1.0, covered=covered, outline=outline)
        most = max(most, steps(lambda picture=picture: picture.reach))
        if end - covered > slack_limits.MESSAGE_BYTES_MAX:
            at = segment_end(
                text[:end], covered, room=slack_limits.MESSAGE_BYTES_MAX, at_least=covered, outline=outline
            )
            covered = max(covered + 1, at)

    assert most < 12 * (slack_limits.MESSAGE_BYTES_MAX + NEW)


BY_LINE = ["words", "a line each", "tokens", "a key"]


@pytest.mark.slow(minutes=2)
@pytest.mark.parametrize(
    ("shape", "rules"), [*((shape, "secrets") for shape in ANSWERS), *((shape, "a pattern") for shape in BY_LINE)]
)
def test_an_event_late_in_a_long_answer_takes_what_one_at_its_beginning_does(shape, rules):
    """From the agent's words to the message they stand in: the text behind it is not looked at again."""
    early, late = heard(shape, RULES[rules])

    assert late <= 1.2 * early + 500


def test_words_that_slack_would_not_take_for_long_are_not_all_looked_at_each_time():
    texts = [("It is `a` plain [sentence](x). " * 5_000)[:size] for size in (40_000, 120_000)]

    few, many = (work(lambda text=text: AnswerLayout(Progress(draft=text), {}, {}, 1.0).reach) for text in texts)

    assert many <= 1.2 * few


def test_a_tools_answer_is_looked_at_once():
    call = e.ToolCall(EventId("t1"), "notes", "list_notes", {})
    task = Task(call, TaskState.DONE, result=str([{"a": 1}] * 5_000))
    sieve, drawn, progress = AnswerFilter(Config()), {}, Progress(tasks=(task,))

    def look(text):
        picture = AnswerLayout(sieve.sift(replace(progress, draft=text)), {}, {}, 1.0, drawn=drawn)
        return work(lambda: picture.lines)

    drawing = look("a ")
    assert look("a b ") < drawing / 10


BLOCKS = ["\n", "a", " ", "```\n", "    ", "| a |\n", "|---|\n"]


@given(st.lists(st.sampled_from([*SHAPES, *BLOCKS]), min_size=1, max_size=6))
def test_no_text_takes_more_steps_than_it_has_characters_times_a_few(pieces):
    text = "".join(pieces) * (2_000 // len("".join(pieces)) + 1)

    for look in (
        safe_markdown,
        settled,
        result,
        as_read,
        masked,
        secret_patterns.settled,
        lambda whole: one_line(whole, 300),
    ):
        assert steps(lambda look=look: look(text)) <= 60 * len(text) + 500
