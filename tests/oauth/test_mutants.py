"""The mutants of `make mutants` still fit the tree, and each belongs to an attack whose tests name it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.oauth import mutants, threats


def test_every_mutant_changes_one_line_and_names_a_test_that_is_there():
    assert mutants.find_problems() == []


def test_at_least_twenty_controls_are_tried():
    assert len({mutant.control for mutant in mutants.MUTANTS}) == len(mutants.MUTANTS) >= 20


def test_the_test_of_each_mutant_names_its_attack():
    tests = threats.collect()

    assert [m.control for m in mutants.MUTANTS if m.test not in tests[m.number]] == []


@pytest.mark.slow
def test_a_control_that_is_missed_is_told_from_one_that_is_not(tmp_path, capsys):
    """The tool itself: one mutant that its test must find, and the same change under a test that cannot."""
    [real] = [mutant for mutant in mutants.MUTANTS if mutant.number == 29]
    tree = mutants.copy_tree(tmp_path)
    blind = replace(real, test="tests/oauth/test_mutants.py::test_at_least_twenty_controls_are_tried")

    assert (mutants.try_out(tree, real), mutants.try_out(tree, blind)) == ("killed", "SURVIVED")
    assert (tree / real.path).read_text("utf-8") == (mutants.ROOT / real.path).read_text("utf-8")
