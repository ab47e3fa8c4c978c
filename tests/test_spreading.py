"""Every test is run once, and no worker is left with all the long ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spreading import spread


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(1, 5))
def test_nothing_is_left_out_or_doubled(minutes, workers):
    items = list(enumerate(minutes))

    assert sorted(spread(items, workers, lambda item: item[1])) == items


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_worker_begins_with_its_share_the_longest_first(workers):
    minutes = {"a": 4, "b": 4, "c": 1, "d": 1, "e": 1, "f": 1}
    items = [*"cdefab", *map(str, range(95))]

    ordered = spread(items, workers, lambda item: minutes.get(item, 0))

    begins, parts = 0, []
    for number in range(workers):
        size = (len(items) - begins) // (workers - number)
        parts.append(ordered[begins : begins + size])
        begins += size
    assert [[item for item in part if item in minutes] for part in parts] == [
        list("abcdef"[number::workers]) for number in range(workers)
    ]
    assert all(part[0] in minutes for part in parts)


def test_more_workers_than_tests():
    assert spread(["x"], 3, lambda _: 1) == ["x"]
