"""A look at a text that grows costs what is new and no more than one message; steps are counted, not seconds."""

import sys

import pytest

from bot import shapes
from bot.progress import Progress
from bot.renderers import limits
from bot.renderers.code_lines import Outline
from bot.renderers.markdown import safe_markdown, segment_end, settled
from bot.renderers.results import result
from bot.slack.picture import Picture
from bot.text import as_read

pytestmark = pytest.mark.fault("S6")
NEW = 6_000
"""Characters that come at once."""
SHAPES = [
    "[ ", "[", "![", "](", "[a](", "[]()", "[x](y) ", "[[x](y) ", "<a:", "<![a <b](u)", "<", "`", "` `` ", "`a``b",
    "*", "**a_", "| ", "> ", "- ", "1. ", "\\", "~", "!", "(", "[(", "-----BEGIN ", "bearer ", "word ", "x", "\t",
    "\u200b", "&amp;", '{"a":[', "\"'",
]  # fmt: skip


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


def grown(shape, size, *, line_break):
    """Return a text of one shape, in one line or in many."""
    text = (shape * size)[:size]
    return text if not line_break else "\n".join(text[at : at + 40] for at in range(0, size, 40))


@pytest.mark.fault("C7")
@pytest.mark.parametrize("line_break", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_text_takes_no_more_than_twice_the_steps(shape, line_break):
    for look in (safe_markdown, settled, result, as_read, shapes.settled):
        few, many = (
            steps(lambda size=size, look=look: look(grown(shape, size, line_break=line_break)))
            for size in (2_000, 4_000)
        )
        assert many <= 2.3 * few + 200, look.__name__


@pytest.mark.fault("S6")
@pytest.mark.parametrize("shape", SHAPES)
def test_each_event_of_a_growing_answer_takes_what_a_message_and_the_new_do(shape):
    text, outline, covered, most = grown(shape, 30_000, line_break=False), Outline(), 0, 0

    for end in range(NEW, len(text), NEW):
        picture = Picture(Progress(text=text[:end]), {}, {}, 1.0, covered=covered, outline=outline)
        most = max(most, steps(lambda picture=picture: picture.reach))
        if end - covered > limits.MESSAGE_BYTES_MAX:
            at = segment_end(text[:end], covered, room=limits.MESSAGE_BYTES_MAX, at_least=covered, outline=outline)
            covered = max(covered + 1, at)

    assert most < 12 * (limits.MESSAGE_BYTES_MAX + NEW)
