from datetime import timedelta

import pytest

from bot.domain.access import policy
from bot.model.errors import Allowed, Refusal, Refused
from store.records import ApprovalState
from tests.builders import NOON, a_member, a_thread, a_turn, an_approval

ANN, BEN = a_member("U0ANN"), a_member("U0BEN")
ELSEWHERE = a_member("U0ANN", workspace_id="T0OTHER", team_id="T0OTHER")
IN_TIME = NOON + timedelta(minutes=1)


def pending(**changes):
    return an_approval(**({"expires_at": NOON + timedelta(minutes=15)} | changes))


def test_a_person_is_workspace_and_id_whatever_they_are_called():
    assert policy.is_same_person(ANN, a_member("U0ANN", name="somebody", team_id="T0GRID"))
    assert not policy.is_same_person(ANN, ELSEWHERE)
    assert not policy.is_same_person(ANN, BEN)


@pytest.mark.parametrize("other", [BEN, ELSEWHERE], ids=["another", "same_id_elsewhere"])
def test_only_the_owner_steers_looks_and_decides(other):
    thread, turn, approval = a_thread(ANN), a_turn(owner=ANN), pending()

    assert policy.may_steer(ANN, thread) == Allowed()
    assert policy.may_steer(other, thread) == Refused(Refusal.NOT_YOUR_THREAD)
    assert policy.may_see_call(other, approval, turn) == Refused(Refusal.NOT_YOUR_APPROVAL)
    decided = policy.may_decide(other, approval, turn, approval.arguments_hash, IN_TIME)
    assert decided == Refused(Refusal.NOT_YOUR_APPROVAL)


def test_an_admin_of_the_same_workspace_stops_any_turn_and_of_another_none():
    turn = a_turn(owner=ANN)

    assert policy.may_stop(BEN, turn, {"U0BEN"}) == Allowed()
    assert policy.may_stop(BEN, turn, set()) == Refused(Refusal.NOT_YOUR_TURN)
    foreign = a_member("U0BEN", workspace_id="T0OTHER")
    assert policy.may_stop(foreign, turn, {"U0BEN"}) == Refused(Refusal.NOT_YOUR_TURN)


@pytest.mark.parametrize(
    ("changes", "shown", "minutes", "refusal"),
    [
        ({}, None, 15, Refusal.APPROVAL_EXPIRED),
        ({"state": ApprovalState.EXPIRED}, None, 1, Refusal.APPROVAL_EXPIRED),
        ({"state": ApprovalState.ALLOWED}, None, 1, Refusal.APPROVAL_SETTLED),
        ({"state": ApprovalState.WITHDRAWN}, None, 1, Refusal.APPROVAL_SETTLED),
        ({}, "0" * 64, 1, Refusal.APPROVAL_CHANGED),
        ({}, "", 1, Refusal.APPROVAL_CHANGED),
    ],
)
def test_a_decision_is_taken_once_in_time_and_for_what_was_shown(changes, shown, minutes, refusal):
    approval = pending(**changes)
    shown = approval.arguments_hash if shown is None else shown

    verdict = policy.may_decide(ANN, approval, a_turn(owner=ANN), shown, NOON + timedelta(minutes=minutes))

    assert verdict == Refused(refusal)


def test_the_owner_decides_in_time_what_they_were_shown():
    approval = pending()

    assert policy.may_decide(ANN, approval, a_turn(owner=ANN), approval.arguments_hash, IN_TIME) == Allowed()
