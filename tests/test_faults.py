"""Every fault that the world showed has a test that names it, or is said to be open; the page is up to date."""

from __future__ import annotations

from tests import faults


def test_every_fault_has_a_test_or_is_said_to_be_open():
    tested = set(faults.collect())

    assert tested <= set(faults.FAULTS)
    assert [number for number in faults.FAULTS if number not in tested and number not in faults.OPEN] == []


def test_what_is_judged_is_a_fault_that_is_tested_and_not_called_open():
    assert set(faults.JUDGED) <= set(faults.collect()) - set(faults.OPEN)


def test_the_page_is_what_the_marks_say():
    assert faults.TABLE.read_text("utf-8") == faults.render(), "run: python -m tests.faults"
