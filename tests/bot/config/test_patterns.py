"""Patterns of admins: what is one, in words for whoever wrote it."""

import json

import pytest

from bot.config.patterns import compiled
from bot.config.yaml_file import read
from bot.model.errors import SettingsInvalid


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(falcon", "RE2"),
        ("(a)\\1", "RE2"),
        ("(?=a)b", "RE2"),
        ("((a{100}){100}){10}", "RE2"),
        ("x*", "everywhere"),
        ("a|", "everywhere"),
        ("", "empty"),
        ("a" * 301, "300 characters"),
        ("one\ntwo", "one line"),
    ],
)
def test_a_pattern_is_refused_in_words(pattern, words):
    with pytest.raises(SettingsInvalid) as error:
        read(f"filters: {{a: {{pattern: {json.dumps(pattern)}}}}}")

    (problem,) = error.value.problems
    assert problem.place == "filters.a.pattern"
    assert words in problem.what


def test_the_filter_of_secrets_has_no_pattern_and_every_other_one_has():
    for text, words in [("{secrets: {pattern: x}}", "shapes of its own"), ("{a: {asked: refuse}}", "is missing")]:
        with pytest.raises(SettingsInvalid) as error:
            read(f"filters: {text}")
        assert words in str(error.value)


def test_what_is_put_in_is_put_in_as_it_is():
    assert compiled("b+").replaced("abbc", r"\0 [x]") == r"a\0 [x]c"
    assert compiled("b+").replaced("none", "x") == "none"


def test_half_a_character_is_no_trouble():
    assert compiled("b").replaced("\ud83d b", "x") == "? x"
    assert not compiled("b").is_in("\ud83d")
