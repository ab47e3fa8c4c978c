"""A file's name fits wherever it goes: file systems count bytes, and a name without its ending opens nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.files import _upload_name
from bot.domain.turns.attachments import path_of
from bot.model.slack_text import file_name_within
from bot.slack.files import _title
from store.records import Attachment

pytestmark = pytest.mark.fault("F30")
TURN = "trn_" + "x" * 22
NAMES = ["議事録" * 40 + ".pdf", "🚀" * 90 + ".tar.gz", "Übersicht" * 40 + ".xlsx", "a" * 300 + ".csv", "é" * 150]


def places(name):
    """Return a file's name as it is mounted, uploaded for the agent, and shown in Slack."""
    file = Attachment(id="F", name=name, size=1, mode="hosted", width=0, height=0)
    path = path_of(TURN, 10, file)
    return [path.rsplit("/", 1)[1], _upload_name(path), _title(name)]


@pytest.mark.fault("F30")
@pytest.mark.parametrize("name", NAMES)
def test_a_long_name_fits_and_keeps_its_ending(name):
    ending = name.rpartition(".")[2] if "." in name else ""

    for place in places(name):
        assert len(place.encode()) <= 255
        assert place.endswith(ending)


@pytest.mark.parametrize(
    ("name", "mounted"),
    [
        ("🚀.csv", "file.csv"),
        ("..", "file"),
        ("", "file"),
        (".env", "file.env"),
        ("a/../b.csv", "a_.._b.csv"),
        ("\u202egnp.exe", "gnp.exe"),
        ("_notes_", "notes"),
        ("plan. ", "plan"),
    ],
)
def test_a_name_of_signs_is_mounted_under_what_is_left_of_it(name, mounted):
    assert path_of(TURN, 1, Attachment("F", name)) == f"/{TURN}/1-{mounted}"


@given(st.text(max_size=400))
def test_whatever_a_file_is_called_fits(name):
    for place in places(name):
        assert 0 < len(place.encode()) <= 255
        assert place not in {".", ".."}
        assert "/" not in place or place == _title(name)


@given(st.text(alphabet="aé漢🚀.\u0301\u200d", max_size=60), st.integers(24, 80))
def test_what_is_cut_is_a_beginning_and_an_ending(name, most):
    cut = file_name_within(name, most)

    assert len(cut.encode()) <= most
    stem, _, ending = name.rpartition(".")
    assert (
        cut == name or name.startswith(cut) or (cut.endswith(f".{ending}") and stem.startswith(cut[: -len(ending) - 1]))
    )


def test_a_letter_keeps_its_marks_and_a_picture_its_parts():
    assert file_name_within("e\u0301" * 10 + ".md", 7) == "e\u0301.md"
    assert file_name_within("👩\u200d💻" * 2 + ".md", 14) == "👩\u200d💻.md"
    assert file_name_within("👩\u200d💻" * 2 + ".md", 22) == "👩\u200d💻.md"


def test_words_after_a_dot_are_no_ending():
    assert file_name_within("Minutes. " + "word " * 60, 40) == ("Minutes. " + "word " * 60)[:40]
