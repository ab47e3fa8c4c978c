"""How long `import bot.app` takes, against a floor of the three libraries it cannot do without.

Each import is timed inside a fresh interpreter, so that starting Python is in neither number, and in seconds of
processor time, which other work on the machine does not stretch. The two are interleaved; the median of N rounds
counts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = "slack_bolt.async_app, anthropic, sqlalchemy.ext.asyncio"
OURS = "bot.app"
GOAL = 1.3
TIMED = "import time; began = time.process_time(); import {modules}; print(time.process_time() - began)"


def seconds_to_import(modules: str) -> float:
    """Return the processor seconds that a fresh interpreter needs to import the modules."""
    command = [sys.executable, "-c", TIMED.format(modules=modules)]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def measure(rounds: int) -> tuple[float, float]:
    """Return the median seconds of the floor and of Deputy."""
    # Once each for nothing: the first import may still have to compile.
    seconds_to_import(FLOOR)
    seconds_to_import(OURS)
    pairs = [(seconds_to_import(FLOOR), seconds_to_import(OURS)) for _ in range(rounds)]
    return statistics.median(floor for floor, _ in pairs), statistics.median(ours for _, ours in pairs)


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="how often each is imported (default 9)")
    rounds = parser.parse_args().rounds
    floor, ours = measure(rounds)
    print(
        f"import time: {OURS} {ours * 1000:.0f} ms, floor ({FLOOR}) {floor * 1000:.0f} ms, "
        f"median of {rounds}; ratio {ours / floor:.2f}, goal {GOAL} or less"
    )


if __name__ == "__main__":
    main()
