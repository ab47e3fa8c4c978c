"""Sealed values open where they were sealed, with a key we have, and nowhere else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import KeysInvalid, SealBroken
from store.records import Secret
from store.sealing import Sealer, parse_keys

OLD, NEW, FOREIGN = (Secret(base64.urlsafe_b64encode(bytes([n]) * 32).decode()) for n in (1, 2, 3))


@given(st.text(st.characters()))
def test_any_text_opens_as_it_was_sealed_even_half_a_surrogate_pair(value):
    sealer = Sealer((NEW,))

    assert sealer.open_sealed(sealer.seal(value, place="turns.task:1"), place="turns.task:1") == value


def test_the_same_value_is_never_sealed_alike_twice():
    sealer = Sealer((NEW,))

    assert sealer.seal("word", place="p") != sealer.seal("word", place="p")


def test_after_a_rotation_old_values_open_and_new_ones_need_the_new_key():
    rotated = Sealer((NEW, OLD))
    old = Sealer((OLD,)).seal("old", place="p")

    fresh = rotated.seal("fresh", place="p")

    assert rotated.open_sealed(old, place="p") == "old"
    assert Sealer((NEW,)).open_sealed(fresh, place="p") == "fresh"
    with pytest.raises(SealBroken):
        Sealer((OLD,)).open_sealed(fresh, place="p")


def test_a_value_of_another_row_or_key_is_refused_with_its_place():
    sealed = Sealer((NEW,)).seal("word", place="turns.task:1")

    with pytest.raises(SealBroken) as moved:
        Sealer((NEW,)).open_sealed(sealed, place="turns.task:2")
    with pytest.raises(SealBroken):
        Sealer((FOREIGN,)).open_sealed(sealed, place="turns.task:1")

    assert moved.value.place == "turns.task:2"


@given(st.data())
def test_any_changed_character_is_refused(data):
    sealed = Sealer((NEW,)).seal("word", place="p")
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda one: one != sealed[at]))

    with pytest.raises(SealBroken):
        Sealer((NEW,)).open_sealed(sealed[:at] + other + sealed[at + 1 :], place="p")


@pytest.mark.parametrize("sealed", ["", "word", "s1.", "s1.AAAA", "s1.=", "s2.AAAA", "s1.é"])
def test_what_was_never_sealed_is_refused(sealed):
    with pytest.raises(SealBroken):
        Sealer((NEW,)).open_sealed(sealed, place="p")


def test_secrets_are_sealed_and_opened_where_there_are_some():
    sealer = Sealer((NEW,))

    assert sealer.open_secret(sealer.seal_secret(Secret("word"), place="p"), place="p") == Secret("word")
    assert sealer.open_secret(sealer.seal_secret(None, place="p"), place="p") is None


def test_keys_are_read_newest_first_however_they_are_separated():
    text = f"{NEW.reveal()},{OLD.reveal().rstrip('=')}\n {FOREIGN.reveal()}"

    sealer = Sealer(parse_keys(text))

    assert Sealer((NEW,)).open_sealed(sealer.seal("word", place="p"), place="p") == "word"
    for key in (OLD, FOREIGN):
        assert sealer.open_sealed(Sealer((key,)).seal("word", place="p"), place="p") == "word"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no sealing key is given"),
        (" , ", "no sealing key is given"),
        ("hunter2-hunter2!", "sealing key 1 is not urlsafe base64"),
        (base64.urlsafe_b64encode(bytes(16)).decode(), "sealing key 1 has 16 bytes"),
        (f"{NEW.reveal()},kläglich", "sealing key 2 is not urlsafe base64"),
    ],
)
def test_keys_that_cannot_be_used_are_named_by_position_and_not_quoted(text, said):
    with pytest.raises(KeysInvalid) as refused:
        parse_keys(text)

    assert refused.value.problem.startswith(said)
    assert "hunter2" not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_a_sealer_without_keys_cannot_be_made():
    with pytest.raises(KeysInvalid):
        Sealer(())
