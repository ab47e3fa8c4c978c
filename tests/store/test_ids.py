"""Our own ids tell their noun and cannot be guessed."""

from __future__ import annotations

import re

from store.ids import new_id


def test_ids_carry_their_prefix_and_never_repeat():
    made = {new_id("trn") for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(r"trn_[0-9a-f]{32}", one) for one in made)
