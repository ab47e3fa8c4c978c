"""Names and claims decide how a question is asked; a claim of harmlessness decides nothing."""

import pytest

from bot.hazards import Hazard, hazard_of, words_of


@pytest.mark.parametrize(
    ("tool", "hazard"),
    [
        ("delete_note", Hazard.DESTRUCTIVE),
        ("notesTrashPage", Hazard.DESTRUCTIVE),
        ("sendMail", Hazard.OUTWARD),
        ("API-pay-invoice", Hazard.OUTWARD),
        ("send_and_delete", Hazard.DESTRUCTIVE),
        ("read_note", Hazard.NONE),
        ("postpone_reading", Hazard.NONE),
    ],
)
def test_a_name_says_what_a_call_may_do(tool, hazard):
    assert hazard_of(tool) is hazard


def test_what_a_service_calls_destructive_is_so_and_what_it_calls_harmless_is_not_believed():
    assert hazard_of("tidy_up", {"destructiveHint": True}) is Hazard.DESTRUCTIVE
    assert hazard_of("delete_note", {"readOnlyHint": True, "destructiveHint": False}) is Hazard.DESTRUCTIVE
    assert hazard_of("read_note", {"readOnlyHint": True, "destructiveHint": True}) is Hazard.NONE


def test_a_name_is_read_in_words():
    assert words_of("notes_sendMail-2x") == ["notes", "send", "mail", "2x"]
