"""`make anomalies`: each journey, the first, second, third … call or write goes wrong; the last line counts."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from itertools import product

from tests.anomalies.cases import play
from tests.anomalies.faults import KINDS
from tests.anomalies.journeys import JOURNEYS


def main() -> int:
    """Play what was asked for; print what failed, a line for each journey and kind, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journey", choices=JOURNEYS, action="append")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--nth", type=int, help="this one only")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    given = parser.parse_args()
    jobs = [(*pair, given.nth) for pair in product(given.journey or JOURNEYS, given.kind or KINDS)]
    passed = failed = 0
    with multiprocessing.get_context("spawn").Pool(given.workers, maxtasksperchild=1) as pool:
        for results in pool.imap_unordered(play, jobs):
            wrong = [result for result in results if result.problems]
            print(f"{results[0].journey} / {results[0].kind}: {len(results)} cases, {len(wrong)} failed", flush=True)
            for result in wrong:
                print(f"  {result}", flush=True)
            passed, failed = passed + len(results) - len(wrong), failed + len(wrong)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
