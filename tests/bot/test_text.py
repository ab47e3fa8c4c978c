"""Slack's tokens as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import plain

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
