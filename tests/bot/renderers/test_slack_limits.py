"""Nothing is longer than Slack takes, and nothing gets lost in cutting."""

from hypothesis import given
from hypothesis import strategies as st

from bot.model.visible_text import shorten
from bot.renderers.slack_limits import good_break, pieces


@given(text=st.text(), limit=st.integers(1, 50))
def test_shortened_text_fits_and_says_that_it_was_shortened(text, limit):
    short = shorten(text, limit)

    assert len(short) <= limit
    assert short == text or short.endswith("…")


@given(text=st.text(alphabet="ab. \n", max_size=300), limit=st.integers(2, 100), at_least=st.integers(0, 100))
def test_a_break_makes_progress_and_takes_nothing_back(text, limit, at_least):
    at_least = min(at_least, len(text))
    end = good_break(text, limit, at_least=at_least)

    assert end >= at_least
    assert end <= max(limit, at_least) + 2 or end == len(text)
    assert end > 0 or not text


def test_text_is_broken_at_the_best_place():
    assert good_break("one two. three\n\nfour five six", 20) == len("one two. three\n\n")
    assert good_break("one two. three four", 12) == len("one two. ")
    assert good_break("x" * 30, 20) == 20


@given(text=st.text(), size=st.integers(1, 50))
def test_pieces_are_the_whole(text, size):
    assert "".join(pieces(text, size)) == text
    assert all(len(piece) <= size for piece in pieces(text, size))
