"""The store cannot do it now: what was let in is carried out later and once, and nobody is told what is not stored."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import httpx2
import pytest
from sqlalchemy import select, update

from bot.model import action_ids
from bot.model.command_codec import dump
from bot.model.commands import AskAgent, Place
from simulator.patience import patience
from store import deliveries, members, turns
from store.records import SendState, TurnState
from store.turns import turns as turns_table
from tests.world import ALICE, BOB, GENERAL, PLAIN, World

TASK = "say exactly: done and dusted"


@asynccontextmanager
async def locked(world: World) -> AsyncIterator[None]:
    """Let another program hold the database's only lock, and Deputy find that out at once instead of after seconds."""
    async with world.app.database.transaction() as tx:
        await tx.connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(world.folder / "deputy.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield


async def begun_anew(world: World, what: str, times: int = 1) -> None:
    """Return once Deputy has begun something anew so often, as its numbers say."""
    wanted, seen = f'deputy_work_begun_anew_total{{what="{what}"}} ', 0.0
    async with patience():
        while seen < times:
            await asyncio.sleep(0.01)
            lines = (await world.metrics()).splitlines()
            seen = next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted)), 0.0)


async def the_root(world: World):
    """Return the one message that begins a thread in the channel."""
    return await world.slack.until(
        lambda _: next((m for m in world.slack.messages(GENERAL) if "asked" in world.slack.text_of(m)), None)
    )


async def health(world: World) -> tuple[int, dict]:
    async with httpx2.AsyncClient(verify=PLAIN, timeout=60) as http:
        answer = await http.get(f"{world.settings.public_url}/healthz")
    return answer.status_code, answer.json()


async def answered_once(world: World, root, task: str = TASK) -> None:
    await world.answered(root)
    await world.settled()
    assert world.requests() == [task]
    assert len(world.agents.sessions) == 1
    assert len(world.answers(root)) == 1
    asked = [m for m in world.slack.messages(GENERAL) if "asked" in world.slack.text_of(m)]
    assert len({m.ts for m in asked if m.ts == (m.thread_ts or m.ts)}) <= 1
    assert world.slack.workspace.open_streams() == []
    assert "Something broke" not in world.whispers(ALICE)


