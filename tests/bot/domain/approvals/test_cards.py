"""Which held calls share a message: what joins an open card, what begins another, what is on none."""

from __future__ import annotations

from bot.domain.approvals.cards import ASKED_MAX, arrange
from store.records import ApprovalState
from tests.builders import a_message, an_approval

OLD, NEW = a_message("1.0"), a_message("2.0")


def shape(held):
    return [(card.ref, len(card.approvals)) for card in arrange(held)]


def unasked(**changes):
    return an_approval(state=ApprovalState.ALLOWED, decided_by="U0ANN", allowance_id="alw_1", **changes)


def test_calls_that_are_held_together_are_one_card():
    assert shape([an_approval(), an_approval(), an_approval()]) == [(None, 3)]


def test_a_call_joins_the_card_that_is_still_open():
    assert shape([an_approval(card=OLD, state=ApprovalState.DENIED), an_approval(card=OLD), an_approval()]) == [
        (OLD, 3)
    ]


def test_a_card_that_is_decided_is_left_alone():
    assert shape([an_approval(card=OLD, state=ApprovalState.DENIED), an_approval()]) == [(OLD, 1), (None, 1)]


def test_a_full_card_is_followed_by_another():
    held = [an_approval(card=OLD) for _ in range(ASKED_MAX)] + [an_approval(), an_approval()]

    assert shape(held) == [(OLD, ASKED_MAX), (None, 2)]


def test_what_is_not_asked_is_added_to_the_newest_card_open_or_not():
    held = [an_approval(card=OLD), an_approval(card=NEW, state=ApprovalState.DENIED), unasked(), unasked()]

    assert shape(held) == [(OLD, 1), (NEW, 3)]


def test_what_is_not_asked_takes_no_room_from_what_is():
    assert shape([*(unasked(card=OLD) for _ in range(20)), an_approval(card=OLD), an_approval()]) == [(OLD, 22)]
    assert shape([unasked() for _ in range(70)]) == [(None, 60), (None, 10)]


def test_what_was_settled_before_anybody_saw_it_is_on_no_card():
    assert shape([an_approval(state=ApprovalState.WITHDRAWN), an_approval(state=ApprovalState.EXPIRED)]) == []
