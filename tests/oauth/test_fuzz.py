"""The fuzz run of `make fuzz`, short: every parser answers any input with a value or a typed error."""

from __future__ import annotations

import pytest

from tests.oauth import fuzz


@pytest.mark.slow
@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_any_input_is_read_or_refused_by_a_typed_error(name):
    ends = fuzz.run(fuzz.TARGETS[name], 300)

    assert sum(ends.values()) >= 300
    assert ends["refused"]
    # Inputs that are all refused at the first check would prove nothing.
    assert name == "identity" or len(ends) > 1


def test_an_untyped_error_is_not_swallowed():
    def broken(_headers: list[str], _status: int) -> str:
        raise KeyError("as a parser with a mistake would")

    with pytest.raises(KeyError):
        fuzz.run((broken, fuzz.TARGETS["challenge"][1]), 10)
