"""What must never be is refused by the database itself, whatever the code tries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import CheckConstraint, insert, update

from store import (
    approvals,
    asides,
    connections,
    deliveries,
    registrations,
    segments,
    services,
    threads,
    tickets,
    turns,
    vaults,
)
from store.all_tables import metadata
from store.approvals import approval_decisions as approval_decisions_table
from store.approvals import approvals as approvals_table
from store.budget_increases import shortfalls as shortfalls_table
from store.connections import connections as connections_table
from store.deliveries import deliveries as deliveries_table
from store.errors import InvariantBroken
from store.output_files import outputs as outputs_table
from store.records import ApprovalState, BudgetKind, OutputState, SessionState, ShortfallState, TurnState, VaultState
from store.segments import segments as segments_table
from store.threads import threads as threads_table
from store.tickets import tickets as tickets_table
from store.turns import turns as turns_table
from store.vaults import vaults as vaults_table
from tests.builders import (
    NOON,
    a_connection,
    a_member,
    a_registration,
    a_saved_service,
    a_thread,
    a_ticket,
    a_turn,
    a_vault,
    an_approval,
    an_aside,
    store_member,
    store_thread,
    store_turn,
    store_vault,
)

ENUMS = sorted(
    (table.name, column)
    for table in metadata.tables.values()
    for check in table.constraints
    if isinstance(check, CheckConstraint)
    for column in table.columns.keys()  # noqa: SIM118  # a column collection is not a dict
    if f"{column} IN (" in str(check.sqltext)
    and column in {"state", "send_state", "session_state", "auth_method", "registration"}
)


async def test_a_member_has_no_second_living_vault(database):
    async with database.transaction() as tx:
        await store_vault(tx)

    for state in ("creating", "active"):
        with pytest.raises(InvariantBroken, match="vaults"):
            async with database.transaction() as tx:
                await tx.connection.execute(
                    insert(vaults_table).values(
                        marker=f"m-{state}",
                        workspace_id="T0ACME",
                        owner_id="U0ANN",
                        state=state,
                        vault_id=f"vlt_{state}",
                        created_at=NOON,
                    )
                )


async def test_an_active_vault_has_an_id(database):
    async with database.transaction() as tx:
        await vaults.intend(tx, await store_member(tx), "m", NOON)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(vaults_table).values(state=VaultState.ACTIVE))


async def test_a_vault_is_one_members(database):
    async with database.transaction() as tx:
        vault = await store_vault(tx)
        bob = await store_member(tx, a_member("U0BOB"))
        await vaults.intend(tx, bob, "bobs", NOON)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await vaults.activate(tx, "bobs", vault.vault_id)


async def test_no_connection_and_no_session_gets_anothers_vault(database):
    bob = a_member("U0BOB")
    async with database.transaction() as tx:
        anns = await store_vault(tx)
        await store_vault(tx, bob)
        thread = await store_thread(tx, a_thread(bob))

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await connections.put(tx, a_connection(bob, vault_id=anns.vault_id))
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await threads.intend_session(tx, thread.id, anns.vault_id)
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await threads.open(tx, a_thread(bob, session_vault_id=anns.vault_id))
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await threads.intend_session(tx, thread.id, "vlt_unknown")


async def test_the_same_user_id_in_another_workspace_gets_nobodys_vault(database):
    async with database.transaction() as tx:
        anns = await store_vault(tx)
        namesake = await store_member(tx, a_member(workspace_id="T0OTHER"))

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await connections.put(tx, a_connection(namesake, vault_id=anns.vault_id))


async def test_a_service_is_connected_once(database):
    async with database.transaction() as tx:
        await store_vault(tx)
        await connections.put(tx, a_connection(id="con_1"))
        await connections.put(tx, a_connection(id="con_2"))

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(connections_table).values(state="broken"))


async def test_a_session_is_one_threads(database):
    async with database.transaction() as tx:
        one, other = await store_thread(tx), await store_thread(tx)
        await threads.set_session(tx, one.id, "sesn_1", ())

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await threads.set_session(tx, other.id, "sesn_1", ())


async def test_a_root_message_is_one_threads(database):
    async with database.transaction() as tx:
        await store_thread(tx, a_thread(thread_ts="1.0"))

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await store_thread(tx, a_thread(a_member("U0BOB"), thread_ts="1.0"))


@pytest.mark.parametrize(
    ("state", "session_id"), [(SessionState.OPEN, None), (SessionState.LOST, "sesn_1"), (SessionState.NONE, "sesn_1")]
)
async def test_a_thread_has_a_session_exactly_while_it_is_open(database, state, session_id):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await store_thread(tx, a_thread(session_state=state, session_id=session_id))


async def test_a_thread_runs_one_turn(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        await turns.queue(tx, a_turn(thread), None)
        second = await turns.queue(tx, a_turn(thread), None)
        await turns.claim_next(tx, thread.id, NOON)

    for state in (TurnState.RUNNING, TurnState.WAITING):
        with pytest.raises(InvariantBroken):
            async with database.transaction() as tx:
                await turns.change_state(tx, second.id, from_=TurnState.QUEUED, to=state)


@pytest.mark.parametrize(
    "changes", [{"state": "ended"}, {"task": None}, {"ended_at": NOON}, {"state": "ended", "ended_at": NOON}]
)
async def test_a_task_is_kept_exactly_while_its_turn_is_open(database, changes):
    async with database.transaction() as tx:
        await store_turn(tx)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(turns_table).values(**changes))


async def test_a_thread_with_turns_cannot_change_its_owner(database):
    async with database.transaction() as tx:
        await store_turn(tx)
        await store_member(tx, a_member("U0BOB"))

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(threads_table).values(owner_id="U0BOB"))


@pytest.mark.parametrize("changes", [{"text_from": -1}, {"text_to": 5}, {"is_open": False}])
async def test_a_segment_is_open_without_an_end_and_sealed_with_one(database, changes):
    async with database.transaction() as tx:
        await segments.begin(tx, (await store_turn(tx)).id, is_stream=True, text_from=3, now=NOON)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(segments_table).values(**changes))


async def test_a_segment_does_not_end_before_it_begins(database):
    async with database.transaction() as tx:
        segment = await segments.begin(tx, (await store_turn(tx)).id, is_stream=True, text_from=3, now=NOON)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await segments.seal(tx, segment.id, 2)


async def test_a_decision_is_made_once_and_cannot_be_changed_or_contradicted(database):
    async with database.transaction() as tx:
        approval = await approvals.hold(tx, an_approval(await store_turn(tx)))
        await approvals.decide(
            tx, approval.id, state=ApprovalState.DENIED, by="U0ANN", reason=None, shown_hash=None, now=NOON
        )
        pending = await approvals.hold(tx, an_approval(await store_turn(tx)))
    allowed = {"state": "allowed", "decided_by": "U0ANN", "decided_at": NOON}

    refused = (
        insert(approval_decisions_table).values(approval_id=approval.id, **allowed),
        insert(approval_decisions_table).values(approval_id=pending.id, **allowed),
        insert(approval_decisions_table).values(approval_id=pending.id, **{**allowed, "state": "pending"}),
        update(approval_decisions_table).values(state="allowed"),
        update(approvals_table).where(approvals_table.c.id == approval.id).values(state="allowed"),
        update(approvals_table).where(approvals_table.c.id == pending.id).values(is_delivered=True),
    )
    for statement in refused:
        with pytest.raises(InvariantBroken):
            async with database.transaction() as tx:
                await tx.connection.execute(statement)


async def test_nothing_is_allowed_by_nobody(database):
    async with database.transaction() as tx:
        approval = await approvals.hold(tx, an_approval(await store_turn(tx)))

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await approvals.decide(
                tx, approval.id, state=ApprovalState.ALLOWED, by=None, reason=None, shown_hash=None, now=NOON
            )


async def test_a_call_is_held_once(database):
    async with database.transaction() as tx:
        turn = await store_turn(tx)
        one, other = [await approvals.hold(tx, an_approval(turn)) for _ in range(2)]

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(
                update(approvals_table).where(approvals_table.c.id == other.id).values(tool_use_id=one.tool_use_id)
            )


async def test_a_member_has_one_open_link_per_service(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)
        await tickets.issue(tx, a_ticket(owner), "one")
        await tickets.issue(tx, a_ticket(owner), "two")

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(tickets_table).values(state="new"))


@pytest.mark.parametrize("column", ["ticket_hash", "identity_state_hash", "state_hash"])
async def test_a_link_and_a_state_lead_to_one_attempt(database, column):
    async with database.transaction() as tx:
        owner = await store_member(tx)
        await tickets.issue(tx, a_ticket(owner), "one")
        await tickets.issue(tx, a_ticket(owner, service="wiki"), "two")

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(tickets_table).values({column: "same"}))


@pytest.mark.parametrize(
    "changes", [{"verifier": "sealed"}, {"client_secret": "sealed"}, {"cookie_hash": "c", "settled_at": NOON}]
)
async def test_a_link_that_is_not_on_its_way_holds_no_secret(database, changes):
    async with database.transaction() as tx:
        await tickets.issue(tx, a_ticket(await store_member(tx)), "one")

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(tickets_table).values(**changes))


@pytest.mark.parametrize("changes", [{"state": "done"}, {"payload": None}])
async def test_a_request_is_kept_exactly_until_it_is_done(database, changes):
    async with database.transaction() as tx:
        await deliveries.claim(tx, "Ev1", "message", "{}", NOON)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(deliveries_table).values(**changes))


async def test_a_message_is_given_with_its_channel(database):
    async with database.transaction() as tx:
        await store_turn(tx)

    for half in ({"source_ts": "1.0"}, {"notice_channel": "C1"}):
        with pytest.raises(InvariantBroken):
            async with database.transaction() as tx:
                await tx.connection.execute(update(turns_table).values(**half))


async def store_one_of_each(tx):
    await store_vault(tx)
    await connections.put(tx, a_connection())
    await tickets.issue(tx, a_ticket(), "link")
    thread = await store_thread(tx)
    turn = await turns.queue(tx, a_turn(thread), None)
    approval = await approvals.hold(tx, an_approval(turn))
    await approvals.decide(
        tx, approval.id, state=ApprovalState.DENIED, by="U0ANN", reason=None, shown_hash=None, now=NOON
    )
    await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
    await asides.offer(tx, an_aside(thread))
    await registrations.put_first(tx, a_registration())
    await services.save(tx, a_saved_service())
    made = {"file_id": "file_1", "turn_id": turn.id, "number": 1, "state": OutputState.INTENDED}
    await tx.connection.execute(outputs_table.insert().values(**made))
    short = {"id": "shf_1", "workspace_id": "T0ACME", "kind": BudgetKind.WORKSPACE, "name": "", "month": NOON}
    short |= {"limit_cents": 100, "state": ShortfallState.OPEN, "is_told": False}
    await tx.connection.execute(shortfalls_table.insert().values(**short))


def test_every_kind_of_state_is_among_those_tried():
    assert {table for table, _ in ENUMS} == {
        "approval_decisions",
        "approvals",
        "asides",
        "connections",
        "deliveries",
        "outputs",
        "registrations",
        "services",
        "shortfalls",
        "threads",
        "tickets",
        "turns",
        "vaults",
    }


@pytest.mark.parametrize(("table", "column"), ENUMS)
async def test_a_state_that_nobody_knows_is_refused(database, table, column):
    async with database.transaction() as tx:
        await store_one_of_each(tx)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await tx.connection.execute(update(metadata.tables[table]).values({column: "unheard-of"}))


@pytest.mark.parametrize(
    "store",
    [
        lambda tx: threads.open(tx, a_thread()),
        lambda tx: turns.queue(tx, a_turn(), None),
        lambda tx: vaults.intend(tx, a_member(), "m", NOON),
        lambda tx: tickets.issue(tx, a_ticket(), "link"),
        lambda tx: connections.put(tx, a_connection()),
        lambda tx: segments.begin(tx, "trn_none", is_stream=True, text_from=0, now=NOON),
    ],
)
async def test_nothing_refers_to_what_is_not_there(database, store):
    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await store(tx)


async def test_a_turn_cannot_be_of_a_delivery_that_never_came(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)

    with pytest.raises(InvariantBroken):
        async with database.transaction() as tx:
            await turns.queue(tx, a_turn(thread), "dlv_none")


async def test_an_archived_vault_may_be_followed_by_another(database):
    async with database.transaction() as tx:
        vault = await store_vault(tx)
        await vaults.archive(tx, vault)
        await vaults.intend(tx, a_member(), "next", NOON + timedelta(days=1))

        assert (await vaults.activate(tx, "next", "vlt_next")).vault_id != a_vault().vault_id
