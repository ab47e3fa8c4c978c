"""`make authority STEPS=n`: random members in random order; the last line counts what was done and what crossed."""

from __future__ import annotations

import argparse
import gc
import logging
import random
import sys
import traceback

import structlog

from tests.authority.machine import Play, play

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=50_000)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
parser.add_argument("--roughness", type=float, default=0.05, help="how often each of the world's rough kinds strikes")
given = parser.parse_args()
gc.set_threshold(100_000, 50, 100)  # thousands of messages and events are kept to the end
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
logging.disable(logging.CRITICAL)
seen = play(given.steps, given.seed, given.roughness)
if seen.failure:
    traceback.print_exception(seen.failure)
    print("after " + "\n      ".join(seen.told))
if missing := seen.missing():
    print(f"proves nothing: no {', no '.join(missing)}")
print(f"rough: {', '.join(f'{kind} {count}' for kind, count in sorted(Play.rough.struck.items())) or 'nothing'}")
print(seen.line(given.seed))
sys.exit(1 if seen.failure or missing else 0)
