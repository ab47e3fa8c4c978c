"""A sample of `make anomalies`: each journey once, every kind several times, each at a place of its own."""

from __future__ import annotations

import pytest

from tests.anomalies.cases import run
from tests.anomalies.faults import CALLS, CRASH
from tests.anomalies.journeys import JOURNEYS
from tests.anomalies.stage import hurry

KINDS = [kind for name in CALLS for kind in (name, CRASH)]
SAMPLE = [(journey, KINDS[number % len(KINDS)], 2 + number * 5 % 9) for number, journey in enumerate(JOURNEYS)]
FOUND = [
    ("queue", "late", 4),  # a reply before Slack had answered for the root message
    ("long_text", "before", 13),  # a preview with a hole in it, told as if it were whole
    ("withdraw", "late", 19),  # the line of a request that was withdrawn while the line was on its way
    ("withdraw", "crash", 23),  # …and of one that was withdrawn just before Deputy ended
    ("aside_passed", "crash", 18),  # an offer that was stored and not told
    ("aside_passed", "crash", 22),  # a decision to pass on that was stored and not carried out
    ("restart", "after", 16),  # the card of a call that nobody decided in time, posted and not written down
]
"""What the whole of them found, once: each stays what it was for as long as the calls before it do."""
NEVER = 100_000
"""A call that no journey comes to: nothing else goes wrong."""
CASES = [*SAMPLE, *FOUND]


@pytest.mark.parametrize(("journey", "kind", "nth"), CASES, ids=[f"{j}-{kind}-{nth}" for j, kind, nth in CASES])
async def test_a_journey_gets_through_whatever_goes_wrong(monkeypatch, journey: str, kind: str, nth: int) -> None:
    hurry(monkeypatch.setattr)

    result = await run(journey, kind, nth)

    assert result.problems == ()
    assert result.struck is not None, "the journey is too short for this place: nothing went wrong"


@pytest.mark.parametrize("journey", JOURNEYS)
async def test_a_journey_gets_through_in_a_world_as_rough_as_the_real_one(monkeypatch, journey: str) -> None:
    hurry(monkeypatch.setattr)

    result = await run(journey, KINDS[0], NEVER, roughness=0.3)

    assert result.problems == ()
