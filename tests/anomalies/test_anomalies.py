"""A sample of `make anomalies`: each journey once, every kind several times, each at a place of its own."""

from __future__ import annotations

import pytest

from tests.anomalies.cases import run
from tests.anomalies.faults import CALLS, CRASH
from tests.anomalies.journeys import JOURNEYS
from tests.anomalies.stage import hurry

KINDS = [kind for name in CALLS for kind in (name, CRASH)]
SAMPLE = [(journey, KINDS[number % len(KINDS)], 2 + number * 5 % 9) for number, journey in enumerate(JOURNEYS)]


@pytest.mark.parametrize(("journey", "kind", "nth"), SAMPLE, ids=[f"{j}-{kind}-{nth}" for j, kind, nth in SAMPLE])
async def test_a_journey_gets_through_whatever_goes_wrong(monkeypatch, journey: str, kind: str, nth: int) -> None:
    hurry(monkeypatch.setattr)

    result = await run(journey, kind, nth)

    assert result.problems == ()
    assert result.struck is not None, "the journey is too short for this place: nothing went wrong"
