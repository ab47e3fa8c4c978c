"""Slack's tokens as people read them, and words of every script as they are spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.translate import build_header
from bot.config.model import Filter
from bot.domain.quoting import with_quoted
from bot.model.commands import Said
from bot.model.slack_text import plain, without_mention
from bot.model.visible_text import is_one_line, one_line, visible

pytestmark = pytest.mark.fault("F18")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("see <https://docs.example.com/d/1|Q3 board plan>", "see Q3 board plan (https://docs.example.com/d/1)"),
        ("see <https://docs.example.com/d/1>", "see https://docs.example.com/d/1"),
        ("open <http://README.md|README.md>", "open README.md"),
        ("on <https://acme.com/|acme.com>", "on acme.com"),
        ("on <https://a.com/?a=1&amp;b=2|a.com/?a=1&amp;b=2>", "on a.com/?a=1&b=2"),
        ("to <mailto:ana@acme.com|ana@acme.com>", "to ana@acme.com"),
        ("to <mailto:ana@acme.com|Ana>", "to Ana (mailto:ana@acme.com)"),
        ("at <tel:+49301|+49301>", "at +49301"),
        ("<https://evil.example|https://good.example>", "https://good.example (https://evil.example)"),
        ("since <!date^1392734382^{date}|Feb 18, 2014>", "since Feb 18, 2014"),
        ("since <!date^1392734382^{date}^https://x.example|Feb 18>", "since Feb 18"),
        ("since <!date^1392734382^{date}>", "since 1392734382"),
        ("<!here> and <!channel|channel>", "@here and @channel"),
        ("<!subteam^S012|@ops> and <!subteam^S013>", "@ops and @S013"),
        ("<@U012|ana> and <@U013>", "@ana and @U013"),
        ("in <#C012|general> and <#C013|> and <#C014>", "in #general and #C013 and #C014"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
    ],
)
def test_a_token_is_what_people_see_in_its_place(text, read):
    assert plain(text) == read


@given(st.text(alphabet="<>|!@#^&;abl t:/.", max_size=40))
def test_no_text_whatever_raises(text):
    plain(text)


PERSIAN, HINDI, FAMILY = (
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0915\u094d\u200d\u0937",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
)
HEBREW, JAPANESE = "\u05e9\u05dc\u05d5\u05dd (abc).\u200f \u05d0", "\u6771\u4eac\u3000\u90fd"


@pytest.mark.fault("F17")
@pytest.mark.parametrize("word", [PERSIAN, HINDI, FAMILY, "\u05d0\u200e(b)", "a\u00a0b", JAPANESE])
def test_each_script_is_spelled_as_it_is_wherever_words_pass(word):
    assert visible(word) == word
    assert is_one_line(word)
    assert with_quoted("see", (Said("Ana", word),)).endswith(f"> | {word}")
    seen = " ".join(word.split())
    assert one_line(word) == seen
    assert f"“{seen}” wrote" in with_quoted("see", (Said(word, "hi"),))
    assert build_header("turn_1", word).endswith(seen)
    assert Filter(pattern=word, description=word).pattern == word


@pytest.mark.fault("F17")
@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\u2028b", "pass\u200bword", "a\u202eb", "a\u200fb", "a\x85b"])
def test_what_people_do_not_see_or_more_lines_are_no_line(text):
    assert not is_one_line(text)
    assert is_one_line(one_line(text))


SEPARATORS = [*"\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u2028\u2029\u3000", "\r\n", " \u200b \n"]


@given(st.lists(st.sampled_from(["Read", "my\u200b", "notes\u202e", PERSIAN]), min_size=1), st.data())
def test_words_stay_apart_in_one_line_whatever_stood_between_them(words, data):
    text = "".join(f"{word}{data.draw(st.sampled_from(SEPARATORS))}" for word in words)

    assert one_line(text) == " ".join(visible(word) for word in words)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("".join(SEPARATORS)))), st.integers(1, 30))
def test_one_line_is_one_of_characters_that_people_see_and_of_its_length(text, limit):
    line, short = one_line(text), one_line(text, limit)

    assert is_one_line(line)
    assert line.splitlines() in ([], [line])
    assert one_line(line) == line
    assert len(short) <= limit
    assert short == line or (short.endswith("…") and line.startswith(short[:-1]))


@pytest.mark.fault("F18", "F20")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<@UBOT> stop", "stop"),
        ("<@UBOT|deputy>: stop", "stop"),
        ("<@UBOT>:", ""),
        ("<@UBOT>, <@UBOT> stop", "stop"),
        ("\u200b<@UBOT>\u00a0stop", "stop"),
        ("*<@UBOT>* stop", "stop"),
        ("stop <@UBOT>", "stop"),
        ("stop, <@UBOT>!", "stop"),
        ("try again <@UBOT|deputy>", "try again"),
        ("<@UBOT> :wave: hello", ":wave: hello"),
        ("<@UBOT>:wave: hello", ":wave: hello"),
        ("what do you know about <@UBOT>", "what do you know about <@UBOT>"),
        ("<@UBOT> *bold* words", "*bold* words"),
        ("<@UBOT>*bold* words", "*bold* words"),
        ("<@U2> stop", "<@U2> stop"),
    ],
)
def test_a_mention_that_only_addresses_is_no_part_of_the_words(text, words):
    assert without_mention(text, "UBOT") == words
