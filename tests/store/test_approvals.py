"""A held call is decided once, by its owner, as it was shown, in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from store import allowances, approvals
from store.errors import NotFound
from store.records import ApprovalState, Second, SecondView
from tests.builders import (
    NOON,
    a_member,
    a_message,
    a_thread,
    a_turn,
    an_allowance,
    an_approval,
    store_thread,
    store_turn,
)

LATE = NOON + timedelta(hours=1)
LATE_BY = timedelta(minutes=15)


async def hold(tx, turn=None, **changes):
    return await approvals.hold(tx, an_approval(turn or await store_turn(tx), **changes))


async def decide(tx, approval, state=ApprovalState.ALLOWED, **changes):
    defaults = {"by": "U0ANN", "reason": None, "shown_hash": approval.arguments_hash, "now": NOON}
    return await approvals.decide(tx, approval.id, state=state, **{**defaults, **changes})


async def test_the_same_call_seen_again_is_the_same_approval(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        wanted = an_approval(turn)

        held = await approvals.hold(tx, wanted)
        again = await approvals.hold(tx, replace(wanted, id="apr_other", tool="other"))

        assert held == again == wanted
        assert await approvals.find(tx, "apr_other") is None
        assert await approvals.get(tx, wanted.id) == wanted


async def test_a_call_is_held_for_a_turn_that_exists(database):
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await approvals.hold(tx, an_approval(a_turn()))
        with pytest.raises(NotFound):
            await approvals.get(tx, "apr_none")


async def test_a_decision_is_recorded_and_is_the_only_one(database):
    async with database.transaction() as tx:
        approval = await hold(tx)

        assert await decide(tx, approval, ApprovalState.DENIED, reason="not that page")
        assert not await decide(tx, approval)
        assert not await decide(tx, approval, ApprovalState.WITHDRAWN)
        assert await approvals.get(tx, approval.id) == replace(
            approval, state=ApprovalState.DENIED, decided_by="U0ANN", reason="not that page", decided_at=NOON
        )


@pytest.mark.parametrize("state", [ApprovalState.ALLOWED, ApprovalState.DENIED])
async def test_nobody_but_the_owner_decides(database, state):
    async with database.transaction() as tx:
        approval = await hold(tx)

        assert not await decide(tx, approval, state, by="U0BOB")
        assert (await approvals.get(tx, approval.id)).state is ApprovalState.PENDING


async def test_what_was_not_shown_is_not_decided(database):
    async with database.transaction() as tx:
        approval = await hold(tx)

        assert not await decide(tx, approval, shown_hash="b" * 64)
        assert await decide(tx, approval, ApprovalState.DENIED, shown_hash=None)


async def test_it_is_too_late_after_expiry_except_for_saying_so(database):
    async with database.transaction() as tx:
        expired, withdrawn = await hold(tx), await hold(tx)

        assert not await decide(tx, expired, now=LATE)
        assert not await decide(tx, expired, ApprovalState.DENIED, now=LATE, by=None)
        assert await decide(tx, expired, ApprovalState.EXPIRED, now=LATE, by=None, shown_hash=None)
        assert await decide(tx, withdrawn, ApprovalState.WITHDRAWN, now=LATE, by="U0ADMIN", shown_hash=None)


async def test_decisions_are_listed_until_the_session_has_them(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        allowed, expired, withdrawn, pending = [await hold(tx, turn) for _ in range(4)]
        await decide(tx, allowed)
        await decide(tx, expired, ApprovalState.EXPIRED, by=None, now=LATE)
        await decide(tx, withdrawn, ApprovalState.WITHDRAWN, by=None)

        to_deliver = await approvals.list_undelivered(tx, turn.id)
        await approvals.mark_delivered(tx, allowed.id)

        assert [approval.id for approval in to_deliver] == [allowed.id, expired.id]
        assert [approval.id for approval in await approvals.list_undelivered(tx, turn.id)] == [expired.id]
        assert (await approvals.get(tx, allowed.id)).is_delivered
        assert await approvals.list_pending(tx, turn.id) == (pending,)


async def test_an_owner_sees_their_own_pending_calls_the_soonest_to_expire_first(database):
    async with database.transaction() as tx:
        later = await hold(tx, expires_at=LATE + timedelta(hours=1))
        sooner = await hold(tx)
        bobs = await hold(tx, await store_turn(tx, a_turn(a_thread(a_member("U0BOB")))))

        assert await approvals.list_pending_for(tx, a_member()) == (sooner, later)
        assert await approvals.list_pending_for(tx, a_member("U0BOB")) == (bobs,)
        assert await approvals.list_pending_for(tx, a_member(workspace_id="T0OTHER")) == ()


async def test_the_card_is_remembered(database):
    async with database.transaction() as tx:
        approval = await hold(tx)

        await approvals.set_card(tx, approval.id, a_message("9.0"))

        assert (await approvals.get(tx, approval.id)).card == a_message("9.0")
        with pytest.raises(NotFound):
            await approvals.set_card(tx, "apr_none", a_message("9.0"))


async def hold_twice_asked(tx, **changes):
    return await hold(tx, second=Second(SecondView.FULL), **changes)


async def allow_first(tx, approval, **changes):
    defaults = {"by": "U0ANN", "shown_hash": approval.arguments_hash, "now": NOON, "expires_at": LATE + LATE_BY}
    return await approvals.allow_first(tx, approval.id, **{**defaults, **changes})


async def test_the_owner_alone_never_allows_what_needs_a_second(database):
    async with database.transaction() as tx:
        approval = await hold_twice_asked(tx)

        assert approval.second == Second(SecondView.FULL)
        assert not await decide(tx, approval)
        assert not await decide(tx, approval, by="U0BOB")
        assert await allow_first(tx, approval)
        assert not await allow_first(tx, approval)
        assert not await decide(tx, approval)
        assert (await approvals.get(tx, approval.id)).is_confirming


async def test_somebody_else_decides_after_the_owner_and_is_named(database):
    async with database.transaction() as tx:
        approval = await hold_twice_asked(tx)
        await allow_first(tx, approval)

        assert await decide(tx, approval, by="U0BOB", now=LATE)
        settled = await approvals.get(tx, approval.id)

    assert (settled.state, settled.decided_by) == (ApprovalState.ALLOWED, "U0BOB")
    assert settled.second == Second(SecondView.FULL, NOON, "U0BOB")
    assert settled.expires_at == LATE + LATE_BY


@pytest.mark.parametrize("is_confirming", [False, True])
async def test_the_owner_may_deny_before_and_after_their_own_yes(database, is_confirming):
    async with database.transaction() as tx:
        approval = await hold_twice_asked(tx)
        if is_confirming:
            await allow_first(tx, approval)

        assert await decide(tx, approval, ApprovalState.DENIED)
        assert (await approvals.get(tx, approval.id)).second.by is None


@pytest.mark.parametrize(
    "changes", [{"by": "U0BOB"}, {"shown_hash": "b" * 64}, {"now": LATE + LATE_BY}], ids=["another", "hash", "late"]
)
async def test_a_first_yes_is_the_owners_in_time_and_for_what_was_shown(database, changes):
    async with database.transaction() as tx:
        approval = await hold_twice_asked(tx)

        assert not await allow_first(tx, approval, **changes)


async def test_a_call_decided_by_an_allowance_says_which(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        approval = await hold(tx, await store_turn(tx, a_turn(thread)))
        allowance = await allowances.give(tx, an_allowance(thread))

        assert await decide(tx, approval, allowance_id=allowance.id)
        assert (await approvals.get(tx, approval.id)).allowance_id == allowance.id


async def test_all_calls_of_a_turn_are_listed_in_their_order_and_changes_are_noted(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        first, second = await hold(tx, turn, expires_at=LATE + LATE_BY), await hold(tx, turn)
        await decide(tx, first)
        await approvals.mark_changed(tx, first.id, "it changed")

        listed = await approvals.list_for_turn(tx, turn.id)

        assert [approval.id for approval in listed] == [first.id, second.id]
        assert listed[0].reason == "it changed"
