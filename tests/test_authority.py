"""Nobody acts as somebody else: random people in random order, 20,000 steps in all (docs/security.md)."""

import pytest

from tests.authority.machine import play

PARTS = 4
"""So that workers share them; each has a whole world, or several, to itself."""
STEPS = 20_000 // PARTS


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_people_do_in_whatever_order_nobody_acts_as_another(part):
    tally = play(STEPS, seed_used=part)

    assert tally.failure is None, "\n".join(tally.told)
    assert tally.steps >= STEPS
    # It would prove nothing if nothing had happened.
    seen = tally.counts
    happened = ("sends", "confirmations", "mcp_calls", "credentials", "arrivals_refused", "restarts")
    assert all(seen[name] for name in happened), seen
