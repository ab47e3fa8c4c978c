"""Nobody acts as somebody else: random people in random order, 5,000 steps in all.

`make authority` plays as many as one likes (docs/security.md); what it finds becomes a test of its own.
"""

import asyncio
import sys

import pytest

from tests.process import unmeasured

PARTS = 2
"""So that workers share them; each has a process and a world, or several, to itself."""
STEPS = 5_000 // PARTS


@pytest.mark.slow(minutes=2)
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
async def test_whatever_people_do_in_whatever_order_nobody_acts_as_another(part):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.authority", "--steps", str(STEPS), "--seed", str(part)),
        env=unmeasured(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()

    assert process.returncode == 0, told.decode()
    assert f"{STEPS} steps" in told.decode()
