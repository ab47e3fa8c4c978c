"""`make anomalies`: each journey, the first, second, third … call or write goes wrong; the last line counts.

Before it, recorded turns are followed with their stream cut after every byte; those are counted apart.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from itertools import product

from tests.anomalies.cases import play, play_cuts
from tests.anomalies.faults import KINDS
from tests.anomalies.journeys import JOURNEYS

RECORDINGS = ("answer", "tools", "held_and_allowed")
CUT = "cut"


def main() -> int:
    """Play what was asked for; print what failed, a line for each journey and kind, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journey", choices=JOURNEYS, action="append")
    parser.add_argument("--kind", choices=(*KINDS, CUT), action="append")
    parser.add_argument("--nth", type=int, help="this one only")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--roughness", type=float, default=0.1, help="how often each rough kind of the world strikes")
    given = parser.parse_args()
    kinds = given.kind or (*KINDS, CUT)
    jobs = [
        (*pair, given.nth, given.roughness) for pair in product(given.journey or JOURNEYS, kinds) if CUT not in pair
    ]
    passed = failed = 0
    with multiprocessing.get_context("spawn").Pool(given.workers, maxtasksperchild=1) as pool:
        for name, (count, wrong) in pool.imap_unordered(play_cuts, RECORDINGS if CUT in kinds else ()):
            print(
                f"{name}: its stream cut after each of {count} bytes, seen after {len(wrong)}: {wrong[:9]}", flush=True
            )
            failed += len(wrong)
        for results in pool.imap_unordered(play, jobs):
            bad = [result for result in results if result.problems]
            print(f"{results[0].journey} / {results[0].kind}: {len(results)} cases, {len(bad)} failed", flush=True)
            for result in bad:
                print(f"  {result}", flush=True)
            passed, failed = passed + len(results) - len(bad), failed + len(bad)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
