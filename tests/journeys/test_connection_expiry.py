"""Connections that end by themselves: found out, told once, made anew, and what failed is asked again."""

import asyncio
import json
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select, update

from bot.model import action_ids
from simulator.patience import patience
from simulator.slack import people
from store import connections, members
from store.connections import connections as connections_table
from store.records import Connection
from tests.world import ALICE, BOB, GENERAL, World

NO_LONGER = "no longer accepts your connection"


def dms(world: World, words: str, user: str = ALICE) -> list:
    return [message for message in world.slack.dms(user) if words in world.slack.text_of(message)]


async def dm(world: World, words: str, user: str = ALICE):
    found = await world.slack.until(lambda _: dms(world, words, user))
    return found[-1]


def credential_of(world: World, account_of: str = ALICE):
    [found] = [
        credential
        for vault in world.agents.vaults.values()
        for credential in vault.credentials.values()
        if vault.metadata["external_user_id"].endswith(account_of) and credential.archived_at is None
    ]
    return found


def over(webhooks, kind: str) -> list:
    return [delivery for delivery in webhooks.sent if delivery.kind == kind and delivery.is_over]


async def heard(world: World, count: int = 1) -> None:
    """Wait until so many deliveries about a refresh were taken and dealt with."""
    await world.agents.webhooks.until(lambda hooks: len(over(hooks, "vault_credential.refresh_failed")) >= count)
    await world.settled()


def refresh_failed(world: World, credential) -> None:
    world.agents.webhooks.note("vault_credential.refresh_failed", credential.id, vault_id=credential.vault_id)


async def status(world: World, user: str = ALICE) -> str:
    await world.slack.type_command(user, GENERAL, "/agent status")
    return world.slack.text_of(await world.whispered(user, "Services\n"))