@pytest.mark.fault("S1", "C1")
async def test_housekeeping_outlives_an_outage_and_health_tells_of_it(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.slack.workspace.people[ALICE].deleted = True

    async with locked(running_world):
        running_world.turn(86_400)
        await begun_anew(running_world, "members")
        status, parts = await health(running_world)
        assert (status, parts["database"], parts["upkeep"]) == (503, False, False)

    await running_world.agents.until(lambda agents: not agents.vaults)
    status = 503
    async with patience():
        while status != 200:
            await asyncio.sleep(0.01)
            status, parts = await health(running_world)
    assert parts == {"database": True, "slack": True, "upkeep": True}


@pytest.mark.fault("S4")
@pytest.mark.parametrize("held", ["latency", "latency_after"])
async def test_a_request_that_meets_an_outage_is_carried_out_once_when_it_is_over(running_world: World, held: str):
    getattr(running_world.slack, held)["chat.postMessage"] = 0.3
    delivery = await running_world.slack.type_command(ALICE, GENERAL, f"/agent ask {TASK}")
    await running_world.slack.until(lambda _: running_world.slack.calls_of("chat.postMessage"))
    async with locked(running_world):
        getattr(running_world.slack, held).clear()
        await begun_anew(running_world, "store", 2)
        assert running_world.whispers(ALICE) == ""
    assert delivery.is_acked

    await answered_once(running_world, await the_root(running_world))


@pytest.mark.fault("S4")
async def test_that_a_request_failed_is_told_once_that_is_stored_and_it_is_never_carried_out(deputy_world: World):
    slack = deputy_world.slack
    async with deputy_world.deputy():
        slack.latency["chat.postMessage"] = 0.3
        slack.faults.add("chat.postMessage", kind="error", error="not_in_channel", times=2)
        await slack.type_command(ALICE, GENERAL, f"/agent ask {TASK}")
        await slack.until(lambda _: slack.calls_of("chat.postMessage"))
        async with locked(deputy_world):
            await begun_anew(deputy_world, "store")
            assert deputy_world.whispers(ALICE) == ""
        await deputy_world.whispered(ALICE, "not in this channel")
        await deputy_world.settled()

    async with deputy_world.deputy():
        await deputy_world.settled()
        assert deputy_world.requests() == []
        assert len(slack.ephemerals(ALICE)) == 1


@pytest.mark.fault("S4")
async def test_what_a_request_put_in_line_goes_with_it_when_its_asker_is_told_that_it_failed(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    fault = running_world.slack.faults.add("chat.postMessage", kind="status_500", times=30)
    await running_world.slack.post_message(ALICE, root.channel, TASK, thread_ts=root.ts)
    await running_world.whispered(ALICE, "can't be reached")
    fault.times = 0

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.answered(root)
    await running_world.settled()
    assert running_world.requests() == ["run `ls`"]


@pytest.mark.fault("S8")
async def test_a_turn_that_meets_an_outage_goes_on_when_it_is_over(running_world: World):
    running_world.agents.pace = 0.01
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    async with locked(running_world):
        await begun_anew(running_world, "store", 2)

    await answered_once(running_world, root, "run `ls`")
    assert [event["result"] for event in running_world.sent("user.tool_confirmation")] == ["allow"]


@pytest.mark.fault("S8")
@pytest.mark.parametrize("state", [TurnState.QUEUED, TurnState.RUNNING, TurnState.WAITING])
async def test_an_open_turn_that_nobody_drives_is_found_while_deputy_runs(running_world: World, state: TurnState):
    root = await running_world.ask(ALICE, "say exactly: one")
    await running_world.answered(root)
    await running_world.settled()

    async with running_world.app.database.transaction() as tx:
        earlier = await turns.get(tx, (await tx.connection.execute(select(turns_table.c.id))).scalar_one())
        lost = await turns.queue(
            tx,
            replace(
                earlier, id="trn_lost", state=TurnState.QUEUED, send_state=SendState.UNSENT, task="say exactly: two"
            ),
            None,
        )
        await tx.connection.execute(update(turns_table).where(turns_table.c.id == lost.id).values(state=state))

    await running_world.answered(root, 2)
    await running_world.settled()
    assert running_world.requests() == ["say exactly: one", "say exactly: two"]


@pytest.mark.fault("S4")
async def test_a_request_that_nobody_carries_out_is_found_while_deputy_runs(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent status")
    await running_world.slack.until(lambda _: running_world.slack.ephemerals(ALICE))

    async with running_world.app.database.transaction() as tx:
        (alice,) = await members.list_active(tx)
        kind, payload = dump(AskAgent(alice, TASK, Place(GENERAL)))
        await deliveries.claim(tx, "command:lost", kind, payload, running_world.clock.now())

    await answered_once(running_world, await the_root(running_world))


@pytest.mark.fault("S23")
async def test_one_row_that_does_not_open_keeps_nobody_from_being_stopped_or_started_or_served(deputy_world: World):
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        await deputy_world.ask(ALICE, "think for 600 seconds")
        await deputy_world.ask(BOB, "think for 601 seconds")
        await deputy_world.agents.until(lambda _: len(deputy_world.requests()) == 2)
        damaged = update(turns_table).where(turns_table.c.owner_id == ALICE).values(task="s1.damaged")
        async with deputy_world.app.database.transaction() as tx:
            await tx.connection.execute(damaged)
            await deliveries.claim(tx, "command:strange", "NotOfThisVersion", "{}", deputy_world.clock.now())

    async with deputy_world.deputy():
        await deputy_world.configure({"is_paused": True})
        await deputy_world.agents.until(lambda _: len(deputy_world.sent("user.interrupt")) == 2)
        await deputy_world.settled()
        async with deputy_world.app.database.transaction() as tx:
            assert await turns.list_open(tx) == ()
        await deputy_world.slack.type_command(ALICE, GENERAL, "/agent status")
        await deputy_world.slack.until(lambda _: deputy_world.slack.ephemerals(ALICE))
