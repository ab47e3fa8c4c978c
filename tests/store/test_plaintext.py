"""What is sealed cannot be read in the files, and what is erased is not left lying in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text, update

from store import (
    asides,
    deliveries,
    early_message_events,
    form_messages,
    registrations,
    retries,
    services,
    tickets,
    turns,
)
from store.records import Attachment, Quote, Retry, Secret, TicketState, TurnState
from store.turns import turns as turns_table
from tests.builders import (
    NOON,
    a_registration,
    a_saved_service,
    a_thread,
    a_ticket,
    a_turn,
    an_aside,
    store_member,
    store_thread,
)

CANARY = "canary-9b1f"
SEALED = {
    ("turns", "task"),
    ("turns", "files"),
    ("deliveries", "payload"),
    ("asides", "text"),
    ("asides", "files"),
    ("sources", "words"),
    ("quotes", "text"),
    ("quotes", "files"),
    ("retries", "task"),
    ("retries", "files"),
    ("tickets", "verifier"),
    ("tickets", "client_secret"),
    ("registrations", "client_secret"),
    ("services", "client_secret"),
}


async def store_canaries(tx):
    """Put the canary wherever something is sealed."""
    owner = await store_member(tx)
    thread = await store_thread(tx, a_thread(owner))
    turn = await turns.queue(tx, a_turn(thread, task=CANARY, files=(Attachment("F1", CANARY),)), None)
    await retries.keep(tx, Retry(turn.id, owner, ("notes",), CANARY, NOON, turn.files))
    delivery = await deliveries.claim(tx, "Ev1", "message", CANARY, NOON)
    aside = an_aside(thread, text=CANARY, files=(Attachment("F1", CANARY),))
    await form_messages.keep(tx, "qte_1", owner, Quote(CANARY, owner.user_id, (Attachment("F1", CANARY),)), NOON)
    await early_message_events.note_edit(tx, owner.workspace_id, aside.source, ("1.0", CANARY), NOON)
    await asides.offer(tx, aside)
    registration = a_registration(client_secret=Secret(CANARY), auth_method="client_secret_post")
    await registrations.put_first(tx, registration)
    await services.save(tx, a_saved_service(client_id="c", client_secret=Secret(CANARY)))
    ticket = a_ticket(owner)
    await tickets.issue(tx, ticket, "link")
    await tickets.claim_start(tx, ticket.id, cookie_hash="c", state_hash="s1", nonce="n", now=NOON)
    attempt = await tickets.find_by_identity_state(tx, "s1")
    attempt = replace(attempt, verifier=Secret(CANARY), client_secret=Secret(CANARY))
    await tickets.claim_authorizing(tx, attempt, state_hash="s2", now=NOON)
    return turn, delivery, aside, registration, ticket


def files_with(needle: str, path) -> list[str]:
    return [file.name for file in path.parent.glob("deputy.db*") if needle.encode() in file.read_bytes()]


async def test_no_file_of_the_database_holds_a_sealed_value_in_plain(path, sqlite):
    async with sqlite.transaction() as tx:
        await store_canaries(tx)
        filled = {
            (table, column)
            for table, column in SEALED
            if (await tx.connection.execute(text(f"SELECT {column} FROM {table}"))).scalar_one() is not None
        }

    assert filled == SEALED
    assert files_with("Summarise my notes", path) != []  # a thread's title is not sealed: we do see what is there
    assert files_with(CANARY, path) == []
    await sqlite.close()
    assert files_with(CANARY, path) == []


async def test_what_is_over_leaves_not_even_a_sealed_value(database):
    async with database.transaction() as tx:
        turn, delivery, aside, registration, ticket = await store_canaries(tx)

        await turns.end(tx, turn.id, TurnState.ENDED, outcome="answered", cost_cents=None, now=NOON)
        await deliveries.done(tx, delivery.id)
        await asides.claim(tx, aside.id, is_passed=False)
        await form_messages.drop(tx, turn.owner, "qte_1")
        await early_message_events.erase_words(tx, turn.owner.workspace_id, aside.source)
        await retries.claim(tx, turn.owner, turn.id)
        await registrations.drop(tx, registration)
        await services.remove(tx, "T0ACME", "papers", 1)
        await tickets.settle(tx, ticket.id, TicketState.DONE, NOON)

        for table, column in SEALED:
            left = (await tx.connection.execute(text(f"SELECT {column} FROM {table}"))).scalars().all()
            assert left in ([], [None]), (table, column)


async def test_erased_values_are_overwritten_in_the_file(path, sqlite):
    async with sqlite.transaction() as tx:
        turn, *_ = await store_canaries(tx)
        sealed = (await tx.connection.execute(text("SELECT task FROM turns"))).scalar_one()
    assert files_with(sealed, path) != []

    async with sqlite.transaction() as tx:
        await turns.end(tx, turn.id, TurnState.ENDED, outcome="answered", cost_cents=None, now=NOON)
    await sqlite.close()

    assert files_with(sealed, path) == []


async def test_a_sealed_task_copied_to_another_turn_is_refused(database):
    async with database.transaction() as tx:
        thread = await store_thread(tx)
        mine = await turns.queue(tx, a_turn(thread, task="mine"), None)
        theirs = await turns.queue(tx, a_turn(thread, task="theirs", created_at=NOON + timedelta(seconds=1)), None)
        sealed = (await tx.connection.execute(text("SELECT task FROM turns WHERE number = 2"))).scalar_one()
        await tx.connection.execute(update(turns_table).where(turns_table.c.id == mine.id).values(task=sealed))

        broken = await turns.get(tx, mine.id)
        assert (broken.task, broken.is_readable) == ("", False)
        assert (await turns.get(tx, theirs.id)).task == "theirs"
