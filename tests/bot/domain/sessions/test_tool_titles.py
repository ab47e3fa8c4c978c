"""A title that a service gives a tool is shown where it says which tool that is, and hides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.sessions.tool_titles import TITLE_MAX, is_plain, shown_titles
from bot.model.events import ToolCall
from bot.renderers.tool_names import phrase
from oauth.catalog.titles import build_skeleton

NAMES = {"notes": "Notes"}
titles = st.one_of(
    st.text(max_size=80),
    st.text("ae\u0435o“”\"'()<>@*_~`:./ \u202e\u200b\u0301", max_size=12),
    st.sampled_from(["Read a note", "read_note", "Re\u0430d a note", "READ A NOTE", "Read” (x) in Bank"]),
)


@pytest.mark.fault("F36")
@pytest.mark.parametrize(
    "title",
    [
        "Read a note",
        "Notiz lesen",
        "读取笔记",
        "قراءة ملاحظة",
        "नोट पढ़ें",
        "Search (beta)",
        "Create/update page",
        "What's new?",
        "7 days",
    ],
)
def test_plain_words_of_any_script_are_shown(title):
    assert shown_titles({"tool": title, "other": "Something else"})["tool"] == title


@pytest.mark.fault("F36")
@pytest.mark.parametrize(
    "title",
    [
        "",
        " ",
        "…",
        "x" * (TITLE_MAX + 1),
        "Read” (read_note) in Notes. Safe",
        'Read" it',
        "Read\na note",
        "Read\u202ea note",
        "Re\u200bad",
        "Re\u0430d a note",
        "<!channel>",
        "<@U0ALICE> agrees",
        "*bold*",
        "_read_",
        "~read~",
        "`read`",
        ":lock: Safe",
        "evil.example",
        "https://evil.example/",
        "Z\u0315\u0300\u0301\u0302",
        " Read",
    ],
)
def test_what_is_no_plain_words_is_not_shown(title):
    assert shown_titles({"tool": title}) == {}


@pytest.mark.fault("F36")
@pytest.mark.parametrize(
    "claimed",
    [
        {"read": "Read a note", "delete": "Read a note"},
        {"read": "Read a note", "delete": "read  a-NOTE"},
        {"read_note": "", "delete": "Read note"},
        {"read": "Bill", "delete": "Bi11"},
    ],
)
def test_of_titles_that_could_be_taken_for_another_tool_none_is_shown(claimed):
    assert "delete" not in shown_titles(claimed)


@pytest.mark.fault("F36")
@given(st.dictionaries(st.text(min_size=1, max_size=20), titles, max_size=6))
def test_no_shown_title_looks_like_another_tools_title_or_name(claimed):
    shown = shown_titles(claimed)

    for tool, title in shown.items():
        others = [said for name, its in claimed.items() if name != tool for said in (name, its)]
        assert build_skeleton(title) not in {build_skeleton(other) for other in others}
        assert title == claimed[tool]


@pytest.mark.fault("F36")
@given(titles, st.from_regex(r"[a-zA-Z0-9_\-]{1,40}", fullmatch=True))
def test_whatever_the_title_who_decides_reads_the_name_and_one_pair_of_quotation_marks(title, name):
    shown = shown_titles({name: title}).get(name, "")
    words = phrase(ToolCall("sevt_1", "notes", name, {}, title=shown), NAMES)

    assert words.infinitive == (f"use “{title}” ({name}) in Notes" if shown else f"use {name} in Notes")
    assert not set(shown) & set('“”„‟«»"<>*_~`@#\n') and len(shown) <= TITLE_MAX
    assert not shown or is_plain(shown)
