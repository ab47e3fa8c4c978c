"""A sample of the cuts of `make anomalies`, of every recording that a list can make whole again."""

from __future__ import annotations

import pytest

from tests.anomalies.cuts import cut
from tests.recordings.replay import FOLDER, names

STREAM_ONLY = {"deleted"}
"""`session.deleted` is in no list: the session is gone by then, which tests/bot/agents/test_event_stream.py has."""


@pytest.mark.parametrize("name", sorted(set(names()) - STREAM_ONLY))
async def test_wherever_a_stream_is_cut_people_see_the_same(name: str) -> None:
    every = max(211, (FOLDER / f"{name}.jsonl").stat().st_size // 20)
    count, wrong = await cut(name, every)

    assert count > 5
    assert wrong == []