async def test_a_refresh_that_failed_is_told_once_however_often_it_is_delivered(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.connect_notes(BOB)
    running_world.notes.authority.revoke_account("alice@example.com")
    running_world.agents.webhooks.copies = 3

    refresh_failed(running_world, credential_of(running_world))
    refresh_failed(running_world, credential_of(running_world))
    told = await dm(running_world, NO_LONGER)
    await heard(running_world, 2)

    assert action_ids.CONNECT in running_world.slack.buttons_of(told, ALICE)
    assert len(dms(running_world, NO_LONGER)) == 1
    assert dms(running_world, NO_LONGER, BOB) == []
    assert "Needs a reconnect" in await status(running_world)
    assert running_world.slack.messages(GENERAL) == []


async def test_a_credential_that_works_is_not_said_to_be_broken(running_world: World):
    """The event is some minutes old: what counts is what the API says now."""
    await running_world.connect_notes(ALICE)

    refresh_failed(running_world, credential_of(running_world))
    await heard(running_world)

    assert dms(running_world, NO_LONGER) == []
    assert "Needs a reconnect" not in await status(running_world)


async def test_news_of_an_older_credential_that_comes_late_is_no_news(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.agents.webhooks.holds = True
    refresh_failed(running_world, credential_of(running_world))
    await running_world.connect_notes(ALICE)
    running_world.notes.authority.revoke_account("bob@example.com")

    running_world.agents.webhooks.release()
    await heard(running_world)

    assert dms(running_world, NO_LONGER) == []
    kinds = [delivery.kind for delivery in running_world.agents.webhooks.sent]
    assert kinds.index("vault_credential.archived") < kinds.index("vault_credential.refresh_failed")


async def test_disconnecting_by_hand_is_not_told_as_a_loss(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent disconnect notes")
    await running_world.whispered(ALICE, "Notes is disconnected")
    await running_world.agents.webhooks.until(lambda hooks: over(hooks, "vault_credential.deleted"))
    await running_world.settled()

    assert dms(running_world, NO_LONGER) == []


@pytest.mark.parametrize("what", ["credential", "vault"])
async def test_what_is_deleted_in_the_console_is_told(running_world: World, what: str):
    await running_world.connect_notes(ALICE)
    credential = credential_of(running_world)
    path = f"/v1/vaults/{credential.vault_id}" + (f"/credentials/{credential.id}" if what == "credential" else "")
    headers = {
        "x-api-key": running_world.agents.api_key,
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "managed-agents-2026-04-01",
    }
    async with httpx2.AsyncClient() as http:
        assert (await http.delete(f"{running_world.agents.url}{path}", headers=headers)).status_code == 200

    await dm(running_world, NO_LONGER)


async def test_a_forged_delivery_is_refused_and_changes_nothing(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.notes.authority.revoke_account("alice@example.com")
    webhooks, credential = running_world.agents.webhooks, credential_of(running_world)
    data = {"type": "vault_credential.refresh_failed", "id": credential.id, "vault_id": credential.vault_id}
    body = json.dumps({"type": "event", "id": "whe_1", "created_at": "2026-11-24T00:00:00Z", "data": data}).encode()
    good = webhooks.sign("whe_1", body)
    forged = [
        (body, {}),
        (body + b" ", good),
        (body, good | {"webhook-id": "whe_2"}),
        (body, good | {"webhook-signature": "v1,AAAA"}),
        (body, good | {"webhook-signature": "v1"}),
        (body, webhooks.sign("whe_1", body, at=1_700_000_000)),
        (b"\xff", webhooks.sign("whe_1", b"\xff")),
        (b"{", webhooks.sign("whe_1", b"{")),
    ]

    async with httpx2.AsyncClient() as http:
        answers = [
            (await http.post(webhooks.url, content=content, headers=headers)).status_code for content, headers in forged
        ]
        large = await http.post(webhooks.url, content=b"x" * 70_000, headers=good)
        unknown = json.dumps(
            {"type": "event", "id": "whe_3", "created_at": "", "data": {"type": "vault.born"}}
        ).encode()
        ignored = await http.post(webhooks.url, content=unknown, headers=webhooks.sign("whe_3", unknown))
    await running_world.settled()

    assert answers == [401] * len(forged)
    assert (large.status_code, ignored.status_code) == (413, 204)
    assert dms(running_world, NO_LONGER) == []


async def test_a_delivery_while_deputy_was_away_comes_again(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
    deputy_world.notes.authority.revoke_account("alice@example.com")
    deputy_world.agents.webhooks.backoff = 1.0
    refresh_failed(deputy_world, credential_of(deputy_world))
    await deputy_world.agents.webhooks.until(lambda hooks: hooks.sent[-1].statuses == [0])
    async with deputy_world.deputy():
        await dm(deputy_world, NO_LONGER)
        await heard(deputy_world)

    delivery = next(d for d in deputy_world.agents.webhooks.sent if "refresh_failed" in d.kind)
    assert (delivery.statuses[0], delivery.statuses[-1]) == (0, 204)


@pytest.mark.parametrize("variant", ["continue", "exhausted"])
async def test_what_met_a_refused_credential_is_offered_again_once_it_is_renewed(running_world: World, variant: str):
    await running_world.connect_notes(ALICE)
    running_world.agents.mcp_auth_failure = variant
    running_world.notes.authority.revoke_account("alice@example.com")
    root = await running_world.ask(ALICE, "summarise my notes")
    prompt = await running_world.whispered(ALICE, NO_LONGER)
    assert "ask this again" in running_world.slack.text_of(prompt)
    await dm(running_world, NO_LONGER)

    await running_world.connect_notes(ALICE)
    told = await dm(running_world, "This couldn't be done without it")
    assert "summarise my notes" in running_world.slack.text_of(told)
    await running_world.slack.click(ALICE, told, action_ids.ASK_AGAIN)
    answers = await running_world.answered(root, 1 if variant == "exhausted" else 2)
    await running_world.slack.click(ALICE, told, action_ids.ASK_AGAIN)
    await running_world.settled()

    assert "Offsite plan" in running_world.slack.text_of(answers[-1])
    assert running_world.requests() == ["summarise my notes"] * 2
    assert NO_LONGER not in running_world.whispers(BOB)


async def test_what_is_asked_again_has_its_files_and_names_those_that_are_gone(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.notes.authority.revoke_account("alice@example.com")
    kept, lost = ({"name": name, "content": b"alpha,3\n", "mimetype": "text/csv"} for name in ("kept.csv", "lost.csv"))
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"<@{people.BOT}> summarise my notes", files=[kept, lost]
    )
    await running_world.answered(root)
    await running_world.settled()
    running_world.slack.workspace.files.pop(root.files[1]["id"])

    await running_world.connect_notes(ALICE)
    told = await dm(running_world, "This couldn't be done without it")
    await running_world.slack.click(ALICE, told, action_ids.ASK_AGAIN)
    await running_world.answered(root, 2)

    first, second = running_world.requests()
    assert ("1-kept.csv" in first, "2-lost.csv" in first) == (True, True)
    assert ("1-kept.csv" in second, "2-lost.csv" in second) == (True, False)
    (listed,) = [line for line in second.splitlines() if line.startswith("- ")]
    (session,) = running_world.agents.sessions.values()
    assert listed.removeprefix("- ") in {resource["mount_path"] for resource in session.resources}
    await running_world.whispered(ALICE, "“lost.csv”: it is no longer in Slack")


async def test_only_the_owner_can_ask_it_again(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.notes.authority.revoke_account("alice@example.com")
    root = await running_world.ask(ALICE, "summarise my notes")
    await running_world.answered(root)
    await running_world.settled()
    await running_world.connect_notes(ALICE)
    told = await dm(running_world, "This couldn't be done without it")
    value = running_world.slack.buttons_of(told, ALICE)[action_ids.ASK_AGAIN]["value"]

    await running_world.slack.forge_click(BOB, root, action_ids.ASK_AGAIN, value=value)
    await running_world.settled()

    assert running_world.requests() == ["summarise my notes"]


async def test_what_its_owner_stopped_is_not_offered_again(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.notes.authority.revoke_account("alice@example.com")
    running_world.agents.pace = 0.05
    root = await running_world.ask(ALICE, "summarise my notes and write a long text of 2000 words")
    await running_world.agents.until(lambda _: running_world.sent())
    await running_world.slack.post_message(ALICE, root.channel, "stop", thread_ts=root.ts)
    await running_world.answer_in(root, "topped")
    await running_world.settled()

    await running_world.connect_notes(ALICE)
    told = await dm(running_world, "Connected to Notes")

    assert action_ids.ASK_AGAIN not in running_world.slack.buttons_of(told, ALICE)


CHORES = 5
"""How many `Housekeeping.start` begins, each of which sleeps an hour after it."""


async def housekept(world: World) -> None:
    """Let Deputy look at the clock, as it does every hour."""
    before = list(world.clock.sleeping)
    world.turn(61 * 60)
    next_time = world.clock.now() + timedelta(minutes=59)
    async with patience():
        while sum(when >= next_time and when not in before for when in world.clock.sleeping) < CHORES:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await world.settled()


async def until_end(world: World, **time: float) -> None:
    """Make Alice's connection end in so much time, as a grant that cannot be refreshed does."""
    async with world.app.database.transaction() as tx:
        end = world.clock.now() + timedelta(**time)
        start = world.clock.now() - timedelta(days=27)
        await tx.connection.execute(update(connections_table).values(expires_at=end, connected_at=start))


async def test_a_grant_that_will_end_is_reminded_of_once_and_its_end_is_told(running_world: World):
    await running_world.connect_notes(ALICE)
    await until_end(running_world, days=3, hours=1)
    await housekept(running_world)

    told = await dm(running_world, "Your connection to Notes ends")
    await housekept(running_world)
    assert len(dms(running_world, "Your connection to Notes ends")) == 1
    assert action_ids.CONNECT in running_world.slack.buttons_of(told, ALICE)
    assert "ends" in await status(running_world)

    running_world.turn(4 * 24 * 3600)
    await dm(running_world, "Your connection to Notes has ended")
    await housekept(running_world)
    assert len(dms(running_world, "Your connection to Notes has ended")) == 1


async def lapse(world: World) -> Connection:
    """Mark Alice's connection as broken, as the step before the message does; return it."""
    async with world.app.database.transaction() as tx:
        owner = await members.find(tx, world.app.install.workspace_id, ALICE)
        connection = await connections.find(tx, owner, "notes")
        assert await connections.lapse(tx, connection.id, "refused", world.clock.now())
    return connection


async def test_who_was_not_told_before_the_process_died_is_told_at_the_next_start_and_once(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
        await lapse(deputy_world)
    async with deputy_world.deputy():
        told = await dm(deputy_world, NO_LONGER)
        await housekept(deputy_world)
    async with deputy_world.deputy():
        await housekept(deputy_world)

    assert action_ids.CONNECT in deputy_world.slack.buttons_of(told, ALICE)
    assert len(dms(deputy_world, NO_LONGER)) == 1


async def test_who_was_told_by_a_process_that_died_before_it_knew_is_not_told_again(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
        deputy_world.notes.authority.revoke_account("alice@example.com")
        refresh_failed(deputy_world, credential_of(deputy_world))
        await dm(deputy_world, NO_LONGER)
        await heard(deputy_world)
        async with deputy_world.app.database.transaction() as tx:
            await tx.connection.execute(update(connections_table).values(lapse_untold="refused"))
    async with deputy_world.deputy():
        await housekept(deputy_world)
        async with deputy_world.app.database.transaction() as tx:
            assert await connections.list_untold(tx) == ()

    assert len(dms(deputy_world, NO_LONGER)) == 1


async def test_who_connected_again_meanwhile_is_not_told_of_the_old_connection(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
        await lapse(deputy_world)
        await deputy_world.connect_notes(ALICE)
        await housekept(deputy_world)

    assert dms(deputy_world, NO_LONGER) == []


async def test_who_is_not_told_for_an_outage_of_slack_is_told_after_it(running_world: World):
    await running_world.connect_notes(ALICE)
    await lapse(running_world)
    running_world.slack.faults.add("chat.postMessage", kind="error", error="fatal_error", times=20)

    await housekept(running_world)
    assert dms(running_world, NO_LONGER) == []
    running_world.slack.faults.clear()
    await housekept(running_world)

    await dm(running_world, NO_LONGER)


async def drop_notes(world: World) -> None:
    """End everybody's connection to Notes in the store, as an admin's change does before it says so to the API."""
    async with world.app.database.transaction() as tx:
        await connections.break_service(tx, world.app.install.workspace_id, "notes")


def held(world: World) -> list:
    return [credential for vault in world.agents.vaults.values() for credential in vault.credentials.values()]


async def test_what_an_admin_ended_is_deleted_later_where_the_first_deletion_fails(running_world: World):
    await running_world.connect_notes(ALICE)
    await drop_notes(running_world)
    # As often as one deletion is tried.
    fault = running_world.agents.faults.add("/v1/vaults/*/credentials/*", "DELETE", kind="status_500", times=3)
    await housekept(running_world)
    await running_world.agents.until(lambda _: fault.done == 3)
    assert len(held(running_world)) == 1
    assert "Needs a reconnect" in await status(running_world)

    await housekept(running_world)
    await running_world.agents.until(lambda _: not held(running_world))
    await housekept(running_world)

    async with running_world.app.database.transaction() as tx:
        assert await connections.list_credentials_due(tx) == ()


async def test_what_an_admin_ended_before_the_process_died_is_deleted_at_the_next_start(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
        await deputy_world.connect_notes(BOB)
        await drop_notes(deputy_world)
    assert len(held(deputy_world)) == 2
    async with deputy_world.deputy():
        await deputy_world.agents.until(lambda _: not held(deputy_world))


async def test_an_access_without_a_refresh_token_says_when_it_ends(running_world: World):
    running_world.notes.no_refresh_token = True

    await running_world.connect_notes(ALICE)
    await dm(running_world, "ends this connection")
    await housekept(running_world)

    await dm(running_world, "Your connection to Notes has ended")
    assert dms(running_world, "Your connection to Notes ends") == []


async def test_less_access_than_asked_for_is_told(running_world: World):
    running_world.notes.challenge_scope = "notes:read notes:write"
    running_world.notes.granted_scopes = ["notes:read"]

    await running_world.connect_notes(ALICE)

    told = running_world.slack.text_of(await dm(running_world, "gave less access than I asked for"))
    assert "notes:write" in told
    assert "notes:read" not in told


async def test_a_reminder_that_slack_did_not_take_is_sent_later(running_world: World):
    await running_world.connect_notes(ALICE)
    await until_end(running_world, days=2)
    running_world.slack.faults.add("chat.postMessage", kind="status_500", times=50)
    await housekept(running_world)
    running_world.slack.faults.clear()
    await housekept(running_world)

    await dm(running_world, "Your connection to Notes ends")


async def test_who_was_reminded_by_a_process_that_died_before_it_knew_is_not_reminded_again(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
        await until_end(deputy_world, days=2)
        await housekept(deputy_world)
        await dm(deputy_world, "Your connection to Notes ends")
        async with deputy_world.app.database.transaction() as tx:
            await tx.connection.execute(update(connections_table).values(reminded_at=None))
    async with deputy_world.deputy():
        await housekept(deputy_world)
        async with deputy_world.app.database.transaction() as tx:
            [known] = (await tx.connection.execute(select(connections_table))).all()

    assert known.reminded_at is not None
    assert len(dms(deputy_world, "Your connection to Notes ends")) == 1
