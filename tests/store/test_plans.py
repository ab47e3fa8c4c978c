"""No query reads a whole table of ours, however much is remembered."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from store import approvals, connections, deliveries, members, segments, threads, tickets, turns, vaults
from store.records import ApprovalState, ConnectionState, TicketState, TurnState
from tests.builders import (
    NOON,
    a_connection,
    a_member,
    a_message,
    a_ticket,
    a_turn,
    an_approval,
    store_thread,
    store_vault,
)

ANN = a_member()


async def connect(tx):
    connection = a_connection()
    await connections.put(tx, connection)
    await connections.find(tx, ANN, "notes")
    await connections.get(tx, ANN, connection.id)
    await connections.list_for(tx, ANN)
    await connections.mark(tx, connection.id, ConnectionState.BROKEN)
    await vaults.find(tx, ANN)


async def follow_a_link(tx):
    ticket = a_ticket()
    await tickets.issue(tx, ticket, "link")
    await tickets.find_by_link(tx, "link")
    await tickets.claim_start(tx, ticket.id, cookie_hash="c", state_hash="s1", nonce="n", now=NOON)
    attempt = await tickets.find_by_identity_state(tx, "s1")
    await tickets.claim_authorizing(tx, attempt, state_hash="s2", now=NOON)
    await tickets.find_by_state(tx, "s2")
    await tickets.claim_exchange(tx, ticket.id, NOON)
    await tickets.list_exchanging(tx)
    await tickets.settle(tx, ticket.id, TicketState.DONE, NOON)
    await tickets.count_open(tx, ANN, NOON)
    await tickets.void_for(tx, ANN)
    await tickets.purge(tx, NOON)


async def run_a_turn(tx):
    delivery = await deliveries.claim(tx, "Ev1", "message", "{}", NOON)
    thread = await store_thread(tx)
    turn = await turns.queue(tx, a_turn(thread), delivery.id)
    await threads.find_by_root(tx, "T0ACME", "C0GENERAL", "1.0")
    await threads.list_recent(tx, ANN, 5)
    await turns.claim_next(tx, thread.id, NOON)
    await turns.list_open(tx)
    await turns.list_open_for(tx, ANN)
    await turns.list_open_in(tx, thread.id)
    await turns.find_by_source(tx, "T0ACME", a_message())
    segment = await segments.begin(tx, turn.id, is_stream=True, text_from=0, now=NOON)
    await segments.seal(tx, segment.id, 1)
    await segments.list_for(tx, turn.id)
    await decide(tx, turn)
    await turns.end(tx, turn.id, TurnState.ENDED, outcome="answered", cost_cents=None, now=NOON)
    await deliveries.done(tx, delivery.id)
    await deliveries.list_received(tx)
    await deliveries.purge(tx, NOON)


async def decide(tx, turn):
    approval = await approvals.hold(tx, an_approval(turn))
    await approvals.list_pending(tx, turn.id)
    await approvals.list_pending_for(tx, ANN)
    await approvals.decide(
        tx, approval.id, state=ApprovalState.ALLOWED, by="U0ANN", reason=None, shown_hash=None, now=NOON
    )
    await approvals.list_undelivered(tx, turn.id)


async def scans(database, work) -> list[str]:
    """Do the work, then ask SQLite how it went about each statement."""
    seen = {}

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if re.match(r"SELECT|UPDATE|DELETE", statement):
            seen.setdefault(statement, parameters)

    event.listen(database._engine.sync_engine, "before_cursor_execute", note)
    async with database.transaction() as tx:
        await work(tx)
        plans = {
            statement: (await tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).all()
            for statement, parameters in list(seen.items())
        }
    return [
        f"{step[3]}: {statement}"
        for statement, plan in plans.items()
        for step in plan
        if step[3].startswith("SCAN") and "USING INDEX" not in step[3]
    ]


@pytest.mark.parametrize("work", [connect, follow_a_link, run_a_turn])
async def test_every_statement_of_ours_finds_its_rows_by_an_index(sqlite, work):
    async with sqlite.transaction() as tx:
        await store_vault(tx)

    assert await scans(sqlite, work) == []


async def test_a_statement_that_reads_a_whole_table_would_be_seen(sqlite):
    async def careless(tx):
        await tx.connection.exec_driver_sql("SELECT * FROM turns WHERE outcome = 'x'")

    assert len(await scans(sqlite, careless)) == 1


async def test_members_are_listed_in_the_order_of_their_index(sqlite):
    assert await scans(sqlite, members.list_active) == []
