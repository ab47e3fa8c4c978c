"""What is nearly `--private` is private or given back, in whatever dashes, place, space and marks it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.ask_flags import AskWords, read_ask
from bot.model.errors import Misunderstood

DASHES = [
    *"-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\ufe58\ufe63\uff0d",
    *"\u30fc\uff70\u2500\u2501\u2796\u02d7\u207b",
]
SPACES = [" ", "\n", "\t", "\u00a0", "\u3000", "\r\n", " \n\n ", "\u2003", "\u202f", "\u2028"]
MARKS = ["", "*", "_", "`", "~", "*_", "(", "\u201c", "\u200b", "\ufeff", ">"]
NAMES = [
    *("private", "Private", "PRIVATE", "privat", "pirvate", "prviate", "privately"),
    *("private:", "private.", "\uff50rivate"),
]
TASKS = ["what is my pay", "list the notes\nof today", "1 + 1", "\u0434\u0430", "is it public?"]
RUNS = st.lists(st.sampled_from(DASHES), min_size=1, max_size=3).map("".join)


def is_public(text: str) -> bool:
    try:
        return not read_ask(text, is_private=False).is_private
    except Misunderstood as error:
        assert error.kept == text.strip()
        return False


@st.composite
def flags(draw):
    before, between = draw(st.sampled_from(MARKS)), draw(st.sampled_from(MARKS))
    return f"{before}{draw(RUNS)}{between}{draw(st.sampled_from(NAMES))}{before}"


@pytest.mark.fault("F1")
@given(flags(), st.sampled_from(SPACES), st.sampled_from(TASKS), st.integers(0, 2))
def test_what_is_nearly_the_flag_is_never_public(flag, space, task, place):
    first, _, rest = task.partition(" ")
    texts = (f"{flag}{space}{task}", f"{task}{space}{flag}", f"{first}{space}{flag}{space}{rest}")

    assert not is_public(texts[place])


@pytest.mark.fault("F1")
@given(RUNS, st.sampled_from(SPACES))
def test_private_apart_from_its_dash_is_never_public_before_or_after_the_task(dashes, space):
    assert read_ask(f"{dashes}{space}private{space}my pay", is_private=False) == AskWords("my pay", is_private=True)
    assert not is_public(f"my pay{space}{dashes}{space}private")


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "text", ["my pay--private", "my pay\u2014private", "my pay\u2013private.", "pay \u2014 Private!"]
)
def test_private_after_a_dash_at_the_end_is_given_back(text):
    with pytest.raises(Misunderstood):
        read_ask(text, is_private=False)


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "text",
    [
        "is the repo semi-private",
        "explain public\u2013private partnerships",
        "what is the gap \u2014 private or public?",
        ":-p what do you think",
        "-> private notes, please",
        "keep it private",
        "private",
        "- buy milk\n- call Ann",
        "what does --verbose do",
        "privat - public",
    ],
)
def test_words_with_dashes_stay_words(text):
    assert read_ask(text, is_private=False) == AskWords(text)


@pytest.mark.fault("F1")
@given(st.text(max_size=60))
def test_where_nobody_else_reads_the_answer_no_words_are_refused(text):
    assert read_ask(text, is_private=True).task == read_ask(text.strip(), is_private=True).task
