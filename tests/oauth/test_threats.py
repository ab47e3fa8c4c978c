"""Every item of docs/oauth-threats.md has a test that names it, or is said to be open; the page is up to date."""

from __future__ import annotations

from tests.oauth import threats


def test_the_list_is_whole():
    assert list(threats.THREATS) == list(range(1, 89))


def test_every_item_with_a_control_has_a_test_and_no_other_has():
    tested = set(threats.collect())

    assert tested == {number for number, threat in threats.THREATS.items() if threat.control}
    assert [number for number, threat in threats.THREATS.items() if not (threat.control or threat.missing)] == []


def test_every_test_that_is_named_exists():
    named = [test for tests in threats.collect().values() for test in tests]

    assert len(named) > 100
    assert [test for test in named if not threats.exists(test)] == []


def test_the_page_is_what_the_marks_say():
    assert threats.TABLE.read_text("utf-8") == threats.render(), "run: python -m tests.oauth.threats"


def test_no_item_is_open():
    assert [number for number, threat in threats.THREATS.items() if threat.missing] == []
