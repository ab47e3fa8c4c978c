"""Agent's words are made safe the same way however they are cut."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.renderers import safe_markdown as markdown
from bot.renderers import slack_limits
from bot.renderers.safe_markdown import (
    escape,
    revealed,
    safe_markdown,
    segment,
    segment_end,
    settled,
    shorten_markup,
    streamed,
)

PIECES = st.lists(
    st.sampled_from([
        "<", "@", "U1", ">", "!", "channel", "#", "[", "]", "(", ")", "https://a.example/x", "javascript:x", "|",
        "a.example", "`", "```", "\n", "\n\n", " ", "word", "&", "\u200b", "\u202e", "\u200d", "\\", "~~~", "]: ",
        "![", "*", "é", "😀",
    ]),
    max_size=40,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ask <@U123> now", "ask &lt;@U123> now"),
        ("<!channel> <!subteam^S1> <#C1>", "&lt;!channel> &lt;!subteam^S1> &lt;#C1>"),
        ("<\u200b@U1>", "&lt;@U1>"),
        ("`<@U1>`", "`&lt;@U1>`"),
        ("```\n<@U1> a[0](b)\n```\n", "```\n&lt;@U1> a[0](b)\n```\n"),
        ("`f[0](x)`", "`f[0](x)`"),
        ("[docs](https://a.example/d)", "[docs](https://a.example/d) (a.example)"),
        ("[write](mailto:a@a.example)", "[write](mailto:a@a.example)"),
        ("[click](javascript:alert)", "click (javascript:alert)"),
        ("[click](data:text/html;x)", "click (data:text/html;x)"),
        ("![pixel](https://evil.example/p.png)", "[pixel](https://evil.example/p.png) (evil.example)"),
        ("![](https://evil.example/p.png)", "[image](https://evil.example/p.png) (evil.example)"),
        (
            "[https://good.example](https://evil.example/x)",
            "[https://good.example](https://evil.example/x) (evil.example)",
        ),
        ("[good.example/a](https://evil.example)", "[good.example/a](https://evil.example) (evil.example)"),
        (
            "[good.example](https://good.example@evil.example)",
            "[good.example](https://good.example@evil.example) (evil.example)",
        ),
        ("[good.example](https://www.good.example/a)", "[good.example](https://www.good.example/a)"),
        ("<https://a.example>", "<https://a.example>"),
        ("<https://evil.example|good.example>", "&lt;https://evil.example|good.example>"),
        ("<javascript:x>", "&lt;javascript:x>"),
        ("[ref]: javascript:x", "[ref] : javascript:x"),
        ("a < b and c > d", "a < b and c > d"),
        ("he\u202ello\x00", "hello"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_what_would_notify_mislead_or_hide_is_made_harmless(written, shown):
    assert safe_markdown(written) == shown


@given(text=PIECES, cuts=st.lists(st.integers(0, 200), max_size=6))
@example(text="<@U1>", cuts=[1])
@example(text="<![<", cuts=[4])
@example(text="[https://good.example](https://evil.example)", cuts=[1, 20, 25])
def test_what_was_sent_is_always_a_beginning_of_what_is_sent_later(text, cuts):
    whole = safe_markdown(text)

    for cut in cuts:
        known = text[:cut]
        assert whole.startswith(safe_markdown(known[: settled(known)]))


@given(text=PIECES, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_no_cut_ever_lets_a_slack_token_through(text, cuts):
    sent = ""
    for cut in sorted({*cuts, len(text)}):
        known = text[:cut]
        target = safe_markdown(known if cut == len(text) else known[: settled(known)])
        sent += target[len(sent) :]

    assert not re.search(r"<[@#!]", sent)
    assert not re.search(r"<[A-Za-z][A-Za-z0-9+.\-]*:[^<>\s]*\|", sent)


@given(
    text=st.text(alphabet="ab `\n<@[]().|-漢🚀", max_size=300).map(lambda text: text * 150),
    room=st.integers(slack_limits.TEXT_BYTES_LEAST, slack_limits.MESSAGE_BYTES_MAX),
)
def test_an_answer_in_segments_fits_and_misses_nothing(text, room):
    start, ends = 0, []
    while start < len(text):
        end = segment_end(text, start, room=room, at_least=start)
        assert end > start
        assert slack_limits.size(segment(text, start, end)) <= room
        start = end
        ends.append(end)

    assert not text or ends[-1] == len(text)


def test_a_fence_that_is_cut_is_closed_and_opened_again():
    text = "```python\nprint(1)\nprint(2)\n```\ndone"
    cut = text.index("print(2)")

    assert segment(text, 0, cut) == "```python\nprint(1)\n\n```"
    assert segment(text, cut, len(text)) == "```python\nprint(2)\n```\ndone"
    assert segment(text, 0, cut).startswith(streamed(text, 0, cut))


def test_literal_words_have_no_markup_left():
    assert escape("<@U1> & <b>\u202e") == "&lt;@U1&gt; &amp; &lt;b&gt;"


@given(st.text(alphabet="&<>ab ", max_size=30), st.integers(2, 60))
def test_what_is_too_long_is_never_cut_inside_an_escaped_character(text, limit):
    short = shorten_markup(escape(text), limit)

    assert len(short) <= limit
    words = short if short == escape(text) else short.removesuffix("…")
    assert text.startswith(words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def test_a_link_that_does_not_fit_is_left_out_whole():
    assert shorten_markup("See <https://a.example|the page> there", 24) == "See…"
    assert shorten_markup("See <https://a.example|the page> there", 36) == "See <https://a.example|the page> th…"


def test_what_is_decided_about_hides_nothing():
    assert revealed("a\u202eb\u200b") == "a\\u202eb\\u200b"


def test_hostile_text_is_read_in_linear_time():
    for hostile in ("[" * 12_000, "`" * 12_000, "<a:" * 4_000, "[(" * 6_000, "![" * 6_000, "\\" * 12_000):
        assert settled(hostile) >= 0
        assert safe_markdown(hostile)


def segments_of(text, most):
    """Return the messages that a text is told in, each of at most `most` bytes where that can be."""
    told, start = [], 0
    while start < len(text):
        end = segment_end(text, start, room=most, at_least=start)
        assert end > start
        told.append((start, end, segment(text, start, end)))
        start = end
    return told


def test_a_table_that_is_cut_goes_on_with_its_head():
    head = "| name | count |\n|:-----|------:|\n"
    text = (
        "Here it is:\n\n" + head + "".join(f"| row {number} | {number} |\n" for number in range(40)) + "\nThat is all."
    )

    told = [shown for _, _, shown in segments_of(text, 300)]

    assert len(told) > 2
    for number in range(40):
        [holder] = [shown for shown in told if f"| row {number} |" in shown]
        assert holder.index(head) < holder.index(f"| row {number} |")
    assert told[-1].endswith("That is all.")


def test_what_is_too_long_to_be_said_again_where_it_is_cut_is_not():
    fence = "```" + "x" * 2_000
    table = "| " + "y" * 2_000 + " |\n|---|\n" + "| row |\n" * 400

    told = [shown for _, _, shown in segments_of(f"{fence}\n" + "code\n" * 600 + f"```\n\n{table}", 1_200)]

    assert sum(shown.count("x") for shown in told) < 3_000  # once where the line itself is cut
    assert all(slack_limits.size(shown) <= 1_200 for shown in told)
    assert any(shown.startswith("```\ncode") for shown in told)


def test_a_tables_head_is_not_left_behind_alone():
    words = "word " * 48
    text = f"{words}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"

    first, second = segments_of(text, 268)

    assert "|" not in first[2]
    assert second[2] == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"


@pytest.mark.parametrize("whole", ["[the words of a link](https://example.com/a?b=c)", "`code with some spaces`"])
def test_a_link_or_code_is_not_cut_even_in_a_line_without_end(whole):
    for before in range(60, 130):
        text = "x" * before + " " + whole + " tail" * 30
        assert sum(whole in shown for _, _, shown in segments_of(text, 150)) == 1


def test_what_only_looks_like_a_table_gets_no_head():
    text = "".join(f"| line {number} | of no table\n" for number in range(30))

    assert "".join(shown for _, _, shown in segments_of(text, 200)) == text


BLOCKS = st.sampled_from(
    [
        "A sentence of some words, and another.\n\n",
        "- item one\n- item two\n\n",
        "| a | b |\n|---|:-:|\n" + "| 1 | 2 |\n" * 9 + "\n",
        "| | |\n|-|-|\n| x | [y](https://example.com) |\n\n",
        "```py\n" + "print('a | b')\n| not | a table |\n" * 5 + "```\n\n",
        "see [the long words of this link](https://example.com/path) and `some code here` now. " * 3 + "\n\n",
        "# Heading\n",
        "| no table |\n",
    ]
)


@given(st.lists(BLOCKS, min_size=1, max_size=14), st.integers(120, 400))
def test_a_long_answer_in_messages_has_whole_tables_links_and_fences(blocks, most):
    text = "".join(blocks)
    told = segments_of(text, most)
    assert "".join(text[start:end] for start, end, _ in told) == text
    for start, end, shown in told:
        assert shown.count("```") % 2 == 0
        assert shown.count("[the long words of this link](https://example.com/path)") == shown.count("[the long")
        for row in re.findall(r"(?:^\| 1 \| 2 \|\n)+", shown, re.MULTILINE):
            assert f"| a | b |\n|---|:-:|\n{row}" in shown
        # What is streamed stays as it is when more comes.
        for middle in range(start, end, 37):
            settled_at = markdown.settled(text[:middle], start)
            if settled_at == middle:
                assert streamed(text, start, end).startswith(streamed(text, start, middle))


@pytest.mark.fault("F17")
@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "1\ufe0f\u20e3",
        "\u2764\ufe0f\u200d\U0001f525",
    ],
)
def test_joiners_that_spell_words_or_make_emoji_stay(text):
    assert safe_markdown(text) == text


@pytest.mark.fault("F17")
@pytest.mark.parametrize(
    "text",
    [
        "pass\u200cword",
        "pass\u200dword",
        "pass\u200bword",
        "pass\u202eword",
        "pass\ufe0fword",
        "pass\u034fword",
        "pass\U000e0101word",
        "pass\u3164word",
    ],
)
def test_what_only_hides_between_latin_letters_goes(text):
    assert safe_markdown(text) == "password"


@pytest.mark.fault("D14")
def test_a_message_that_goes_on_does_not_begin_with_empty_lines():
    assert streamed("One.\n\nTwo.", 4, 10) == "Two."
    assert segment("```\na\n\nb\n```\n", 6, 8) == "```\n\nb\n```"


@pytest.mark.fault("D14")
@pytest.mark.parametrize("words", ["Approve", "**Approve**", "good.example"])
def test_a_link_whose_words_are_not_its_address_says_where_it_leads(words):
    assert safe_markdown(f"[{words}](https://evil.example/a)") == f"[{words}](https://evil.example/a) (evil.example)"
    assert safe_markdown("[evil.example](https://evil.example/a)") == "[evil.example](https://evil.example/a)"
