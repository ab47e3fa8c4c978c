"""One case: a journey with one thing going wrong, and what became of it; and all cases of a journey and a kind."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from zlib import crc32

import structlog

from simulator.roughness import Roughness
from tests.anomalies.cuts import cut
from tests.anomalies.faults import Anomaly
from tests.anomalies.invariants import broken
from tests.anomalies.journeys import JOURNEYS
from tests.anomalies.stage import PATIENCE, Stage, hurry, staged


@dataclass(frozen=True)
class Result:
    """What became of one case."""

    journey: str
    kind: str
    nth: int
    struck: str | None
    """The call or write that it struck; None: the journey got through without one."""
    problems: tuple[str, ...]

    def __str__(self) -> str:
        told = "; ".join(self.problems) or "passed"
        return f"{self.journey} {self.kind} {self.nth} ({self.struck}): {told}"


async def run(journey: str, kind: str, nth: int, roughness: float = 0.0) -> Result:
    """Play one case; whatever goes wrong, also at its beginning or end, is what became of it.

    `roughness` is how often each kind of `simulator.roughness` strikes, the same way for the same case.
    """
    anomaly = Anomaly(kind, nth)
    try:
        async with staged(anomaly) as stage:
            stage.world.peers.roughen(Roughness.random(crc32(f"{journey} {kind} {nth}".encode()), roughness))
            anomaly.arm()
            problems = await _played(stage, journey)
    except Exception as error:  # noqa: BLE001 - the other cases are to be played all the same
        problems = [f"not played to its end: {error!r}"]
    return Result(journey, kind, nth, anomaly.struck, tuple(problems))


async def _played(stage: Stage, journey: str) -> list[str]:
    try:
        async with asyncio.timeout(PATIENCE):
            expected = await JOURNEYS[journey](stage)
            await stage.settle()
        return await broken(stage, expected)
    except Exception as error:  # noqa: BLE001 - as above, with what was to be seen then
        return [f"stuck: {error!r}; {stage.picture()}"]


async def run_all(journey: str, kind: str, roughness: float = 0.0, *, step: int = 1, first: int = 1) -> list[Result]:
    """Let the first, second, third … go wrong until the journey gets through without."""
    results: list[Result] = []
    nth = first
    while True:
        result = await run(journey, kind, nth, roughness)
        results.append(result)
        if result.struck is None or len([r for r in results if r.problems]) > 5:
            return results
        nth += step


def play(job: tuple[str, str, int | None, float]) -> list[Result]:
    """Play all cases of a journey and a kind, or one of them, in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    hurry()
    return asyncio.run(_play(*job))


async def _play(journey: str, kind: str, nth: int | None, roughness: float) -> list[Result]:
    if nth is not None:
        return [await run(journey, kind, nth, roughness)]
    return await run_all(journey, kind, roughness)


def play_cuts(name: str) -> tuple[str, tuple[int, list[int]]]:
    """Cut a recording after each byte; return how many there are and after which people saw it."""
    logging.disable(logging.CRITICAL)
    return name, asyncio.run(cut(name))
